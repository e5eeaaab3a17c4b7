/** The longest frame that either side may send: 64 KiB after the `#`. */
export const MAX_FRAME = 65_536;

const HASH = 0x23;
const ZERO = 0x30;
const NINE = 0x39;
const MAX_DIGITS = 5;

/** What a peer sent can't be a frame; the connection it came over is of no further use. */
export class FrameError extends Error {
  override name = 'FrameError';
}

/** Puts the length in front: `<bytes>#<message>`. `head` is ASCII or UTF-8 text, `tail` follows it as it is. */
export function encodeFrame(head: string, tail?: Buffer): Buffer {
  const headBytes = Buffer.byteLength(head);
  const length = headBytes + (tail ? tail.length : 0);
  const prefix = `${length}#`;
  const frame = Buffer.allocUnsafe(prefix.length + length);
  frame.write(prefix, 0, 'latin1');
  frame.write(head, prefix.length, 'utf8');
  if (tail) tail.copy(frame, prefix.length + headBytes);
  return frame;
}

/** Cuts a byte stream into frames, however the stream was split or joined on its way. Holds at most one frame's bytes and the chunk it is in. */
export class FrameDecoder {
  #chunks: Buffer[] = [];
  #buffered = 0;
  #needed = -1;
  #limit: number;

  constructor(limit = MAX_FRAME) {
    this.#limit = limit;
  }

  /** Changes the largest length accepted, from the next frame on. */
  set limit(bytes: number) {
    this.#limit = bytes;
  }

  /**
   * Takes the next bytes of the stream and hands every frame that is now complete to `frame`.
   * Throws {@link FrameError} when the length isn't 1 to 5 digits or is beyond the limit.
   */
  push(chunk: Buffer, frame: (message: Buffer) => void): void {
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    if (this.#needed >= 0 && this.#buffered < this.#needed) return;
    let rest = this.#take();
    while (rest.length > 0) {
      if (this.#needed < 0) {
        const used = this.#readLength(rest);
        if (used === 0) break;
        rest = rest.subarray(used);
      }
      if (rest.length < this.#needed) break;
      const message = rest.subarray(0, this.#needed);
      rest = rest.subarray(this.#needed);
      this.#needed = -1;
      frame(message);
    }
    if (rest.length > 0) {
      this.#chunks.push(rest);
      this.#buffered = rest.length;
    }
  }

  #take(): Buffer {
    const [first] = this.#chunks;
    const all = this.#chunks.length === 1 && first ? first : Buffer.concat(this.#chunks, this.#buffered);
    this.#chunks = [];
    this.#buffered = 0;
    return all;
  }

  #readLength(bytes: Buffer): number {
    let length = 0;
    for (let i = 0; i <= MAX_DIGITS && i < bytes.length; i++) {
      const byte = bytes[i] ?? 0;
      if (byte === HASH && i > 0) {
        if (length > this.#limit) throw new FrameError(`frame of ${length} bytes is longer than ${this.#limit}`);
        if (length === 0) throw new FrameError('empty frame');
        this.#needed = length;
        return i + 1;
      }
      if (byte < ZERO || byte > NINE || i === MAX_DIGITS)
        throw new FrameError('a frame must begin with its length and #');
      length = length * 10 + (byte - ZERO);
    }
    return 0;
  }
}
