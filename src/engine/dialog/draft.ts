import { headerKey } from '../../grammar/header-names.js';
import type { SipHeaders } from '../message/index.js';

/** What a user of the dialog layer gives of a message; the stack adds the rest. */
export interface Draft {
  headers: readonly (readonly [name: string, value: string])[];
  body: Buffer;
}

export interface RequestDraft extends Draft {
  method: string;
  uri: string;
}

export interface ResponseDraft extends Draft {
  status: number;
  reason: string;
}

/** Headers that belong to the stack alone, in either direction: a user's are dropped. */
const STACK_OWNED = new Set(['via', 'record-route', 'route', 'content-length', 'rseq']);

/** Those that a response or a request inside a dialog takes from elsewhere. */
const DIALOG_OWNED = new Set(['from', 'to', 'call-id', 'cseq']);

/** Headers in which the host `localhost` stands for the address that the message is sent from. */
const LOCALHOST = new Set(['from', 'to', 'contact', 'p-asserted-identity', 'p-preferred-identity', 'remote-party-id']);

/**
 * Puts a draft's headers and body on a message that has its own already: what the draft names replaces what is there.
 * `identity` lets From, To, Call-ID and CSeq through. Several lines of one name stay several lines.
 */
export function applyDraft(message: SipHeaders, draft: Draft, identity = false): void {
  const seen: string[] = [];
  for (const [name, value] of draft.headers) {
    const key = headerKey(name);
    if (STACK_OWNED.has(key) || (!identity && DIALOG_OWNED.has(key))) continue;
    if (seen.includes(key)) message.add(name, value);
    else {
      seen.push(key);
      message.set(name, value);
    }
  }
  if (draft.body.length > 0) message.body = draft.body;
}

/** The value that a draft gives for a header ({@link headerKey}); '' counts as none. */
export function draftHeader(draft: Draft, key: string): string | undefined {
  for (const [given, value] of draft.headers) if (value !== '' && headerKey(given) === key) return value;
  return undefined;
}

/** Puts `host:port` where a user wrote `@localhost` or `:localhost`, as in srf's `sip:1234@localhost`. */
export function replaceLocalhost(message: SipHeaders, host: string, port: number): void {
  for (const [name, value] of [...message.headers()]) {
    if (!value.includes('localhost') || !LOCALHOST.has(headerKey(name))) continue;
    message.set(name, value.replace(/([:@])localhost(?=[>;,\s?]|$)/, `$1${host}:${port}`));
  }
}
