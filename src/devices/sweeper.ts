import type { Clock, Timer } from '../clock/clock.js';
import { DueIndex } from './due-index.js';

/** How many AORs are swept before other work gets its turn. */
const BATCH = 100;

/** How many AORs of the store are looked through at a time. */
const PAGE = 500;

/** How long the walk rests when it has been through the store. */
const REST = 3_600_000;

/** How many AORs are noted at most, unless the options say otherwise. */
const MAX_NOTED = 100_000;

export interface SweeperOptions {
  readonly clock: Clock;
  /** Milliseconds between two rounds. */
  readonly interval: number;
  /** Looks at one AOR; gives when it wants to be looked at next, if ever. Must not reject. */
  readonly sweep: (aor: string) => Promise<number | undefined>;
  /** Gives AORs of the store behind `after`, in order, each with when it wants to be looked at. Must not reject. */
  readonly page: (after: string, limit: number) => Promise<readonly (readonly [string, number | undefined])[]>;
  /** Goes through the store page after page, instead of a page an interval: for those who must not come late. */
  readonly hurried: boolean;
  /** How many AORs are noted at most, but for what is due within an interval: the walk, which then doesn't rest, comes by the others again. */
  readonly maxNoted?: number;
}

/**
 * Looks at each AOR when something of it runs out: one timer for all. What was in the store before comes to light in a walk through it, a
 * page at a time, so that a start costs the same whatever the store holds.
 */
export class Sweeper {
  readonly #options: SweeperOptions;
  readonly #due: DueIndex;
  #timer: Timer | undefined;
  #round: Promise<void> = Promise.resolve();
  #stopped = true;
  /** Where the walk is. */
  #after = '';
  /** Some AORs were not noted, as there were too many. */
  #full = false;
  /** Monotonic time before which it does not go on. */
  #restsUntil = Number.NEGATIVE_INFINITY;

  constructor(options: SweeperOptions) {
    this.#options = options;
    this.#due = new DueIndex(options.interval);
  }

  /** Settles when the first page has been seen. */
  async start(): Promise<void> {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#round = this.#walk();
    this.#arm();
    await this.#round;
  }

  /** Notes when an AOR wants to be looked at. */
  schedule(aor: string, at: number | undefined): void {
    if (at === undefined) return;
    const { clock, interval, hurried, maxNoted = MAX_NOTED } = this.#options;
    if (hurried || this.#due.size < maxNoted || at <= clock.now() + interval) this.#due.set(aor, at);
    else this.#full = true;
  }

  /** Ends after the round under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#round;
  }

  #arm(): void {
    this.#timer = this.#options.clock.setTimeout(() => {
      this.#round = this.#run().finally(() => {
        if (!this.#stopped) this.#arm();
      });
    }, this.#options.interval);
  }

  async #run(): Promise<void> {
    do await this.#walk();
    while (this.#options.hurried && !this.#stopped && this.#options.clock.monotonic() >= this.#restsUntil);
    const aors = this.#due.take(this.#options.clock.now());
    for (let start = 0; start < aors.length && !this.#stopped; start += BATCH) {
      const batch = aors.slice(start, start + BATCH);
      const next = await Promise.all(batch.map((aor) => this.#options.sweep(aor)));
      batch.forEach((aor, index) => {
        this.schedule(aor, next[index]);
      });
    }
  }

  /** The next page of the store. */
  async #walk(): Promise<void> {
    const { clock, page } = this.#options;
    if (clock.monotonic() < this.#restsUntil) return;
    const found = await page(this.#after, PAGE);
    for (const [aor, at] of found) this.schedule(aor, at);
    const last = found.length < PAGE ? undefined : found.at(-1)?.[0];
    this.#after = last ?? '';
    if (last === undefined) {
      if (!this.#full) this.#restsUntil = clock.monotonic() + REST;
      this.#full = false;
    } else await new Promise((resolve) => setImmediate(resolve));
  }
}
