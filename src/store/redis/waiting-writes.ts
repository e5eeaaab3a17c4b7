import type { Device } from '../../devices/types.js';
import { CallJournal } from '../call-journal.js';

/** A change of an AOR that Redis does not have yet. */
export interface WaitingWrite {
  /** What was known before the first change that waits. */
  readonly base: readonly Device[];
  /** What was made of it. */
  readonly devices: readonly Device[];
}

/** No more changes may wait. */
export class StoreFull extends Error {
  override readonly name = 'StoreFull';
}

/** Changes that wait until Redis is back, one for each AOR; with a folder they outlive the process. */
export class WaitingWrites {
  readonly #writes = new Map<string, WaitingWrite>();
  readonly #max: number;
  readonly #files: CallJournal | undefined;

  /** @param max how many AORs may wait @param folder where they are written to */
  constructor(max: number, folder?: string) {
    this.#max = max;
    this.#files = folder === undefined ? undefined : new CallJournal({ path: folder });
    for (const [aor, write] of this.#files?.entries() ?? []) {
      if (isWrite(write)) this.#writes.set(aor, write);
    }
  }

  get size(): number {
    return this.#writes.size;
  }

  has(aor: string): boolean {
    return this.#writes.has(aor);
  }

  get(aor: string): (WaitingWrite & { readonly version: number }) | undefined {
    const write = this.#writes.get(aor);
    return write && { ...write, version: 0 };
  }

  /** @throws {StoreFull} when too many wait; Error when the disk doesn't take it */
  set(aor: string, write: WaitingWrite): void {
    if (!this.#writes.has(aor) && this.#writes.size >= this.#max) {
      throw new StoreFull(`${this.#max} changes wait for Redis`);
    }
    this.#files?.put(aor, write);
    this.#writes.set(aor, write);
  }

  /** Redis has a change. One that was made on top of it meanwhile waits on. */
  done(aor: string, write: WaitingWrite): void {
    const now = this.#writes.get(aor);
    if (now === undefined) return;
    if (now.devices === write.devices) {
      this.#files?.remove(aor);
      this.#writes.delete(aor);
    } else this.set(aor, { base: write.devices, devices: now.devices });
  }

  some(count: number): readonly (readonly [string, WaitingWrite])[] {
    const found: (readonly [string, WaitingWrite])[] = [];
    for (const entry of this.#writes) {
      if (found.length === count) break;
      found.push(entry);
    }
    return found;
  }

  close(): void {
    this.#files?.close();
  }
}

function isWrite(value: unknown): value is WaitingWrite {
  const write = value as Partial<WaitingWrite> | null | undefined;
  return Array.isArray(write?.base) && Array.isArray(write.devices);
}
