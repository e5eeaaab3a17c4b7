import type { Database, RootDatabase } from 'lmdb';
import type { Device } from '../devices/types.js';
import type { NotedTexts } from './device-record/noted.js';
import { DeviceRecords } from './device-record/record.js';
import { type WordShelf, Words } from './device-record/words.js';
import { deviceDictionary } from './dictionary.js';

/** How many databases a store may have. */
export const MAX_DATABASES = 16;
/** Records that were read last and may be written again, of which it is known where their texts stand. */
const MAX_NOTED = 1024;
/** Bytes of the devices of an AOR from which schema 2 compressed them. */
const COMPRESSED_FROM = 100;

/** The devices of a store by AOR, whichever schema wrote them. */
export class DevicesDatabase {
  readonly #records: DeviceRecords;
  readonly #devices: Database<Buffer, string>;
  /** The same database, as it was written up to schema 2. */
  readonly old: Database<unknown, string>;
  /** By AOR, the oldest first. */
  readonly #noted = new Map<string, NotedTexts>();

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
    if (record === undefined) return [];
    const read = this.#records.readNoting(aor, record);
    if (read === undefined) return this.#readOld(aor);
    this.#note(aor, read.notes);
    return read.value;
  }

  /** The first AORs behind `after` (none: from the start), in the order of their text. */
  after(after: string | undefined, limit: number): (readonly [string, readonly Device[]])[] {
    const range = after === undefined || after === '' ? { limit } : { start: after, exclusiveStart: true, limit };
    const found = Array.from(this.#devices.getRange(range), ({ key, value }) => [key, value] as const);
    return found.map(([aor, record]) => [aor, this.#records.read(aor, record) ?? this.#readOld(aor)]);
  }

  async put(aor: string, devices: readonly Device[]): Promise<void> {
    const noted = this.#noted.get(aor);
    const record = devices.length === 0 ? undefined : this.#records.write(aor, devices, noted);
    this.#forget(aor);
    if (record === undefined) await this.#devices.remove(aor);
    else await this.#devices.put(aor, record);
  }

  #note(aor: string, texts: NotedTexts): void {
    this.#forget(aor);
    this.#noted.set(aor, texts);
    if (this.#noted.size <= MAX_NOTED) return;
    for (const [oldest] of this.#noted) {
      this.#forget(oldest);
      return;
    }
  }

  /** The map's former tables would hold on to what is in it. */
  #forget(aor: string): void {
    this.#noted.get(aor)?.clear();
    this.#noted.delete(aor);
  }

  #readOld(aor: string): readonly Device[] {
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
