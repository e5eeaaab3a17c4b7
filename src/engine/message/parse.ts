import { type Buffer, isAscii, isUtf8 } from 'node:buffer';
import { isBlank, isDigits, isToken } from '../../grammar/chars.js';
import { GrammarError } from '../../grammar/error.js';
import { knownHeaderIn } from '../../grammar/header-names.js';
import type { HeaderLines } from './headers.js';
import { defaultMessageLimits, type MessageLimits } from './limits.js';
import { type SipMessage, SipRequest, SipResponse } from './message.js';
import { reasonPhrase } from './reason.js';
import { validate } from './validate.js';

/** What is no visible ASCII character: no URI has it (RFC 3986 section 2). */
const NOT_IN_URIS = /[^\x21-\x7e]/;

/** A message that can't be taken. */
export class SipParseError extends Error {
  override readonly name = 'SipParseError';

  /**
   * @param status what to answer: 400, 505, 513 …
   * @param reason what is wrong, fit for a reason phrase
   * @param request the request as far as understood, when a response to it is possible; a bad response or ACK is dropped
   */
  constructor(
    readonly status: number,
    readonly reason: string,
    readonly request?: SipRequest,
  ) {
    super(`${status} ${reason}`);
  }
}

/** What is wrong with a message, while its parsing goes on so that it can be answered. */
class Fault {
  constructor(
    readonly status: number,
    readonly reason: string,
  ) {}
}

/**
 * Parses one whole message: a datagram, or what a stream's framing gave. Bytes behind Content-Length are left out (RFC 3261 section
 * 18.3). What makes a message invalid: see RFC 4475 section 3.1.2. Throws {@link SipParseError}.
 */
export function parseMessage(data: Buffer, limits: MessageLimits = defaultMessageLimits): SipMessage {
  if (data.length > limits.messageBytes) throw new SipParseError(513, reasonPhrase(513));
  let start = 0;
  while (data[start] === 13 || data[start] === 10) start++;
  let end = data.indexOf('\r\n\r\n', start);
  const complete = end >= 0;
  if (!complete) end = endOfPartial(data);
  const tooLong = end - start > limits.headBytes;
  if (tooLong) end = start + limits.headBytes;
  const head = data.subarray(start, end);
  const encoding = isAscii(head) || !isUtf8(head) ? 'latin1' : 'utf8';
  const text = head.toString(encoding);
  const eol = text.indexOf('\r\n');
  const lines: HeaderLines = { names: [], keys: [], values: [] };
  const read = eol < 0 ? new Fault(400, 'No headers') : parseLines(text, eol + 2, lines, limits);
  const plain = read === true;
  let fault = read instanceof Fault ? read : undefined;
  if (tooLong) fault = new Fault(513, reasonPhrase(513));
  else if (!complete) fault ??= new Fault(400, 'Headers have no end');
  const startLine = eol < 0 ? text : text.slice(0, eol);
  const { message, fault: startFault } = parseStart(startLine, lines);
  if (encoding === 'latin1' && !isAscii(head)) message.encoding = 'latin1';
  fault = startFault ?? fault ?? takeBody(message, data, end + 4);
  if (!fault) {
    const wrong = validate(message);
    if (wrong) fault = new Fault(400, wrong);
  }
  if (fault) throw new SipParseError(fault.status, fault.reason, answerable(message));
  if (plain && start === 0 && endsAsTold(message, data, end + 4)) message.cameAs(data, startLine);
  return message;
}

/** Whether Content-Length is there, in as many digits as it needs, and nothing follows the body. */
function endsAsTold(message: SipMessage, data: Buffer, bodyStart: number): boolean {
  return message.get('content-length') === String(data.length - bodyStart);
}

function endOfPartial(data: Buffer): number {
  return data.length >= 2 && data[data.length - 2] === 13 && data[data.length - 1] === 10
    ? data.length - 2
    : data.length;
}

function answerable(message: SipMessage): SipRequest | undefined {
  return message.kind === 'request' && message.method !== 'ACK' && message.has('via') ? message : undefined;
}

function parseStart(line: string, lines: HeaderLines): { message: SipMessage; fault?: Fault } {
  if (line.startsWith('SIP/')) return parseStatusLine(line, lines);
  const first = line.indexOf(' ');
  const last = line.lastIndexOf(' ');
  const message = new SipRequest(
    first < 0 ? line : line.slice(0, first),
    line.slice(first + 1, Math.max(last, first + 1)),
    lines,
  );
  if (first < 0 || first === last || !isToken(message.method))
    return { message, fault: new Fault(400, 'Malformed start line') };
  const version = line.slice(last + 1);
  if (version !== 'SIP/2.0' && version.toUpperCase() !== 'SIP/2.0') {
    const known = /^SIP\/\d+\.\d+$/i.test(version);
    return { message, fault: known ? new Fault(505, reasonPhrase(505)) : new Fault(400, 'Malformed start line') };
  }
  const fault = requestUriFault(message);
  return fault ? { message, fault } : { message };
}

function requestUriFault(request: SipRequest): Fault | undefined {
  const uri = request.uri;
  if (uri.includes(' ') || uri.includes('\t')) return new Fault(400, 'Blank in the Request-URI');
  if (NOT_IN_URIS.test(uri)) return new Fault(400, 'Character in the Request-URI that must be escaped');
  try {
    if (request.parsedUri.headers) return new Fault(400, 'Headers in the Request-URI');
    return undefined;
  } catch (error) {
    return new Fault(400, `Request-URI: ${error instanceof GrammarError ? error.message : 'malformed'}`);
  }
}

function parseStatusLine(line: string, lines: HeaderLines): { message: SipMessage; fault?: Fault } {
  const status = line.slice(8, 11);
  const message = new SipResponse(Number(status), line.slice(12), lines);
  const good =
    line.startsWith('SIP/2.0 ') &&
    isDigits(status) &&
    message.status >= 100 &&
    message.status < 700 &&
    (line.length === 11 || line.charCodeAt(11) === 32);
  return good ? { message } : { message, fault: new Fault(400, 'Malformed status line') };
}

/**
 * Splits the header lines; goes on behind the first fault so that the request can be answered. Gives that fault, else whether all lines are plain: see
 * {@link parseLine}.
 */
function parseLines(text: string, start: number, lines: HeaderLines, limits: MessageLimits): Fault | boolean {
  let fault: Fault | undefined;
  let plain = true;
  let pos = start;
  let lf = nextLf(text, pos);
  while (pos < text.length) {
    let eol = endOfLine(text, pos);
    let folded = false;
    while (isBlank(text.charCodeAt(eol + 2))) {
      folded = true;
      eol = endOfLine(text, eol + 2);
    }
    if (eol - pos > limits.headerBytes || lines.names.length >= limits.headers)
      return new Fault(513, reasonPhrase(513));
    while (lf < eol) {
      if (text.charCodeAt(lf - 1) !== CR) fault ??= new Fault(400, STRAY);
      lf = nextLf(text, lf + 1);
    }
    const wrong = parseLine(text, pos, eol, folded, lines);
    if (typeof wrong === 'string') fault ??= new Fault(400, wrong);
    else if (!wrong) plain = false;
    pos = eol + 2;
    lf = nextLf(text, pos);
  }
  return fault ?? plain;
}

const STRAY = 'Stray control character in a header';
const BLANK = 32;
const CR = 13;
const LF = 10;

function nextLf(text: string, pos: number): number {
  const lf = text.indexOf('\n', pos);
  return lf < 0 ? text.length : lf;
}

/** The next CR that an LF follows. */
function endOfLine(text: string, pos: number): number {
  let cr = text.indexOf('\r', pos);
  while (cr >= 0 && text.charCodeAt(cr + 1) !== LF) cr = text.indexOf('\r', cr + 1);
  return cr < 0 ? text.length : cr;
}

/**
 * One header line from `start` to `end`, its line breaks left out. Gives what is wrong with it, else whether it is plain: `name: value` as this side would
 * write it.
 */
function parseLine(text: string, start: number, end: number, folded: boolean, lines: HeaderLines): string | boolean {
  let nameEnd = start;
  while (nameEnd < end && text.charCodeAt(nameEnd) !== 58) nameEnd++;
  if (nameEnd === end) return 'Header line without a colon';
  const colon = nameEnd;
  let from = colon + 1;
  while (nameEnd > start && isBlank(text.charCodeAt(nameEnd - 1))) nameEnd--;
  const known = knownHeaderIn(text, start, nameEnd);
  if (!known && !isToken(text, start, nameEnd)) return 'Malformed header name';
  let to = end;
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  let value = text.slice(from, to);
  if (folded) value = unfold(value);
  if (value.includes('\r')) return STRAY;
  const name = known && text.startsWith(known.name, start) ? known.name : text.slice(start, nameEnd);
  lines.names.push(name);
  lines.keys.push(known?.key ?? name.toLowerCase());
  lines.values.push(value);
  return !folded && nameEnd === colon && from === colon + 2 && text.charCodeAt(colon + 1) === BLANK && to === end;
}

function unfold(value: string): string {
  const parts = value.split('\r\n').map((part) => part.trim());
  return parts.join(' ').trim();
}

function takeBody(message: SipMessage, data: Buffer, start: number): Fault | undefined {
  const text = message.get('content-length');
  if (text === undefined) {
    if (start < data.length) message.body = data.subarray(start);
    return undefined;
  }
  if (text.length > 10 || !isDigits(text)) return new Fault(400, 'Illegal Content-Length');
  const length = Number(text);
  if (start + length > data.length) return new Fault(400, 'Content-Length beyond the end of the message');
  if (length > 0) message.body = data.subarray(start, start + length);
  return undefined;
}
