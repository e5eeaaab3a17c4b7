import { ConnectionError, ErrorCode } from './codes.js';
import { STATIC_TABLE, type TableField } from './hpack-static.js';
import { DynamicTable } from './hpack-table.js';
import { decodedRoom, decodeHuffman } from './huffman.js';

/** A header field as it came. Names and values hold one octet in each character. */
export interface DecodedField extends TableField {
  /** Which of them has octets that RFC 9113 section 8.2.1 forbids. */
  readonly flaw: 'name' | 'value' | undefined;
}

export interface FieldSink {
  take(field: DecodedField): void;
}

const STATIC: readonly DecodedField[] = STATIC_TABLE.map((field) => ({ ...field, flaw: undefined }));
const MOST_DIGITS = 28;

const fault = (what: string): ConnectionError => new ConnectionError(ErrorCode.COMPRESSION_ERROR, what);

/** What an octet may not be part of. */
const NOT_IN_NAME = 1;
const NOT_IN_VALUE = 2;
type Part = typeof NOT_IN_NAME | typeof NOT_IN_VALUE;
const BAD = Uint8Array.from({ length: 256 }, (_, octet) => {
  const name = octet <= 0x20 || octet >= 0x7f || (octet >= 0x41 && octet <= 0x5a);
  return (name ? NOT_IN_NAME : 0) | (octet === 0 || octet === 0xa || octet === 0xd ? NOT_IN_VALUE : 0);
});
const COLON = 0x3a;
const isBlank = (octet: number | undefined): boolean => octet === 0x20 || octet === 0x9;

/** Reads field blocks (RFC 7541): one of these for all of a connection, each whole block once, in the order they came. */
export class HpackDecoder {
  readonly #limit: number;
  readonly #table: DynamicTable<DecodedField>;
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #to = 0;
  #scratch = Buffer.allocUnsafe(512);
  #flaw: DecodedField['flaw'];

  /** @param limit octets of the dynamic table that the other side was allowed (SETTINGS_HEADER_TABLE_SIZE) */
  constructor(limit: number) {
    this.#limit = limit;
    this.#table = new DynamicTable(limit);
  }

  /**
   * Gives the fields of a block to `sink`, which must not throw.
   * @throws ConnectionError COMPRESSION_ERROR: nothing that comes after can be understood
   */
  decode(bytes: Buffer, from: number, to: number, sink: FieldSink): void {
    this.#bytes = bytes;
    this.#at = from;
    this.#to = to;
    let begun = false;
    while (this.#at < to) {
      const first = bytes[this.#at] ?? 0;
      if (first >= 0x80) sink.take(this.#indexed());
      else if (first >= 0x40) sink.take(this.#literal(6, true));
      else if (first < 0x20) sink.take(this.#literal(4, false));
      else {
        if (begun) throw fault('a table size update after a field');
        this.#update();
        continue;
      }
      begun = true;
    }
  }

  #indexed(): DecodedField {
    return this.#entry(this.#integer(7));
  }

  #entry(index: number): DecodedField {
    const field = index <= STATIC.length ? STATIC[index - 1] : this.#table.at(index - STATIC.length);
    if (!field) throw fault(`index ${index} is in no table`);
    return field;
  }

  #literal(prefix: number, indexed: boolean): DecodedField {
    const index = this.#integer(prefix);
    let flaw: DecodedField['flaw'];
    let name: string;
    if (index === 0) {
      name = this.#text(NOT_IN_NAME);
      flaw = this.#flaw;
    } else {
      const known = this.#entry(index);
      name = known.name;
      if (known.flaw === 'name') flaw = known.flaw;
    }
    const value = this.#text(NOT_IN_VALUE);
    const field: DecodedField = { name, value, flaw: flaw ?? this.#flaw };
    if (indexed) this.#table.add(field);
    return field;
  }

  #update(): void {
    const size = this.#integer(5);
    if (size > this.#limit) throw fault(`a table of ${size} where ${this.#limit} are allowed`);
    this.#table.resize(size);
  }

  #integer(prefix: number): number {
    const most = (1 << prefix) - 1;
    let value = (this.#bytes[this.#at++] ?? 0) & most;
    if (value < most) return value;
    for (let shift = 0; ; shift += 7) {
      if (this.#at >= this.#to) throw fault('a block that ends within an integer');
      if (shift >= MOST_DIGITS) throw fault('an integer above all bounds');
      const digit = this.#bytes[this.#at++] ?? 0;
      value += (digit & 0x7f) * 2 ** shift;
      if (digit < 0x80) return value;
    }
  }

  /** @param bad which octets are a flaw */
  #text(bad: Part): string {
    if (this.#at >= this.#to) throw fault('a block that ends before a string');
    const huffman = (this.#bytes[this.#at] ?? 0) >= 0x80;
    const length = this.#integer(7);
    const from = this.#at;
    const end = from + length;
    if (end > this.#to) throw fault('a string that is longer than its block');
    this.#at = end;
    if (!huffman) return this.#checked(this.#bytes, from, end, bad);
    const room = decodedRoom(length);
    if (room > this.#scratch.length) this.#scratch = Buffer.allocUnsafe(room);
    const decoded = decodeHuffman(this.#bytes, from, end, this.#scratch);
    if (decoded < 0) throw fault('a string that is no Huffman code');
    return this.#checked(this.#scratch, 0, decoded, bad);
  }

  #checked(bytes: Buffer, from: number, end: number, bad: Part): string {
    // A pseudo-header field's colon is no flaw; which of them may come is the message's business.
    let flawed = bad === NOT_IN_NAME && from === end;
    const start = bad === NOT_IN_NAME && bytes[from] === COLON ? from + 1 : from;
    for (let at = start; at < end; at++) {
      const octet = bytes[at] ?? 0;
      if ((BAD[octet] ?? 0) & bad || (bad === NOT_IN_NAME && octet === COLON)) flawed = true;
    }
    if (bad === NOT_IN_VALUE && from < end) flawed ||= isBlank(bytes[from]) || isBlank(bytes[end - 1]);
    this.#flaw = flawed ? (bad === NOT_IN_NAME ? 'name' : 'value') : undefined;
    return bytes.toString('latin1', from, end);
  }
}
