import { ConnectionError, ErrorCode } from './codes.js';

/** More given up and not ended by the other side are not remembered. */
const MOST = 10_000;

/** Streams that this side has reset and the other hasn't ended: of them something may still have been on its way (RFC 9113 section 5.1). */
export class Abandoned {
  readonly #streams = new Set<number>();

  add(stream: number): void {
    this.#streams.add(stream);
    if (this.#streams.size <= MOST) return;
    const [oldest = stream] = this.#streams;
    this.#streams.delete(oldest);
  }

  /** The other side has ended it. */
  delete(stream: number): void {
    this.#streams.delete(stream);
  }

  /**
   * Fields or DATA came for a stream that is no more.
   * @param last with END_STREAM
   * @throws ConnectionError STREAM_CLOSED: it had ended before
   */
  take(stream: number, last: boolean): void {
    if (!this.#streams.has(stream)) {
      throw new ConnectionError(ErrorCode.STREAM_CLOSED, `stream ${stream} goes on after its end`);
    }
    if (last) this.#streams.delete(stream);
  }
}
