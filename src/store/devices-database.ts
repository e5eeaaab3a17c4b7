import type { Database, RootDatabase } from 'lmdb';
import type { Device } from '../devices/types.js';
import { DeviceRecords } from './device-record/record.js';
import { type WordShelf, Words } from './device-record/words.js';
import { deviceDictionary } from './dictionary.js';

/** How many databases a store may have. */
export const MAX_DATABASES = 16;
/** Bytes of the devices of an AOR from which schema 2 compressed them. */
const COMPRESSED_FROM = 100;

/** The devices of a store by AOR, whichever schema wrote them. */
export class DevicesDatabase {
  readonly #records: DeviceRecords;
  readonly #devices: Database<Buffer, string>;
  /** The same database, as it was written up to schema 2. */
  readonly old: Database<unknown, string>;

  constructor(root: RootDatabase<unknown, string>) {
    this.#devices = root.openDB<Buffer, string>({ name: 'devices', encoding: 'binary' });
    this.old = root.openDB<unknown, string>({
      name: 'devices',
      compression: { threshold: COMPRESSED_FROM, dictionary: deviceDictionary() },
    });
    this.#records = new DeviceRecords(new Words(shelfIn(root)));
  }

  of(aor: string): readonly Device[] {
    const record = this.#devices.get(aor);
    return record === undefined ? [] : this.#read(aor, record);
  }

  /** The first AORs behind `after` (none: from the start), in the order of their text. */
  after(after: string | undefined, limit: number): (readonly [string, readonly Device[]])[] {
    const range = after === undefined || after === '' ? { limit } : { start: after, exclusiveStart: true, limit };
    const found = Array.from(this.#devices.getRange(range), ({ key, value }) => [key, value] as const);
    return found.map(([aor, record]) => [aor, this.#read(aor, record)]);
  }

  async put(aor: string, devices: readonly Device[]): Promise<void> {
    if (devices.length === 0) await this.#devices.remove(aor);
    else await this.#devices.put(aor, this.#records.write(aor, devices));
  }

  #read(aor: string, record: Buffer): readonly Device[] {
    const read = this.#records.read(aor, record);
    if (read !== undefined) return read;
    const old = this.old.get(aor);
    return Array.isArray(old) ? (old as readonly Device[]) : [];
  }
}

/** Words in a database of their own, by number. */
function shelfIn(root: RootDatabase<unknown, string>): WordShelf {
  const words = root.openDB<string, number>({ name: 'words', encoding: 'string' });
  return {
    keep: (number, word) => words.ifNoExists(number, () => void words.put(number, word)),
    from: (number) => words.getRange({ start: number }).map(({ value }) => value),
  };
}
