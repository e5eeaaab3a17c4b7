import type { Clock, Timer } from '../../clock/clock.js';
import { heldUp } from '../../clock/patience.js';

/**
 * Things that all may take equally long, with one timer for all of them: the one that began first is due first. While this process
 * itself is held up nobody's time runs.
 */
export class Waits<T> {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #onLate: (late: T) => void;
  /** When each is due, in monotonic milliseconds. */
  readonly #due = new Map<T, number>();
  #timer: Timer | undefined;

  constructor(clock: Clock, ms: number, onLate: (late: T) => void) {
    this.#clock = clock;
    this.#ms = ms;
    this.#onLate = onLate;
  }

  get size(): number {
    return this.#due.size;
  }

  /** Those that have begun and not ended, in the order they began. */
  [Symbol.iterator](): IterableIterator<T> {
    return this.#due.keys();
  }

  /** @param at now, in monotonic milliseconds */
  begun(thing: T, at: number): void {
    this.#due.set(thing, at + this.#ms);
    // The timer goes on when nothing is awaited any more: most likely something soon is again.
    this.#timer ??= this.#clock.setTimeout(() => this.#fire(), this.#ms);
  }

  ended(thing: T): void {
    this.#due.delete(thing);
  }

  /** Forgets all of them. */
  stop(): void {
    this.#due.clear();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #fire(): void {
    this.#timer = undefined;
    this.#forgive();
    const now = this.#clock.monotonic();
    const late: T[] = [];
    for (const [thing, due] of this.#due) {
      if (due > now) {
        this.#timer = this.#clock.setTimeout(() => this.#fire(), Math.max(1, Math.ceil(due - now)));
        break;
      }
      late.push(thing);
    }
    for (const thing of late) this.#due.delete(thing);
    for (const thing of late) this.#onLate(thing);
  }

  /** As much more time from now as this process was held up. */
  #forgive(): void {
    const first = this.#due.values().next();
    const more = first.done ? 0 : heldUp(this.#clock, first.value, this.#ms);
    if (first.done || more === 0) return;
    const shift = this.#clock.monotonic() - first.value + more;
    for (const [thing, due] of this.#due) this.#due.set(thing, due + shift);
  }
}
