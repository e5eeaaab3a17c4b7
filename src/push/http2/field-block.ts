import { ConnectionError, ErrorCode } from './codes.js';

/** Octets of a field block at most, still encoded, and the frames that it may come in (RFC 9113 section 10.5.1). */
const MAX_OCTETS = 65_536;
const MAX_FRAMES = 64;

/** A field block that comes in several frames: HEADERS and CONTINUATION (RFC 9113 section 4.3). */
export class FieldBlock {
  readonly stream: number;
  /** HEADERS had END_STREAM. */
  readonly last: boolean;
  readonly #pieces: Buffer[] = [];
  #length = 0;

  constructor(stream: number, last: boolean) {
    this.stream = stream;
    this.last = last;
  }

  /** All of it, put together. */
  get bytes(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  /** @throws ConnectionError there is no end to it: what isn't decoded breaks all that comes after */
  add(bytes: Buffer, from: number, to: number): void {
    this.#length += to - from;
    this.#pieces.push(Buffer.from(bytes.subarray(from, to)));
    if (this.#length > MAX_OCTETS || this.#pieces.length > MAX_FRAMES) {
      throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, `header fields of stream ${this.stream} without end`);
    }
  }
}
