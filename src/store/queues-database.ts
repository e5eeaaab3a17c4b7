import type { Database, RootDatabase } from 'lmdb';

/** A queue, and a position in it. */
type Place = [queue: string, position: string];

/** Sorts behind every position. */
const LAST = '~';
const BRACE = 0x7b;

const within = (queue: string): { start: Place; end: Place } => ({ start: [queue, ''], end: [queue, LAST] });

/**
 * The queues of a store: records as JSON, which V8 writes itself. MessagePack, as in schema 3 and before, names the members of each record anew too,
 * and its writer leaves the young heap full of what it remembers of them.
 */
export class QueuesDatabase {
  readonly #records: Database<Buffer, Place>;
  /** The same database, as it was written up to schema 3. */
  readonly #old: Database<unknown, Place>;

  constructor(root: RootDatabase<unknown, string>) {
    this.#records = root.openDB<Buffer, Place>({ name: 'queued', encoding: 'binary' });
    this.#old = root.openDB<unknown, Place>({ name: 'queued' });
  }

  /** Settles when it is on disk. */
  put(queue: string, position: string, record: object): Promise<boolean> {
    return this.#records.put([queue, position], Buffer.from(JSON.stringify(record)));
  }

  /** Settles when that is on disk. */
  remove(queue: string, position: string): Promise<boolean> {
    return this.#records.remove([queue, position]);
  }

  first(queue: string, limit: number): readonly (readonly [string, unknown])[] {
    const found = Array.from(
      this.#records.getRange({ ...within(queue), limit }),
      ({ key, value }) => [key, value] as const,
    );
    return found.map(([key, value]) => [key[1], this.#read(key, value)] as const);
  }

  at(queue: string, position: string): unknown {
    const place: Place = [queue, position];
    return this.#read(place, this.#records.get(place));
  }

  count(queue: string): number {
    return this.#records.getKeysCount(within(queue));
  }

  /** The names of all that hold something. */
  *names(): Iterable<string> {
    let start: Place = ['', ''];
    for (;;) {
      const [next] = this.#records.getKeys({ start, limit: 1 });
      if (next === undefined) return;
      yield next[0];
      start = [next[0], LAST];
    }
  }

  #read(place: Place, bytes: Buffer | undefined): unknown {
    if (bytes === undefined) return undefined;
    return bytes[0] === BRACE ? JSON.parse(bytes.toString()) : this.#old.get(place);
  }
}
