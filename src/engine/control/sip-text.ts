import { isBlank, isToken } from '../../grammar/chars.js';
import { knownHeaderIn } from '../../grammar/header-names.js';
import { BODY_ENCODING, bodyBytes } from './app-text.js';
import { CommandError } from './command-error.js';

/** The SIP part of an app's command: a start line, headers in the order given, and a body. Not yet a message: the stack adds what the app leaves out. */
export interface SipText {
  start: RequestStart | ResponseStart;
  headers: [name: string, value: string][];
  body: Buffer;
}

export interface RequestStart {
  kind: 'request';
  method: string;
  uri: string;
}

export interface ResponseStart {
  kind: 'response';
  status: number;
  reason: string;
}

const CRLF = '\r\n';
const END_OF_HEADERS = Buffer.from('\r\n\r\n');
const STRAY = /\0|\r(?!\n)|(?<!\r)\n/;
const MARK = BODY_ENCODING.toLowerCase();

/**
 * Reads what drachtio-srf writes. The body is everything after the empty line: Content-Length is ignored, since srf counts
 * characters in it, not bytes. Throws {@link CommandError} for a start line or header that can't go on the wire.
 */
export function parseSipText(bytes: Buffer): SipText {
  const end = bytes.indexOf(END_OF_HEADERS);
  const head = bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
  const body = end < 0 ? Buffer.alloc(0) : bytes.subarray(end + END_OF_HEADERS.length);
  if (STRAY.test(head)) throw new CommandError('a header value may not hold a line break');
  let eol = lineEnd(head, 0);
  const start = parseStart(head.slice(0, eol));
  const headers: [string, string][] = [];
  for (let pos = eol + 2; pos < head.length; pos = eol + 2) {
    eol = lineEnd(head, pos);
    if (eol === pos) continue;
    const last = headers.at(-1);
    if (isBlank(head.charCodeAt(pos)) && last) last[1] = `${last[1]} ${head.slice(pos, eol).trim()}`;
    else headers.push(parseHeader(head, pos, eol));
  }
  const marked = headers.findIndex(([name]) => name.length === MARK.length && name.toLowerCase() === MARK);
  if (marked < 0) return { start, headers, body };
  headers.splice(marked, 1);
  return { start, headers, body: bodyBytes(body) ?? body };
}

function parseStart(line: string): RequestStart | ResponseStart {
  if (line.startsWith('SIP/2.0 ')) {
    const space = line.indexOf(' ', 8);
    const status = Number(space < 0 ? line.slice(8) : line.slice(8, space));
    if (!Number.isInteger(status) || status < 100 || status > 699)
      throw new CommandError(`invalid status line: ${line}`);
    return { kind: 'response', status, reason: space < 0 ? '' : line.slice(space + 1).trim() };
  }
  const first = line.indexOf(' ');
  const last = line.lastIndexOf(' ');
  const method = line.slice(0, Math.max(first, 0));
  const uri = line.slice(first + 1, Math.max(last, first + 1)).trim();
  if (!isToken(method) || !uri || uri.includes(' ') || line.slice(last + 1) !== 'SIP/2.0') {
    throw new CommandError(`invalid request line: ${line}`);
  }
  return { kind: 'request', method: method.toUpperCase(), uri };
}

function lineEnd(text: string, pos: number): number {
  const end = text.indexOf(CRLF, pos);
  return end < 0 ? text.length : end;
}

/** Names that are known come back as one and the same text, which is quick to compare. */
function parseHeader(head: string, start: number, end: number): [string, string] {
  const colon = head.indexOf(':', start);
  if (colon > start && colon < end) {
    const value = head.slice(colon + 1, end).trim();
    const known = knownHeaderIn(head, start, colon);
    if (known && head.startsWith(known.name, start)) return [known.name, value];
    if (known && head.startsWith(known.key, start)) return [known.key, value];
    const name = head.slice(start, colon).trim();
    if (isToken(name)) return [name, value];
  }
  throw new CommandError(`invalid header: ${head.slice(start, Math.min(end, start + 80))}`);
}
