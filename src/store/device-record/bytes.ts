const FIRST_SIZE = 1024;

/** Bytes that grow as they are written. Integers are varints: seven bits a byte, low ones first, the top bit says that more follow. */
export class ByteWriter {
  #buffer = Buffer.allocUnsafe(FIRST_SIZE);
  #end = 0;

  /** Forgets what was written. */
  reset(): void {
    this.#end = 0;
  }

  /** A copy of what was written. */
  bytes(): Buffer {
    return Buffer.from(this.#buffer.subarray(0, this.#end));
  }

  byte(value: number): void {
    this.#room(1);
    this.#buffer[this.#end++] = value;
  }

  /** @param value an integer from 0 to 2^53 - 1 */
  varint(value: number): void {
    this.#room(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#end++] = (rest % 0x80) + 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#end++] = rest;
  }

  double(value: number): void {
    this.#room(8);
    this.#end = this.#buffer.writeDoubleLE(value, this.#end);
  }

  /** The bytes that an even number of hexadecimal digits stands for. */
  hex(digits: string): void {
    this.#room(digits.length / 2);
    this.#end += this.#buffer.write(digits, this.#end, 'hex');
  }

  /** UTF-8, as many bytes as `Buffer.byteLength` says. */
  text(value: string): void {
    this.#room(value.length * 3);
    this.#end += this.#buffer.write(value, this.#end, 'utf8');
  }

  /** Those of `from`, as they are. */
  copy(from: Buffer, start: number, end: number): void {
    this.#room(end - start);
    this.#end += from.copy(this.#buffer, this.#end, start, end);
  }

  #room(bytes: number): void {
    if (this.#end + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#end + bytes));
    this.#buffer.copy(larger, 0, 0, this.#end);
    this.#buffer = larger;
  }
}

/** Reads what a {@link ByteWriter} wrote. Its methods throw a RangeError where the bytes end. */
export class ByteReader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  /** Where it is. */
  get at(): number {
    return this.#at;
  }

  byte(): number {
    return this.#buffer[this.#take(1)] ?? 0;
  }

  varint(): number {
    let value = 0;
    for (let unit = 1; ; unit *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return value;
    }
  }

  double(): number {
    return this.#buffer.readDoubleLE(this.#take(8));
  }

  hex(bytes: number): string {
    const at = this.#take(bytes);
    return this.#buffer.toString('hex', at, at + bytes);
  }

  text(bytes: number): string {
    const at = this.#take(bytes);
    return this.#buffer.toString('utf8', at, at + bytes);
  }

  #take(bytes: number): number {
    const at = this.#at;
    if (at + bytes > this.#buffer.length) throw new RangeError('The record ends too early');
    this.#at += bytes;
    return at;
  }
}
