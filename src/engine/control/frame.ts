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

const NOTHING = Buffer.alloc(0);
/** Bytes that are fetched at a time, for some eighty frames. */
const BLOCK = 65_536;
/** Bytes of the longest frame's length and `#`. */
const PREFIX = 6;

/** Frames one behind the other, in one piece: `<bytes>#<message>`. */
export class FrameWriter {
  #block: Buffer = NOTHING;
  /** Where the first frame that nobody has taken begins in the block. */
  #start = 0;
  #end = 0;

  /** Bytes of frames that nobody has taken yet. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** Adds a message: `head`, and `tail` behind it as it is. Gives false, and adds nothing, for one that is longer than {@link MAX_FRAME}. */
  add(head: string, tail: Buffer = NOTHING): boolean {
    const headBytes = Buffer.byteLength(head);
    const length = headBytes + tail.length;
    if (length > MAX_FRAME) return false;
    this.#makeRoom(PREFIX + length);
    const block = this.#block;
    let at = this.#end;
    at += block.write(`${length}#`, at, 'latin1');
    at += block.write(head, at, headBytes === head.length ? 'latin1' : 'utf8');
    tail.copy(block, at);
    this.#end = at + tail.length;
    return true;
  }

  /** All that was added since the last time. */
  take(): Buffer {
    const all = this.#block.subarray(this.#start, this.#end);
    this.#start = this.#end;
    return all;
  }

  /** What was taken stays where it is, as it may not be written yet. */
  #makeRoom(bytes: number): void {
    if (this.#end + bytes <= this.#block.length) return;
    const { length } = this;
    const next = Buffer.allocUnsafeSlow(Math.max(BLOCK, length + bytes, 2 * length));
    this.#block.copy(next, 0, this.#start, this.#end);
    this.#block = next;
    this.#start = 0;
    this.#end = length;
  }
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
