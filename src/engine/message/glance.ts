import type { Buffer } from 'node:buffer';
import { isBlank } from '../../grammar/chars.js';
import { knownHeader } from '../../grammar/header-names.js';

/** The topmost Via of a {@link Glance}. */
export interface GlanceVia {
  /** `SIP/2.0/UDP host:port`, as written. */
  readonly start: string;
  /** Lower case; IPv6 with brackets. */
  readonly host: string;
  readonly port: number | undefined;
  /** Of RFC 3261: the magic cookie and more. */
  readonly branch: string;
  readonly rport: boolean;
  /** Each as written, without its semicolon. */
  readonly params: readonly string[];
  /** What follows on the same line: nothing, or a comma and further values. */
  readonly rest: string;
}

/** As much of a request as an answer without a transaction is made of (RFC 3261 section 8.2.6), as slices of its text in latin1. */
export interface Glance {
  readonly method: string;
  readonly via: GlanceVia;
  /** The further Via lines. */
  readonly vias: readonly string[];
  readonly from: string;
  readonly to: string;
  readonly toTag: string | undefined;
  readonly callId: string;
  readonly cseq: string;
}

/** A longer head is no usual one. */
const LOOKED_AT = 8192;
const VIA =
  /^(SIP\/2\.0\/[A-Z]+ (\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z.-]+)(?::(\d{1,5}))?)((?:;[!#-+\--:?-~]+(?:=[!#-+\--:=?-~]*)?)+)(,.*)?$/;
const NAME_ADDR = /^(?:"[^"\\]*"[ \t]*|[0-9A-Za-z.!%*_+'~` -]*)<[A-Za-z][0-9A-Za-z+.-]*:[^<>"\s]+>(?:;[^;<>",\s]+)*$/;
const TAG = /;tag=([^;=\s]+)$|;tag=([^;=\s]+);/i;
const TAG_OF_ANY_KIND = /;\s*tag/i;
const CSEQ = /^\d{1,9} ([A-Z]+)$/;
const CONTROL = /[^\t\x20-\x7e\x80-\xff]/;
const VISIBLE = /^[!-~]+$/;
/** A further Via, or several. */
const FURTHER_VIA = /^[\t -~]*\/[\t -~]*$/;
const COOKIE = 'z9hG4bK';

/**
 * Reads the few headers of a request that an answer to it repeats, without parsing the rest. Undefined for whatever isn't written the way that requests
 * usually are (folded lines, a Via without a branch of RFC 3261, several of what may stand once, anything else out of the ordinary): that is for
 * `parseMessage`, which takes much longer. What is wrong in the lines that it doesn't read goes unnoticed.
 */
export function glance(data: Buffer): Glance | undefined {
  const text = data.toString('latin1', 0, LOOKED_AT);
  const end = text.indexOf('\r\n\r\n');
  let pos = text.indexOf('\r\n');
  if (end < 0) return undefined;
  const method = methodOf(text, pos);
  if (method === undefined) return undefined;
  const vias: string[] = [];
  let from: string | undefined;
  let to: string | undefined;
  let callId: string | undefined;
  let cseq: string | undefined;
  while (pos < end) {
    const start = pos + 2;
    pos = text.indexOf('\r\n', start);
    const key = keyOf(text, start);
    if (key === FOLDED) return undefined;
    if (key === undefined) continue;
    const value = valueIn(text, start, pos);
    if (value === undefined) return undefined;
    if (key === 'via') vias.push(value);
    else if (key === 'from' && from === undefined) from = value;
    else if (key === 'to' && to === undefined) to = value;
    else if (key === 'call-id' && callId === undefined) callId = value;
    else if (key === 'cseq' && cseq === undefined) cseq = value;
    else return undefined;
  }
  const [top = '', ...further] = vias;
  const via = glanceVia(top);
  if (!via || (via.rest !== '' && !FURTHER_VIA.test(via.rest)) || !further.every((line) => FURTHER_VIA.test(line)))
    return undefined;
  if (from === undefined || to === undefined || !callId || cseq === undefined) return undefined;
  if (!NAME_ADDR.test(from) || !NAME_ADDR.test(to) || !VISIBLE.test(callId) || CSEQ.exec(cseq)?.[1] !== method)
    return undefined;
  const tag = TAG.exec(to);
  const toTag = tag?.[1] ?? tag?.[2];
  if (toTag === undefined && TAG_OF_ANY_KIND.test(to)) return undefined;
  return { method, via, vias: further, from, to, toTag, callId, cseq };
}

function methodOf(text: string, end: number): string | undefined {
  const blank = text.indexOf(' ');
  const uriEnd = text.indexOf(' ', blank + 1);
  if (uriEnd !== end - 8 || !text.startsWith('SIP/2.0', uriEnd + 1)) return undefined;
  const method = text.slice(0, blank);
  return /^[A-Z]+$/.test(method) ? method : undefined;
}

const FOLDED = 'folded';

/** The header's key if it is one that counts here. */
function keyOf(text: string, start: number): string | undefined {
  switch (text.charCodeAt(start)) {
    case 9:
    case 32:
      return FOLDED;
    case 67: // C
    case 99:
    case 70: // F
    case 102:
    case 73: // I
    case 105:
    case 84: // T
    case 116:
    case 86: // V
    case 118: {
      const key = knownHeader(text.slice(start, text.indexOf(':', start)).trimEnd())?.key;
      return key === 'via' || key === 'from' || key === 'to' || key === 'call-id' || key === 'cseq' ? key : undefined;
    }
    default:
      return undefined;
  }
}

function valueIn(text: string, start: number, end: number): string | undefined {
  let from = text.indexOf(':', start) + 1;
  let to = end;
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  const value = text.slice(from, to);
  return CONTROL.test(value) ? undefined : value;
}

function glanceVia(line: string): GlanceVia | undefined {
  const match = VIA.exec(line);
  if (!match) return undefined;
  const [, start = '', host = '', portText, paramText = '', rest = ''] = match;
  const port = portText === undefined ? undefined : Number(portText);
  if (port === 0 || (port ?? 0) > 65535) return undefined;
  const params = paramText.slice(1).split(';');
  let branch: string | undefined;
  let rport = false;
  for (const param of params) {
    const equals = param.indexOf('=');
    const name = (equals < 0 ? param : param.slice(0, equals)).toLowerCase();
    if (name === 'received' || (name === 'branch' && branch !== undefined) || (name === 'rport' && rport))
      return undefined;
    if (name === 'branch') branch = param.slice(equals + 1);
    else if (name === 'rport') rport = true;
  }
  if (branch === undefined || branch.length <= COOKIE.length || !branch.startsWith(COOKIE)) return undefined;
  return { start, host: host.toLowerCase(), port, branch, rport, params, rest };
}
