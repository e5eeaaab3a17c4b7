import { isBlank, isToken } from '../../grammar/chars.js';
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
  const lines = head.split(CRLF);
  const start = parseStart(lines[0] ?? '');
  const headers: [string, string][] = [];
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i] ?? '';
    if (line === '') continue;
    const last = headers.at(-1);
    if (isBlank(line.charCodeAt(0)) && last) last[1] = `${last[1]} ${line.trim()}`;
    else headers.push(parseHeader(line));
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

function parseHeader(line: string): [string, string] {
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(colon, 0)).trim();
  if (!isToken(name)) throw new CommandError(`invalid header: ${line.slice(0, 80)}`);
  return [name, line.slice(colon + 1).trim()];
}
