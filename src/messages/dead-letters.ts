import type { Store } from '../store/store.js';
import type { DeadMessage } from './message.js';

/** A message that could not be delivered, and its place among them. */
export interface DeadLetter {
  readonly position: string;
  readonly message: DeadMessage;
}

/** Their place in the store. */
const TABLE = 'dead-messages';
const PAGE = 200;
/** Characters of a text that are kept. */
const TEXT = 4096;

/** Messages that could not be delivered, kept for the operator: the latest ones, in the order in which they were given up. */
export class DeadLetters {
  readonly #store: Store;
  readonly #max: number;
  #count = 0;

  /** @param max how many are kept */
  constructor(store: Store, max: number) {
    this.#store = store;
    this.#max = max;
  }

  /** How many there are. */
  get count(): number {
    return this.#count;
  }

  /** Counts those of a process before this one. */
  async start(): Promise<void> {
    let page: readonly (readonly [string, unknown])[] = [];
    do {
      page = await this.#store.recordsAfter(TABLE, page.at(-1)?.[0] ?? '', PAGE);
      this.#count += page.length;
    } while (page.length === PAGE);
  }

  /** Keeps one more, on disk when the promise settles; the oldest make room. */
  async add(position: string, message: DeadMessage): Promise<void> {
    this.#count++;
    await this.#store.putRecord(TABLE, position, { ...message, body: message.body.slice(0, TEXT) });
    while (this.#count > this.#max && (await this.#dropOldest(() => true)));
  }

  /** Forgets those that were given up before that time (epoch milliseconds). */
  async forget(before: number): Promise<void> {
    while (await this.#dropOldest(({ diedAt }) => diedAt < before));
  }

  /** Forgets those that fit, wherever they stand. Gives how many there were. */
  async forgetWhere(fits: (message: DeadMessage) => boolean): Promise<number> {
    let forgotten = 0;
    for (
      let page = await this.after('', PAGE);
      page.length > 0;
      page = await this.after(page.at(-1)?.position ?? '', PAGE)
    ) {
      const gone = page.filter(({ message }) => fits(message));
      await Promise.all(gone.map(({ position }) => this.#store.putRecord(TABLE, position, undefined)));
      this.#count = Math.max(0, this.#count - gone.length);
      forgotten += gone.length;
    }
    return forgotten;
  }

  /** So many of those behind a position (empty: from the first), the oldest first. */
  async after(position: string, limit: number): Promise<readonly DeadLetter[]> {
    const found = await this.#store.recordsAfter(TABLE, position, limit);
    return found.map(([at, message]) => ({ position: at, message: message as DeadMessage }));
  }

  async #dropOldest(fits: (message: DeadMessage) => boolean): Promise<boolean> {
    const [oldest] = await this.after('', 1);
    if (oldest === undefined || !fits(oldest.message)) return false;
    this.#count = Math.max(0, this.#count - 1);
    await this.#store.putRecord(TABLE, oldest.position, undefined);
    return true;
  }
}
