/** Runs the work of one key in the order it came, one after another; different keys don't wait for each other. */
export class Serial {
  readonly #queues = new Map<string, { waiting: number; last: Promise<unknown> }>();
  readonly #limit: number;

  /** @param limit how much work of one key may be under way or wait; more is turned away. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether the key has room for more work. */
  hasRoom(key: string): boolean {
    return (this.#queues.get(key)?.waiting ?? 0) < this.#limit;
  }

  /** Runs `work` when all earlier work of `key` has ended, well or not. Gives what it gives. */
  run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const queue = this.#queues.get(key);
    const result = queue === undefined ? work() : queue.last.then(work, work);
    const entry = queue ?? { waiting: 0, last: result };
    if (queue === undefined) this.#queues.set(key, entry);
    entry.waiting++;
    entry.last = result;
    const done = (): void => {
      if (--entry.waiting === 0) this.#queues.delete(key);
    };
    result.then(done, done);
    return result;
  }

  /** Settles when the work of `key` that is under way now has ended, well or not; undefined when there is none. */
  settled(key: string): Promise<void> | undefined {
    return this.#queues.get(key)?.last.then(
      () => {},
      () => {},
    );
  }

  /** Settles when nothing is under way any more. */
  async idle(): Promise<void> {
    while (this.#queues.size > 0) await Promise.allSettled([...this.#queues.values()].map(({ last }) => last));
  }
}
