import { isBlank, isToken, skipBlanks } from '../../grammar/chars.js';
import { GrammarError } from '../../grammar/error.js';
import { Params, parseParams } from '../../grammar/params.js';
import { parseHostPort } from '../../grammar/uri.js';

/** One Via value (RFC 3261 section 20.42). */
export interface Via {
  /** Upper case: UDP, TCP, TLS, WS, WSS … */
  protocol: string;
  /** Lower case; IPv6 with brackets. */
  host: string;
  port?: number;
  params: Params;
  /** The branch parameter. */
  branch: string | undefined;
}

const PREFIX = 'SIP/2.0/';

/** Parses one via-parm. Throws {@link GrammarError}. */
export function parseVia(text: string): Via {
  let pos = text.startsWith(PREFIX) ? PREFIX.length : spacedPrefix(text);
  const protocolStart = pos;
  while (pos < text.length && !isBlank(text.charCodeAt(pos))) pos++;
  if (!isToken(text, protocolStart, pos)) throw new GrammarError('Via without a transport');
  const protocol = text.slice(protocolStart, pos).toUpperCase();
  pos = skipBlanks(text, pos);
  const semicolon = text.indexOf(';', pos);
  const end = semicolon < 0 ? text.length : semicolon;
  const [host, port] = sentBy(text, pos, end);
  const params = semicolon < 0 ? new Params() : parseParams(text, end, text.length);
  const via: Via = { protocol, host, params, branch: params.get('branch') };
  if (port !== undefined) via.port = port;
  return via;
}

function spacedPrefix(text: string): number {
  const match = /^SIP[ \t]*\/[ \t]*2\.0[ \t]*\/[ \t]*/i.exec(text);
  if (!match) throw new GrammarError('Via of another protocol than SIP/2.0');
  return match[0].length;
}

/** `host[:port]`, blanks allowed around the colon and at the end. */
function sentBy(text: string, start: number, end: number): [string, number | undefined] {
  let last = end;
  while (last > start && isBlank(text.charCodeAt(last - 1))) last--;
  const blank = text.indexOf(' ', start);
  const tab = text.indexOf('\t', start);
  if ((blank < 0 || blank >= last) && (tab < 0 || tab >= last)) return parseHostPort(text, start, last);
  const colon = text.lastIndexOf(':', last);
  if (colon < start || colon < text.lastIndexOf(']', last)) return parseHostPort(text, start, last);
  const compact = `${text.slice(start, colon).trimEnd()}:${text.slice(colon + 1, last).trimStart()}`;
  return parseHostPort(compact, 0, compact.length);
}

/** The value as text. */
export function formatVia(via: Via): string {
  const port = via.port === undefined ? '' : `:${via.port}`;
  return `${PREFIX}${via.protocol} ${via.host}${port}${via.params.toString()}`;
}
