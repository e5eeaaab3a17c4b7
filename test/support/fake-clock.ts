import type { Clock, Timer } from '../../src/clock/clock.js';

interface Entry {
  at: number;
  order: number;
  fn: () => void;
}

/** A clock that stands still until it is told to move. Timers due at the same time fire in the order they were set. */
export class FakeClock implements Clock {
  #now: number;
  #start: number;
  #order = 0;
  #entries = new Set<Entry>();

  constructor(start = Date.parse('2026-01-05T08:00:00Z')) {
    this.#now = start;
    this.#start = start;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now - this.#start;
  }

  setTimeout(fn: () => void, ms: number): Timer {
    const entry: Entry = { at: this.#now + Math.max(ms, 0), order: this.#order++, fn };
    this.#entries.add(entry);
    return { cancel: () => void this.#entries.delete(entry) };
  }

  /** How many timers are set and have not fired. */
  get pending(): number {
    return this.#entries.size;
  }

  /** Moves time forward by `ms`, firing what becomes due, timers set meanwhile included. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (let next = this.#next(until); next; next = this.#next(until)) {
      this.#entries.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.fn();
    }
    this.#now = until;
  }

  /** Time passes while the process is held up: nothing fires before the clock is moved again, and then late. */
  stall(ms: number): void {
    this.#now += ms;
  }

  /** As {@link advance}, but lets promises settle before and after each timer. */
  async advanceAsync(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settle();
    for (let next = this.#next(until); next; next = this.#next(until)) {
      this.#entries.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.fn();
      await settle();
    }
    this.#now = until;
    await settle();
  }

  #next(until: number): Entry | undefined {
    let first: Entry | undefined;
    for (const entry of this.#entries) {
      if (entry.at > until) continue;
      if (!first || entry.at < first.at || (entry.at === first.at && entry.order < first.order)) first = entry;
    }
    return first;
  }
}

/** Lets everything that is already settled run: a few turns of the event loop, no waiting. */
export async function settle(turns = 3): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}
