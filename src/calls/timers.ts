import type { Clock, Timer } from '../clock/clock.js';

/** Timers by name: setting one anew replaces it. */
export class Timers {
  readonly #clock: Clock;
  readonly #timers = new Map<string, Timer>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  set(name: string, ms: number, fn: () => void): void {
    this.clear(name);
    const timer = this.#clock.setTimeout(() => {
      this.#timers.delete(name);
      fn();
    }, ms);
    this.#timers.set(name, timer);
  }

  clear(name: string): void {
    this.#timers.get(name)?.cancel();
    this.#timers.delete(name);
  }

  clearAll(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }
}
