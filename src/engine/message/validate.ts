import { isDigits } from '../../grammar/chars.js';
import { GrammarError } from '../../grammar/error.js';
import { type NameAddr, parseNameAddr } from '../../grammar/name-addr.js';
import { parseUri } from '../../grammar/uri.js';
import type { SipMessage } from './message.js';

/** Bits of the headers that every message needs and of those that may stand only once. */
const BITS = new Map<string, number>();
for (const key of [
  'via',
  'from',
  'to',
  'call-id',
  'cseq',
  'max-forwards',
  'content-length',
  'content-type',
  'expires',
  'date',
]) {
  BITS.set(key, 1 << BITS.size);
}
const VIA = 1;
const SPELLING: Readonly<Record<string, string>> = { 'call-id': 'Call-ID', cseq: 'CSeq' };
const REQUIRED = 0b11111;

function spelling(key: string): string {
  return SPELLING[key] ?? key.replace(/(^|-)[a-z]/g, (part) => part.toUpperCase());
}

/**
 * What is wrong with a message whose lines could be split, or undefined: the headers that every message needs (RFC 3261 section 8.1.1),
 * those that may stand only once, and the grammar of those that the lower layers read.
 */
export function validate(message: SipMessage): string | undefined {
  return wrongCount(message.keys) ?? wrongGrammar(message) ?? wrongNumbers(message) ?? wrongDate(message);
}

function wrongCount(keys: readonly string[]): string | undefined {
  let seen = 0;
  for (const key of keys) {
    const bit = BITS.get(key);
    if (bit === undefined) continue;
    if ((seen & bit) !== 0 && bit !== VIA) return `More than one ${spelling(key)} header`;
    seen |= bit;
  }
  if ((seen & REQUIRED) === REQUIRED) return undefined;
  for (const [key, bit] of BITS) if ((seen & bit) === 0) return `Missing ${spelling(key)} header`;
  return undefined;
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

/** What most SIP URIs in From and To look like: all of these are good, and needn't be taken apart to see it. */
const PLAIN = /^sips?:[\w.+-]+@[\w.-]+(?::(?:[1-9]\d{0,3}|[1-5]\d{4}))?$/;

function checkUri({ uri }: NameAddr): void {
  if (uri.startsWith('sip') && !PLAIN.test(uri)) parseUri(uri);
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
