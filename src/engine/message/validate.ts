import { isDigits } from '../../grammar/chars.js';
import { GrammarError } from '../../grammar/error.js';
import { type NameAddr, parseNameAddr } from '../../grammar/name-addr.js';
import { parseUri } from '../../grammar/uri.js';
import type { SipMessage } from './message.js';

const REQUIRED = ['via', 'from', 'to', 'call-id', 'cseq'] as const;
const SINGLE = [
  'from',
  'to',
  'call-id',
  'cseq',
  'max-forwards',
  'content-length',
  'content-type',
  'expires',
  'date',
] as const;
const SPELLING: Readonly<Record<string, string>> = { 'call-id': 'Call-ID', cseq: 'CSeq' };

function spelling(key: string): string {
  return SPELLING[key] ?? key.replace(/(^|-)[a-z]/g, (part) => part.toUpperCase());
}

/**
 * What is wrong with a message whose lines could be split, or undefined: the headers that every message needs (RFC 3261 section 8.1.1),
 * those that may stand only once, and the grammar of those that the lower layers read.
 */
export function validate(message: SipMessage): string | undefined {
  for (const key of REQUIRED) if (!message.has(key)) return `Missing ${spelling(key)} header`;
  for (const key of SINGLE) if (message.all(key).length > 1) return `More than one ${spelling(key)} header`;
  return wrongGrammar(message) ?? wrongNumbers(message) ?? wrongDate(message);
}

function wrongGrammar(message: SipMessage): string | undefined {
  let at = 'Via';
  try {
    void message.via;
    for (const text of message.list('via')) if (!text.includes('/')) return 'Via: malformed';
    at = 'From';
    checkUri(message.from);
    at = 'To';
    checkUri(message.to);
    at = 'CSeq';
    void message.cseq;
    at = 'Contact';
    for (const text of message.list('contact')) parseNameAddr(text);
  } catch (error) {
    return `${at}: ${error instanceof GrammarError ? error.message : 'malformed'}`;
  }
  if (message.kind === 'request' && message.cseq.method !== message.method)
    return 'CSeq method is not the request method';
  if (/\s/.test(message.callId) || message.callId === '') return 'Illegal Call-ID';
  return undefined;
}

function checkUri(value: NameAddr): void {
  if (value.uri.startsWith('sip')) parseUri(value.uri);
}

function wrongNumbers(message: SipMessage): string | undefined {
  const maxForwards = message.get('max-forwards');
  if (maxForwards !== undefined && (!isDigits(maxForwards) || Number(maxForwards) > 255)) {
    return 'Illegal Max-Forwards';
  }
  const expires = message.get('expires');
  if (expires !== undefined && (!isDigits(expires) || Number(expires) >= 2 ** 32)) return 'Illegal Expires';
  return undefined;
}

/** RFC 3261 section 20.17: the zone is GMT. */
function wrongDate(message: SipMessage): string | undefined {
  const date = message.get('date');
  return date === undefined || date.endsWith('GMT') ? undefined : 'Date is not in GMT';
}
