/** What is under way and waits of one key. */
interface Queue {
  waiting: number;
  /** Fulfilled, with nothing, when the work that came last has ended, well or not. */
  last: Promise<void>;
}

/**
 * Runs the work of one key in the order it came, one after another; different keys don't wait for each other. Holds on to nothing that work gave: V8's
 * maps leave their former tables with all that was in them to each other, until the whole heap is collected.
 */
export class Serial {
  readonly #queues = new Map<string, Queue>();
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
    const known = this.#queues.get(key);
    const result = known === undefined ? work() : known.last.then(work);
    const queue = known ?? { waiting: 0, last: NOTHING };
    if (known === undefined) this.#queues.set(key, queue);
    queue.waiting++;
    const done = (): void => {
      if (--queue.waiting === 0) this.#queues.delete(key);
    };
    queue.last = result.then(done, done);
    return result;
  }

  /** Settles when the work of `key` that is under way now has ended, well or not; undefined when there is none. */
  settled(key: string): Promise<void> | undefined {
    return this.#queues.get(key)?.last;
  }

  /** Settles when nothing is under way any more. */
  async idle(): Promise<void> {
    while (this.#queues.size > 0) await Promise.all([...this.#queues.values()].map(({ last }) => last));
  }
}

const NOTHING = Promise.resolve();
