import type { Clock } from '../clock/clock.js';
import type { PushOutcome } from '../push/provider.js';

/** What an event is about. Values are short and hold no secret: no token, no SDP, no message body. */
export type EventFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** One thing that happened to a call. */
export interface TimelineEvent {
  readonly callUuid: string;
  readonly sessionId?: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** Milliseconds since the INVITE came, with fractions. */
  readonly ms: number;
  /** `invite-received`, `push-sent`, `leg-invited`, ... */
  readonly type: string;
  readonly fields: EventFields;
}

export type TimelineSink = (event: TimelineEvent) => void;

/** Every event of one call in order, as it happens, told to one sink. */
export class Timeline {
  readonly #clock: Clock;
  readonly #sink: TimelineSink;
  readonly #start: number;

  constructor(
    readonly callUuid: string,
    readonly sessionId: string | undefined,
    clock: Clock,
    sink: TimelineSink,
    /** Epoch milliseconds of the INVITE, when it came to a process before this one. */
    startedAt?: number,
  ) {
    this.#clock = clock;
    this.#sink = sink;
    this.#start = clock.monotonic() - (startedAt === undefined ? 0 : clock.now() - startedAt);
  }

  /** Milliseconds since the call came. */
  get elapsed(): number {
    return this.#clock.monotonic() - this.#start;
  }

  record(type: string, fields: EventFields = {}): void {
    const at = this.#clock.now();
    const ms = Math.round(this.elapsed * 1000) / 1000;
    const { callUuid, sessionId } = this;
    // A field that may be missing, spread into the literal, makes it ten times as slow; there are twenty events a call.
    this.#sink(
      sessionId === undefined ? { callUuid, at, ms, type, fields } : { callUuid, sessionId, at, ms, type, fields },
    );
  }
}

/** What is worth telling of how a push ended. */
export function outcomeFields(outcome: PushOutcome): EventFields {
  return {
    ...('apnsId' in outcome ? { apnsId: outcome.apnsId } : {}),
    ...('reason' in outcome ? { reason: outcome.reason } : {}),
    ...('status' in outcome ? { status: outcome.status } : {}),
    ...('answerMs' in outcome ? { answerMs: Math.round(outcome.answerMs) } : {}),
    attempts: outcome.attempts,
  };
}
