import { INTEGER_ROOM, writeInteger } from './hpack-integer.js';
import { STATIC_TABLE, type TableField } from './hpack-static.js';
import { DynamicTable, sizeOf } from './hpack-table.js';

/**
 * What of a field is kept for those to come (RFC 7541 section 6.2): `field` where the same comes again and again, `name` where each value
 * is new (then only the first is put into the table, for its name), `never` for what nobody on the way may keep either (section 7.1.3).
 */
export type Indexing = 'field' | 'name' | 'never';

export interface HeaderField extends TableField {
  /** Lower case. */
  readonly name: string;
  readonly indexing: Indexing;
}

interface Entry extends TableField {
  /** How many were added before. */
  readonly number: number;
  /** The one before with the same name, if that is still in the table. */
  older: Entry | undefined;
}

/** What is known of a name. */
interface Name {
  /** Its first in the static table, or 0. */
  readonly index: number;
  /** Its values there. */
  readonly values: ReadonlyMap<string, number>;
  newest: Entry | undefined;
}

/** Octets of the dynamic table that are used at most, whatever the other side offers: its default. */
const TABLE_SIZE = 4096;

/**
 * Writes field blocks (RFC 7541): one of these for all of a connection, each block sent once, in the order they were written. Strings are
 * written as they are: their Huffman codes would save a fifth of a push's octets and cost more than the rest of its block.
 */
export class HpackEncoder {
  /** All names there ever were, so they must be few. */
  readonly #names = new Map<string, Name>();
  readonly #table = new DynamicTable<Entry>(TABLE_SIZE, (entry) => this.#onEvicted(entry));
  #added = 0;
  /** The smallest size since the last block, if the other side has to be told of a change (RFC 7541 section 4.2). */
  #smallest: number | undefined;

  constructor() {
    for (const [at, { name, value }] of STATIC_TABLE.entries()) {
      const known = this.#names.get(name);
      const values = new Map([...(known?.values ?? []), ...(value === '' ? [] : ([[value, at + 1]] as const))]);
      this.#names.set(name, { index: known?.index ?? at + 1, values, newest: undefined });
    }
  }

  /** The other side's SETTINGS_HEADER_TABLE_SIZE. */
  limit(size: number): void {
    const capacity = Math.min(size, TABLE_SIZE);
    if (capacity === this.#table.capacity) return;
    this.#smallest = Math.min(this.#smallest ?? capacity, capacity);
    this.#table.resize(capacity);
  }

  /** Has the other side forget what it may not have got: a block that was written was not sent. */
  forget(): void {
    const { capacity } = this.#table;
    this.#table.resize(0);
    this.#table.resize(capacity);
    this.#smallest = 0;
  }

  /** Octets that a block of these fields has at most. */
  roomFor(fields: readonly HeaderField[]): number {
    let room = 2 * INTEGER_ROOM;
    for (const { name, value } of fields) room += name.length + value.length + 3 * INTEGER_ROOM;
    return room;
  }

  /**
   * Writes a block into a buffer that has {@link roomFor} it, and gives where it ends.
   * @throws TypeError a field has a character that none may have (RFC 9113 section 8.2.1); then {@link forget} is needed
   */
  encode(fields: readonly HeaderField[], into: Buffer, at: number): number {
    if (this.#smallest !== undefined) {
      const { capacity } = this.#table;
      if (this.#smallest < capacity) at = writeInteger(into, at, 0x20, 5, this.#smallest);
      at = writeInteger(into, at, 0x20, 5, capacity);
      this.#smallest = undefined;
    }
    for (const field of fields) at = this.#encode(field, into, at);
    return at;
  }

  #encode(field: HeaderField, into: Buffer, at: number): number {
    const { indexing } = field;
    const name = this.#nameOf(field.name);
    if (indexing !== 'never') {
      const index = this.#indexOf(name, field.value);
      if (index > 0) return writeInteger(into, at, 0x80, 7, index);
    }
    const index = name.index || (name.newest ? this.#indexOfEntry(name.newest) : 0);
    const add = (indexing === 'field' || (indexing === 'name' && index === 0)) && this.#isWorthIt(field);
    if (add) at = writeInteger(into, at, 0x40, 6, index);
    else at = writeInteger(into, at, indexing === 'never' ? 0x10 : 0, 4, index);
    if (index === 0) at = writeText(field.name, into, at);
    at = writeText(field.value, into, at);
    if (add) this.#add(field, name);
    return at;
  }

  #nameOf(name: string): Name {
    let known = this.#names.get(name);
    if (!known) {
      known = { index: 0, values: new Map(), newest: undefined };
      this.#names.set(name, known);
    }
    return known;
  }

  #indexOf(name: Name, value: string): number {
    for (let entry = name.newest; entry; entry = entry.older)
      if (entry.value === value) return this.#indexOfEntry(entry);
    return name.values.size === 0 ? 0 : (name.values.get(value) ?? 0);
  }

  #indexOfEntry(entry: Entry): number {
    return STATIC_TABLE.length + this.#added - entry.number;
  }

  /** A field that takes most of the table would push all others out of it. */
  #isWorthIt(field: HeaderField): boolean {
    return sizeOf(field) * 2 <= this.#table.capacity;
  }

  #add({ name, value }: HeaderField, known: Name): void {
    const entry: Entry = { name, value, number: this.#added++, older: undefined };
    // Makes room first, so that `older` is never one that is gone.
    this.#table.add(entry);
    entry.older = known.newest;
    known.newest = entry;
  }

  /** The oldest of all is the oldest of its name. */
  #onEvicted(evicted: Entry): void {
    const name = this.#nameOf(evicted.name);
    if (name.newest === evicted) name.newest = undefined;
    for (let entry = name.newest; entry; entry = entry.older) if (entry.older === evicted) entry.older = undefined;
  }
}

/** A string literal (RFC 7541 section 5.2), not Huffman coded. */
function writeText(text: string, into: Buffer, at: number): number {
  at = writeInteger(into, at, 0, 7, text.length);
  for (let n = 0; n < text.length; n++) {
    const octet = text.charCodeAt(n);
    if ((octet < 0x20 && octet !== 0x9) || octet === 0x7f || octet > 0xff) throw new TypeError('not a header field');
    into[at++] = octet;
  }
  return at;
}
