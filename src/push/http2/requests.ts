import {
  ConnectionError,
  ErrorCode,
  Flag,
  FRAME_HEAD,
  FrameType,
  INITIAL_WINDOW,
  MAX_31_BITS,
  MAX_FRAME,
} from './codes.js';
import type { FrameBudget } from './frame-budget.js';
import { type HeaderField, HpackEncoder } from './hpack-encoder.js';
import type { Outlet } from './outlet.js';
import type { Stream } from './stream.js';

type Encoding = 'latin1' | 'utf8';

/** Writes requests, their bodies as far as the other side's windows allow (RFC 9113 section 5.2). */
export class RequestWriter {
  readonly encoder = new HpackEncoder();
  readonly #outlet: Outlet;
  readonly #budget: FrameBudget;
  /** The connection's. */
  #window = INITIAL_WINDOW;
  #initial = INITIAL_WINDOW;
  /** Those whose body has to wait for a window, in order. */
  readonly #waiting = new Set<Stream>();

  constructor(outlet: Outlet, budget: FrameBudget) {
    this.#outlet = outlet;
    this.#budget = budget;
  }

  /** A new stream's window. */
  get initialWindow(): number {
    return this.#initial;
  }

  /** @throws TypeError a header field has characters that none may have; then nothing was written */
  write(stream: Stream, fields: readonly HeaderField[], body: string, encoding: Encoding): void {
    const octets = encoding === 'latin1' ? body.length : body.length * 3;
    const start = this.#outlet.reserve(2 * FRAME_HEAD + this.encoder.roomFor(fields) + octets);
    const end = this.#writeFields(stream, fields, start, body === '' ? Flag.END_STREAM : 0);
    if (body === '') this.#outlet.commit(end);
    else this.#writeBody(stream, body, encoding, end);
    this.#budget.earn();
  }

  /** What of its body is left isn't sent. */
  drop(stream: Stream): void {
    if (stream.rest) this.#waiting.delete(stream);
  }

  /** The connection's window has become larger. @throws ConnectionError beyond all bounds */
  widen(by: number): void {
    this.#window += by;
    if (this.#window > MAX_31_BITS) throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, 'the window overflows');
    this.#sendOn();
  }

  /** A stream's has. False: beyond all bounds, a FLOW_CONTROL_ERROR of the stream. */
  widenStream(stream: Stream, by: number): boolean {
    stream.sendWindow += by;
    if (stream.sendWindow > MAX_31_BITS) return false;
    if (stream.rest) this.#sendOn();
    return true;
  }

  /** SETTINGS_INITIAL_WINDOW_SIZE, which changes what open streams have, too (RFC 9113 section 6.9.2). @throws ConnectionError */
  setInitialWindow(size: number, open: Iterable<Stream>): void {
    const more = size - this.#initial;
    this.#initial = size;
    for (const stream of open) {
      stream.sendWindow += more;
      if (stream.sendWindow > MAX_31_BITS) {
        throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, `the window of stream ${stream.id} overflows`);
      }
    }
    this.#sendOn();
  }

  #writeFields(stream: Stream, fields: readonly HeaderField[], start: number, flags: number): number {
    const from = start + FRAME_HEAD;
    let end: number;
    try {
      end = this.encoder.encode(fields, this.#outlet.buffer, from);
    } catch (error) {
      this.encoder.forget();
      throw error;
    }
    if (end - from > MAX_FRAME)
      return this.#continue(stream, Buffer.from(this.#outlet.buffer.subarray(from, end)), flags);
    this.#outlet.head(start, end - from, FrameType.HEADERS, flags | Flag.END_HEADERS, stream.id);
    return end;
  }

  /** HEADERS and CONTINUATION for what is too large for one frame. */
  #continue(stream: Stream, block: Buffer, flags: number): number {
    for (let from = 0; from < block.length; from += MAX_FRAME) {
      const type = from === 0 ? FrameType.HEADERS : FrameType.CONTINUATION;
      const last = from + MAX_FRAME >= block.length ? Flag.END_HEADERS : 0;
      this.#outlet.frame(type, (from === 0 ? flags : 0) | last, stream.id, block.subarray(from, from + MAX_FRAME));
    }
    return this.#outlet.length;
  }

  #writeBody(stream: Stream, body: string, encoding: Encoding, at: number): void {
    const outlet = this.#outlet;
    const most = encoding === 'latin1' ? body.length : body.length * 3;
    // Only after a block of several frames is there less room than that left.
    if (at + FRAME_HEAD + most > outlet.buffer.length) {
      outlet.commit(at);
      outlet.reserve(FRAME_HEAD + most);
    }
    const from = at + FRAME_HEAD;
    const length = outlet.buffer.write(body, from, encoding);
    if (length <= MAX_FRAME && length <= this.#window && length <= stream.sendWindow && this.#waiting.size === 0) {
      outlet.head(at, length, FrameType.DATA, Flag.END_STREAM, stream.id);
      outlet.commit(from + length);
      this.#spend(stream, length);
      return;
    }
    stream.rest = Buffer.from(outlet.buffer.subarray(from, from + length));
    this.#waiting.add(stream);
    outlet.commit(at);
    this.#sendOn();
  }

  #sendOn(): void {
    for (const stream of this.#waiting) {
      if (this.#window <= 0) return;
      while (stream.rest && this.#sendPiece(stream, stream.rest));
    }
  }

  #sendPiece(stream: Stream, rest: Buffer): boolean {
    const length = Math.min(rest.length, this.#window, stream.sendWindow, MAX_FRAME);
    if (length <= 0) return false;
    const last = length === rest.length;
    this.#outlet.frame(FrameType.DATA, last ? Flag.END_STREAM : 0, stream.id, rest.subarray(0, length));
    this.#spend(stream, length);
    this.#budget.earnPiece();
    stream.rest = last ? undefined : rest.subarray(length);
    if (last) this.#waiting.delete(stream);
    return true;
  }

  #spend(stream: Stream, octets: number): void {
    this.#window -= octets;
    stream.sendWindow -= octets;
  }
}
