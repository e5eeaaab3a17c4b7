import type { PushOutcome } from '../provider.js';

/** Totals since the start. `requested` is always the sum of the four outcomes and of those not yet ended. */
export interface PushCounters {
  readonly requested: number;
  readonly accepted: number;
  readonly refused: number;
  readonly unreachable: number;
  readonly withdrawn: number;
  /** Requests that went out, resends included. */
  readonly attempts: number;
  /** Attempts whose fate stayed unknown: no answer, or the connection was lost. */
  readonly unanswered: number;
  readonly connectionsOpened: number;
  readonly connectionsFailed: number;
  readonly goaways: number;
  /** Sum of the time that accepted pushes waited before they left, and of the time Apple took. */
  readonly queuedMsTotal: number;
  readonly answerMsTotal: number;
  /** Refusals and failures by reason. */
  readonly byReason: Readonly<Record<string, number>>;
}

/** Counts. Reasons are bounded: what comes after the first 100 different ones counts as `other`. */
export class Counters {
  requested = 0;
  attempts = 0;
  unanswered = 0;
  connectionsOpened = 0;
  connectionsFailed = 0;
  goaways = 0;
  readonly #outcomes = { accepted: 0, refused: 0, unreachable: 0, withdrawn: 0 };
  readonly #byReason = new Map<string, number>();
  #queuedMs = 0;
  #answerMs = 0;

  ended(outcome: PushOutcome): void {
    this.#outcomes[outcome.kind]++;
    if (outcome.kind === 'accepted') {
      this.#queuedMs += outcome.queuedMs;
      this.#answerMs += outcome.answerMs;
    } else if (outcome.kind !== 'withdrawn') {
      const reason = this.#byReason.has(outcome.reason) || this.#byReason.size < 100 ? outcome.reason : 'other';
      this.#byReason.set(reason, (this.#byReason.get(reason) ?? 0) + 1);
    }
  }

  read(): PushCounters {
    return {
      requested: this.requested,
      ...this.#outcomes,
      attempts: this.attempts,
      unanswered: this.unanswered,
      connectionsOpened: this.connectionsOpened,
      connectionsFailed: this.connectionsFailed,
      goaways: this.goaways,
      queuedMsTotal: this.#queuedMs,
      answerMsTotal: this.#answerMs,
      byReason: Object.fromEntries(this.#byReason),
    };
  }
}
