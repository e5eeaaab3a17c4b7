import type { Writable } from 'node:stream';
import { ErrorCode, FRAME_HEAD, FrameType } from './codes.js';

/** A buffer that once had to grow beyond this is not used again. */
const KEPT = 256 * 1024;
const FIRST = 16 * 1024;
/** Octets of a GOAWAY's debug data. */
const MAX_DEBUG = 200;

/**
 * Collects the frames of one turn of the event loop and hands them to the socket in one piece, as each write costs more than the frames
 * in it. While the socket still has the last piece, frames are collected on: what waits is never more than one piece, however slow the
 * other side reads. Two buffers take turns, so that nothing is allocated.
 */
export class Outlet {
  readonly #socket: Writable;
  readonly #onFlush: () => void;
  #buffer: Buffer = Buffer.allocUnsafeSlow(FIRST);
  #spare: Buffer | undefined = Buffer.allocUnsafeSlow(FIRST);
  #length = 0;
  #busy = false;
  #due = false;
  #ended = false;
  readonly #flush = (): void => {
    this.#due = false;
    if (!this.#busy) this.flush();
  };

  /** @param onFlush what was collected is about to be handed to the socket */
  constructor(socket: Writable, onFlush: () => void) {
    this.#socket = socket;
    this.#onFlush = onFlush;
  }

  /** Octets that wait. */
  get length(): number {
    return this.#length;
  }

  /** Where the next frame is put, valid until the next {@link reserve}. */
  get buffer(): Buffer {
    return this.#buffer;
  }

  /** Makes room and gives where the next frame begins. */
  reserve(octets: number): number {
    const needed = this.#length + octets;
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    return this.#length;
  }

  /** What was put into {@link buffer} up to `end` is to be sent. */
  commit(end: number): void {
    this.#length = end;
    if (this.#due || this.#busy || this.#ended) return;
    this.#due = true;
    setImmediate(this.#flush);
  }

  /** Writes the head of a frame and gives where its payload begins. */
  head(at: number, length: number, type: number, flags: number, stream: number): number {
    const { buffer } = this;
    buffer[at] = length >>> 16;
    buffer[at + 1] = length >>> 8;
    buffer[at + 2] = length;
    buffer[at + 3] = type;
    buffer[at + 4] = flags;
    return word(buffer, at + 5, stream);
  }

  /** These octets. */
  raw(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length);
    this.#buffer.set(bytes, at);
    this.commit(at + bytes.length);
  }

  /** A frame without flags whose payload is one number of 32 bits: RST_STREAM, WINDOW_UPDATE. */
  number(type: number, stream: number, value: number): void {
    const at = this.reserve(FRAME_HEAD + 4);
    this.commit(word(this.#buffer, this.head(at, 4, type, 0, stream), value));
  }

  /** A frame with this payload. */
  frame(type: number, flags: number, stream: number, payload: Uint8Array): void {
    const at = this.head(this.reserve(FRAME_HEAD + payload.length), payload.length, type, flags, stream);
    this.#buffer.set(payload, at);
    this.commit(at + payload.length);
  }

  /** Hands what waits to the socket now. */
  flush(): void {
    if (this.#length === 0 || this.#ended) return;
    this.#onFlush();
    const buffer = this.#buffer;
    const bytes = buffer.subarray(0, this.#length);
    this.#buffer = this.#spare ?? Buffer.allocUnsafeSlow(FIRST);
    this.#spare = undefined;
    this.#length = 0;
    this.#busy = true;
    this.#socket.write(bytes, (error) => {
      this.#busy = false;
      if (error) this.#ended = true;
      if (buffer.length <= KEPT) this.#spare = buffer;
      if (!this.#due) this.flush();
    });
  }

  /**
   * The last that is sent, if it still can be, is RST_STREAM for these streams, as nobody waits for their answers any more, and a GOAWAY
   * (RFC 9113 section 6.8). What waits isn't sent. The socket is destroyed two turns later: a write under way would take these with it.
   */
  end(code: number, why: string, streams: readonly number[]): void {
    setImmediate(() => setImmediate(() => this.#socket.destroy()));
    if (this.#ended) return;
    this.#length = 0;
    for (const stream of streams) this.number(FrameType.RST_STREAM, stream, ErrorCode.CANCEL);
    const text = Buffer.from(why, 'latin1').subarray(0, MAX_DEBUG);
    const payload = Buffer.concat([Buffer.alloc(8), text]);
    payload.writeUInt32BE(code, 4);
    this.frame(FrameType.GOAWAY, 0, 0, payload);
    this.#ended = true;
    if (this.#socket.writable) this.#socket.write(this.#buffer.subarray(0, this.#length));
  }
}

/** Writes 32 bits and gives where they end. */
function word(into: Buffer, at: number, value: number): number {
  into[at] = value >>> 24;
  into[at + 1] = value >>> 16;
  into[at + 2] = value >>> 8;
  into[at + 3] = value;
  return at + 4;
}
