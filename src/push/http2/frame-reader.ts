import { ConnectionError, ErrorCode, FRAME_HEAD, MAX_31_BITS, MAX_FRAME } from './codes.js';

/** Gets each frame. Its payload is `bytes` from `from` to `to`, and that only until this returns. */
export type OnFrame = (type: number, flags: number, stream: number, bytes: Buffer, from: number, to: number) => void;

/** Cuts what comes from the socket into frames (RFC 9113 section 4.1), however it was cut on the way. */
export class FrameReader {
  readonly #onFrame: OnFrame;
  /** The beginning of a frame whose end hasn't come. */
  readonly #partial = Buffer.allocUnsafeSlow(FRAME_HEAD + MAX_FRAME);
  #have = 0;
  #stopped = false;

  constructor(onFrame: OnFrame) {
    this.#onFrame = onFrame;
  }

  /** Takes what came. @throws ConnectionError FRAME_SIZE_ERROR, and whatever `onFrame` throws: then nothing more can be read */
  read(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length && !this.#stopped) {
      if (this.#have === 0 && bytes.length - at >= FRAME_HEAD) {
        const end = at + FRAME_HEAD + lengthOf(bytes, at);
        if (end <= bytes.length) {
          this.#give(bytes, at, end);
          at = end;
          continue;
        }
      }
      at = this.#keep(bytes, at);
    }
  }

  /** Gives no more frames. */
  stop(): void {
    this.#stopped = true;
  }

  /** Takes what is missing of the frame that has begun, or as much of that as there is. */
  #keep(bytes: Buffer, at: number): number {
    const whole = this.#have < FRAME_HEAD ? FRAME_HEAD : FRAME_HEAD + lengthOf(this.#partial, 0);
    const count = Math.min(whole - this.#have, bytes.length - at);
    bytes.copy(this.#partial, this.#have, at, at + count);
    this.#have += count;
    if (this.#have >= FRAME_HEAD && this.#have === FRAME_HEAD + lengthOf(this.#partial, 0)) {
      const end = this.#have;
      this.#have = 0;
      this.#give(this.#partial, 0, end);
    }
    return at + count;
  }

  #give(bytes: Buffer, at: number, end: number): void {
    const stream = bytes.readUInt32BE(at + 5) & MAX_31_BITS;
    this.#onFrame(bytes[at + 3] ?? 0, bytes[at + 4] ?? 0, stream, bytes, at + FRAME_HEAD, end);
  }
}

function lengthOf(bytes: Buffer, at: number): number {
  const length = bytes.readUIntBE(at, 3);
  if (length > MAX_FRAME) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, `a frame of ${length} octets`);
  return length;
}
