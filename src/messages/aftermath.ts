import type { Clock } from '../clock/clock.js';

/** Milliseconds from one round to the next: what comes meanwhile is done together, and what it sends leaves in few pieces. */
const ROUND = 10;
/** So much is done in one turn of the event loop. */
const AT_ONCE = 8;
/** Of those that wait, one in so many has its turn, if that is more. */
const SHARE = 16;

/**
 * What has to be done and that nobody waits for, in its order. A lone piece of work is done in the next turn of the event loop; under load
 * it is done in rounds, and a round is spread over turns, so that answers that somebody does wait for go first. The more of it waits, the
 * more is done at a time, so that it never piles up.
 */
export class Aftermath {
  readonly #clock: Clock;
  #waiting: (() => void)[] = [];
  #next = 0;
  #due = false;
  #roundAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param work must not throw */
  add(work: () => void): void {
    this.#waiting.push(work);
    if (this.#due) return;
    this.#due = true;
    const wait = this.#roundAt + ROUND - this.#clock.monotonic();
    if (wait > 0) this.#clock.setTimeout(() => this.#work(), wait);
    else setImmediate(() => this.#work());
  }

  #work(): void {
    const left = this.#waiting.length - this.#next;
    const until = this.#next + Math.min(left, Math.max(AT_ONCE, Math.ceil(left / SHARE)));
    for (; this.#next < until; this.#next++) this.#waiting[this.#next]?.();
    if (this.#next < this.#waiting.length) {
      setImmediate(() => this.#work());
      return;
    }
    this.#waiting = [];
    this.#next = 0;
    this.#due = false;
    this.#roundAt = this.#clock.monotonic();
  }
}
