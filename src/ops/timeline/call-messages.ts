import { endOf, headerOf, methodOf, redacted, statusMethodOf } from './sip-text.js';
import type { CallSummary } from './summary.js';

/** Address and port of one end of a message. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** How a message went. */
export interface Way {
  readonly protocol: string;
  readonly from: Endpoint;
  readonly to: Endpoint;
}

/** A SIP message of a call. Holds no secret; see {@link redacted}. */
export interface CallMessage extends Way {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly text: string;
}

/** A message as it was on the wire, read no further than it had to be. */
export interface WireMessage {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly text: string;
  /** What `wayOf` finds out from how it went, once somebody looks. */
  readonly meta: string;
  readonly wayOf: (message: { readonly meta: string; readonly raw: string }) => Way;
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

interface Kept {
  readonly at: number;
  /** `meta`, a line feed, and the message; a copy, so that nothing else stays in memory with it. */
  readonly bytes: Buffer;
  /** Bytes of the body that was left out. */
  readonly leftOut: number;
  readonly wayOf: WireMessage['wayOf'];
}

interface Leg {
  /** What its INVITE says of the call that it belongs to. */
  readonly uuids: readonly string[];
  readonly messages: Kept[];
  bytes: number;
}

const MAX_MESSAGES = 500;
const OVERHEAD = 200;
/** What makes a leg part of a call; others (REGISTER, OPTIONS, MESSAGE) are not kept. */
const CALL_METHODS = new Set(['INVITE', 'ACK', 'CANCEL', 'BYE', 'PRACK', 'UPDATE', 'INFO', 'REFER', 'NOTIFY']);

/**
 * The SIP messages of the latest calls, by their Call-IDs, within a bound of bytes; the legs that had none for longest go first.
 * Messages are kept as they came and made readable, without secrets, for who asks: most are never asked for.
 */
export class CallMessages {
  readonly #options: CallMessagesOptions;
  /** Those that had a message last are last. */
  readonly #legs = new Map<string, Leg>();
  /** Call-IDs of the legs of each call. */
  readonly #callIds = new Map<string, Set<string>>();
  #bytes = 0;

  constructor(options: CallMessagesOptions) {
    this.#options = options;
  }

  /** Takes a message as it was on the wire. */
  add(message: WireMessage): void {
    const { text } = message;
    const method = methodOf(text);
    if (method !== undefined && !CALL_METHODS.has(method)) return;
    const callId = headerOf(text, 'Call-ID', 'i');
    if (callId === undefined) return;
    const known = this.#legs.get(callId);
    if (known === undefined && method !== 'INVITE') return;
    if (method === undefined && !CALL_METHODS.has(statusMethodOf(text))) return;
    const leg = known ?? this.#begin(callId, text);
    const kept = this.#kept(message);
    if (leg.messages.length < MAX_MESSAGES) {
      leg.messages.push(kept);
      this.#grow(leg, OVERHEAD + kept.bytes.length);
    }
    if (known !== undefined) this.#legs.delete(callId);
    this.#legs.set(callId, leg);
    this.#trim();
    this.#options.onMessage?.(readable(kept), leg.uuids.at(-1) ?? callId);
  }

  /** The messages of all legs of a call in order. */
  of(call: CallNames): readonly CallMessage[] {
    return this.#legsOf(call)
      .flatMap((callId) => this.#legs.get(callId)?.messages ?? [])
      .sort((a, b) => a.at - b.at)
      .map(readable);
  }

  /** Forgets those of a call. */
  forget(call: CallNames): void {
    for (const callId of this.#legsOf(call)) this.#drop(callId);
  }

  #kept({ at, text, meta, wayOf }: WireMessage): Kept {
    const head = this.#options.bodies ? text : text.slice(0, endOf(text) + 4);
    const body = text.length - head.length;
    const leftOut = body === 0 ? 0 : Buffer.byteLength(text.slice(head.length));
    return { at, bytes: Buffer.from(`${meta}\n${head}`), leftOut, wayOf };
  }

  #begin(callId: string, invite: string): Leg {
    const leg: Leg = { uuids: uuidsIn(invite), messages: [], bytes: 0 };
    this.#grow(leg, OVERHEAD);
    // A copy: what is cut out of a text keeps all of it in memory.
    const id = Buffer.from(callId).toString();
    for (const uuid of leg.uuids) this.#callIds.set(uuid, (this.#callIds.get(uuid) ?? new Set()).add(id));
    return leg;
  }

  #grow(leg: Leg, by: number): void {
    leg.bytes += by;
    this.#bytes += by;
  }

  #trim(): void {
    while (this.#bytes > this.#options.bytes) {
      const [oldest] = this.#legs.keys();
      if (oldest === undefined) return;
      this.#drop(oldest);
    }
  }

  #drop(callId: string): void {
    const leg = this.#legs.get(callId);
    if (leg === undefined) return;
    this.#legs.delete(callId);
    this.#bytes -= leg.bytes;
    for (const uuid of leg.uuids) {
      const others = this.#callIds.get(uuid);
      others?.delete(callId);
      if (others?.size === 0) this.#callIds.delete(uuid);
    }
  }

  #legsOf({ callUuid, callId, sessionId }: CallNames): string[] {
    const uuids = [callUuid.toLowerCase(), ...(sessionId === undefined ? [] : [sessionUuid(sessionId)])];
    const found = new Set(uuids.flatMap((uuid) => [...(this.#callIds.get(uuid) ?? [])]));
    if (callId !== undefined && this.#legs.has(callId)) found.add(callId);
    return [...found];
  }
}

/** A message as somebody may see it. */
function readable({ at, bytes, leftOut, wayOf }: Kept): CallMessage {
  const end = bytes.indexOf(0x0a);
  const raw = bytes.toString('utf8', end + 1);
  return { at, ...wayOf({ meta: bytes.toString('utf8', 0, end), raw }), text: redacted(raw, leftOut) };
}

/** callwake's own call UUID and the Session-ID (RFC 7989) of an INVITE. */
function uuidsIn(raw: string): string[] {
  const uuid = headerOf(raw, 'X-Callwake-Call-UUID');
  const session = headerOf(raw, 'Session-ID');
  return [
    ...(uuid === undefined ? [] : [uuid.toLowerCase()]),
    ...(session === undefined ? [] : [sessionUuid(session)]),
  ];
}

/** What the legs of a call have in common at a collector. */
export function correlationOf({ callUuid, sessionId }: { callUuid: string; sessionId?: string | undefined }): string {
  return sessionId === undefined ? callUuid.toLowerCase() : sessionUuid(sessionId);
}

function sessionUuid(sessionId: string): string {
  return (sessionId.split(';', 1)[0] ?? '').trim().toLowerCase();
}
