import type { Clock } from '../../clock/clock.js';

/** Milliseconds for which the application must have been behind without a break: a pause is no overload. */
const PATIENCE = 750;
/** Milliseconds after which what was measured says nothing any more. */
const STALE = 2_000;

/**
 * How far the application is behind with what it was handed. Applications answer BYE without thinking (drachtio-srf does so by itself), so the
 * time that takes is the time for which messages wait for them. The least time seen is the application's own and no delay.
 */
export class AppLag {
  readonly #clock: Clock;
  readonly #limit: number;
  #least = Number.POSITIVE_INFINITY;
  #behindSince: number | undefined;
  #measuredAt = Number.NEGATIVE_INFINITY;

  /** @param limit milliseconds that a message may wait for the application */
  constructor(clock: Clock, limit: number) {
    this.#clock = clock;
    this.#limit = limit;
  }

  /** The application answered a BYE so many milliseconds after it was handed over. */
  answered(ms: number): void {
    const now = this.#clock.monotonic();
    if (now - this.#measuredAt > STALE) this.#behindSince = undefined;
    this.#measuredAt = now;
    this.#least = Math.min(this.#least, ms);
    if (ms - this.#least <= this.#limit) this.#behindSince = undefined;
    else this.#behindSince ??= now;
  }

  /** Another application came, or the same one anew: its times are its own. */
  forget(): void {
    this.#least = Number.POSITIVE_INFINITY;
    this.#behindSince = undefined;
  }

  /** Whether it has more to do than it can do. */
  get late(): boolean {
    if (this.#behindSince === undefined) return false;
    const now = this.#clock.monotonic();
    return now - this.#behindSince > PATIENCE && now - this.#measuredAt <= STALE;
  }
}
