import type { Clock, Timer } from '../clock/clock.js';
import { DueIndex } from './due-index.js';

/** How many AORs are swept before other work gets its turn. */
const BATCH = 100;

export interface SweeperOptions {
  readonly clock: Clock;
  /** Milliseconds between two rounds. */
  readonly interval: number;
  /** Looks at one AOR; gives when it wants to be looked at next, if ever. Must not reject. */
  readonly sweep: (aor: string) => Promise<number | undefined>;
}

/** Looks at each AOR when something of it runs out: one timer for all. */
export class Sweeper {
  readonly #options: SweeperOptions;
  readonly #due: DueIndex;
  #timer: Timer | undefined;
  #round: Promise<void> = Promise.resolve();
  #stopped = true;

  constructor(options: SweeperOptions) {
    this.#options = options;
    this.#due = new DueIndex(options.interval);
  }

  start(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#arm();
  }

  /** Notes when an AOR wants to be looked at. */
  schedule(aor: string, at: number | undefined): void {
    if (at !== undefined) this.#due.set(aor, at);
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
    const aors = this.#due.take(this.#options.clock.now());
    for (let start = 0; start < aors.length && !this.#stopped; start += BATCH) {
      const batch = aors.slice(start, start + BATCH);
      const next = await Promise.all(batch.map((aor) => this.#options.sweep(aor)));
      batch.forEach((aor, index) => {
        this.schedule(aor, next[index]);
      });
    }
  }
}
