import type { Clock, Timer } from '../../clock/clock.js';

/** Something that ends at a time of its own at the latest. */
export interface Due {
  /** Monotonic milliseconds. */
  readonly dueAt: number;
}

const SLOT_MS = 100;

/**
 * Things under way and the moment each is due, with few timers: most end before their slot of 100 ms comes. Only those that are still
 * there then get a timer of their own. In the order of their time, `onDue` is told of each that is due and no longer here.
 */
export class Deadlines<T extends Due> {
  readonly #clock: Clock;
  readonly #onDue: (due: T) => void;
  readonly #slots = new Map<number, Set<T>>();
  readonly #soon = new Map<T, Timer>();
  /** The slot that the last one went to, which most likely gets the next one. */
  #last = Number.NaN;
  #lastSlot = new Set<T>();
  #size = 0;
  #timer: Timer | undefined;
  /** The slot that the timer is for. */
  #next = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, onDue: (due: T) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  get size(): number {
    return this.#size;
  }

  /** All of them, in no order. */
  *[Symbol.iterator](): Generator<T> {
    yield* this.#soon.keys();
    for (const slot of this.#slots.values()) yield* slot;
  }

  add(thing: T): void {
    const number = Math.floor(thing.dueAt / SLOT_MS);
    if (number !== this.#last) this.#turnTo(number);
    this.#lastSlot.add(thing);
    this.#size++;
    if (number < this.#next) this.#wakeAt(number);
  }

  remove(thing: T): void {
    const number = Math.floor(thing.dueAt / SLOT_MS);
    const slot = number === this.#last ? this.#lastSlot : this.#slots.get(number);
    if (slot?.delete(thing)) {
      if (slot.size === 0 && number !== this.#last) this.#slots.delete(number);
    } else if (!this.#cancel(thing)) return;
    this.#size--;
  }

  /** Sets no more timers, whatever is still here. */
  stop(): void {
    this.#timer?.cancel();
    for (const timer of this.#soon.values()) timer.cancel();
  }

  #cancel(thing: T): boolean {
    this.#soon.get(thing)?.cancel();
    return this.#soon.delete(thing);
  }

  #turnTo(number: number): void {
    if (this.#lastSlot.size === 0) this.#slots.delete(this.#last);
    this.#last = number;
    this.#lastSlot = this.#slots.get(number) ?? new Set();
    this.#slots.set(number, this.#lastSlot);
  }

  #wakeAt(number: number): void {
    this.#timer?.cancel();
    this.#next = number;
    const wait = Math.max(0, Math.ceil(number * SLOT_MS - this.#clock.monotonic()));
    this.#timer = this.#clock.setTimeout(() => this.#onSlot(), wait);
  }

  #onSlot(): void {
    const now = this.#clock.monotonic();
    const come = [...this.#slots.keys()].filter((number) => number * SLOT_MS <= now).sort((a, b) => a - b);
    for (const number of come) {
      for (const thing of this.#slots.get(number) ?? []) {
        this.#soon.set(
          thing,
          this.#clock.setTimeout(() => this.#onTime(thing), Math.max(0, thing.dueAt - now)),
        );
      }
      this.#slots.delete(number);
      if (number === this.#last) {
        this.#last = Number.NaN;
        this.#lastSlot = new Set();
      }
    }
    this.#next = Number.POSITIVE_INFINITY;
    this.#timer = undefined;
    for (const number of this.#slots.keys()) if (number < this.#next) this.#next = number;
    if (this.#next < Number.POSITIVE_INFINITY) this.#wakeAt(this.#next);
  }

  #onTime(thing: T): void {
    this.#soon.delete(thing);
    this.#size--;
    this.#onDue(thing);
  }
}
