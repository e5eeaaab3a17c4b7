import type { TableField } from './hpack-static.js';

/** What an entry takes beside its octets (RFC 7541 section 4.1). */
const OVERHEAD = 32;

/** An entry's size, as both ends count it. Names and values hold one octet in each character. */
export const sizeOf = ({ name, value }: TableField): number => name.length + value.length + OVERHEAD;

/** The dynamic table of either end (RFC 7541 section 2.3.2): first in, first out, bounded in octets. */
export class DynamicTable<T extends TableField> {
  #entries: T[] = [];
  /** Those before are no longer in the table. */
  #first = 0;
  #size = 0;
  #capacity: number;
  readonly #onEvicted: ((entry: T) => void) | undefined;

  constructor(capacity: number, onEvicted?: (entry: T) => void) {
    this.#capacity = capacity;
    this.#onEvicted = onEvicted;
  }

  get capacity(): number {
    return this.#capacity;
  }

  get size(): number {
    return this.#size;
  }

  get length(): number {
    return this.#entries.length - this.#first;
  }

  /** @param index 1 is the newest */
  at(index: number): T | undefined {
    return index < 1 || index > this.length ? undefined : this.#entries[this.#entries.length - index];
  }

  /** Makes room for it and adds it; one that is larger than the table empties it (RFC 7541 section 4.4). False if it isn't in then. */
  add(entry: T): boolean {
    const size = sizeOf(entry);
    this.#shrink(this.#capacity - size);
    if (size > this.#capacity) return false;
    this.#entries.push(entry);
    this.#size += size;
    return true;
  }

  resize(capacity: number): void {
    this.#capacity = capacity;
    this.#shrink(capacity);
  }

  #shrink(room: number): void {
    while (this.#size > 0 && this.#size > room) {
      const oldest = this.#entries[this.#first++];
      if (!oldest) break;
      this.#size -= sizeOf(oldest);
      this.#onEvicted?.(oldest);
    }
    if (this.#first > 32 && this.#first * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
  }
}
