import type { Clock, Timer } from '../../clock/clock.js';

/** Things that all may take equally long, with one timer for all of them: the one that began first is due first. */
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

  begun(thing: T): void {
    this.#due.delete(thing);
    this.#due.set(thing, this.#clock.monotonic() + this.#ms);
    this.#timer ??= this.#clock.setTimeout(() => this.#fire(), this.#ms);
  }

  ended(thing: T): void {
    this.#due.delete(thing);
    if (this.#due.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #fire(): void {
    this.#timer = undefined;
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
}
