import { LRUCache } from 'lru-cache';
import { headerOf, methodOf, redacted } from './sip-text.js';
import type { CallSummary } from './summary.js';

/** Address and port of one end of a message. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** A SIP message of a call. Holds no secret; see {@link redacted}. */
export interface CallMessage {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly protocol: string;
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly text: string;
}

export interface CallMessagesOptions {
  /** Bytes that are kept in all. */
  readonly bytes: number;
  /** Keep bodies (SDP, texts) too. */
  readonly bodies: boolean;
  /** Told of each message, with what the legs of its call have in common, or else its Call-ID. */
  readonly onMessage?: (message: CallMessage, correlationId: string) => void;
}

/** What the legs of a call are found by. */
type CallNames = Pick<CallSummary, 'callUuid' | 'callId' | 'sessionId'>;

interface Leg {
  /** What its INVITE says of the call that it belongs to. */
  readonly uuids: string[];
  readonly messages: CallMessage[];
  bytes: number;
  dropped: number;
}

const MAX_MESSAGES = 500;
const OVERHEAD = 200;
/** What makes a leg part of a call; others (REGISTER, OPTIONS, MESSAGE) are not kept. */
const CALL_METHODS = new Set(['INVITE', 'ACK', 'CANCEL', 'BYE', 'PRACK', 'UPDATE', 'INFO', 'REFER', 'NOTIFY']);

/** The SIP messages of the latest calls, by their Call-IDs, within a bound of bytes; the oldest legs go first. */
export class CallMessages {
  readonly #options: CallMessagesOptions;
  readonly #legs: LRUCache<string, Leg>;

  constructor(options: CallMessagesOptions) {
    this.#options = options;
    this.#legs = new LRUCache({ maxSize: options.bytes, sizeCalculation: ({ bytes }) => bytes });
  }

  /** Takes a message as it was on the wire. */
  add(message: CallMessage): void {
    const raw = message.text;
    const callId = headerOf(raw, 'call-id', 'i');
    if (callId === undefined) return;
    const method = methodOf(raw) ?? headerOf(raw, 'cseq')?.split(/\s+/)[1] ?? '';
    const known = this.#legs.get(callId);
    if (known === undefined && method !== 'INVITE') return;
    if (!CALL_METHODS.has(method)) return;
    // A new object each time, so that the cache counts its size anew; a leg that is too big for all is not kept.
    const leg: Leg = known ? { ...known } : { uuids: uuidsIn(raw), messages: [], bytes: OVERHEAD, dropped: 0 };
    const kept = { ...message, text: redacted(raw, this.#options.bodies) };
    if (leg.messages.length < MAX_MESSAGES) {
      leg.messages.push(kept);
      leg.bytes += OVERHEAD + kept.text.length;
    } else leg.dropped++;
    this.#legs.set(callId, leg);
    this.#options.onMessage?.(kept, leg.uuids.at(-1) ?? callId);
  }

  /** The messages of all legs of a call in order. */
  of(call: CallNames): readonly CallMessage[] {
    const legs = this.#legsOf(call);
    return legs.flatMap(([, { messages }]) => messages).sort((a, b) => a.at - b.at);
  }

  /** Forgets those of a call. */
  forget(call: CallNames): void {
    for (const [id] of this.#legsOf(call)) this.#legs.delete(id);
  }

  #legsOf({ callUuid, callId, sessionId }: CallNames): (readonly [string, Leg])[] {
    const wanted = [callUuid.toLowerCase(), ...(sessionId === undefined ? [] : [sessionUuid(sessionId)])];
    return [...this.#legs.entries()].filter(
      ([id, { uuids }]) => id === callId || uuids.some((uuid) => wanted.includes(uuid)),
    );
  }
}

/** callwake's own call UUID and the Session-ID (RFC 7989) of an INVITE. */
function uuidsIn(raw: string): string[] {
  const uuid = headerOf(raw, 'x-callwake-call-uuid');
  const session = headerOf(raw, 'session-id');
  return [
    ...(uuid === undefined ? [] : [uuid.toLowerCase()]),
    ...(session === undefined ? [] : [sessionUuid(session)]),
  ];
}

function sessionUuid(sessionId: string): string {
  return (sessionId.split(';', 1)[0] ?? '').trim().toLowerCase();
}
