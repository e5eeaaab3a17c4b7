import { Buffer } from 'node:buffer';
import type { MessageLimits } from '../message/index.js';

/** The stream can't be read on. What was received of the message is in `head`, so that it can be answered before closing. */
export class FramingError extends Error {
  override readonly name = 'FramingError';

  constructor(
    readonly status: number,
    readonly reason: string,
    readonly head: Buffer,
  ) {
    super(reason);
  }
}

export interface FrameHandler {
  /** One whole message, head and body. */
  frame(data: Buffer): void;
  /** A CRLF between messages: half a ping or a pong (RFC 5626 section 3.5.1). */
  emptyLine(): void;
}

const LENGTH = /\r\n(?:content-length|l)[ \t]*:(?:\r\n(?=[ \t])|[ \t])*(\d{1,10})[ \t]*\r\n(?![ \t])/i;
const LENGTH_NAME = /\r\n(?:content-length|l)[ \t]*:/i;
const CR = 13;
const LF = 10;
const EMPTY = Buffer.alloc(0);

/**
 * Cuts a byte stream into SIP messages by Content-Length (RFC 3261 section 18.3); where there are several, the stream is lost (RFC 4475 section
 * 3.3.9). Keeps at most one unfinished message, within the
 * limits. After it threw {@link FramingError} it must not be used again.
 */
export class StreamFramer {
  private pending: Buffer = EMPTY;
  private used = 0;
  /** How far the search for the end of the head went. */
  private searched = 0;
  /** Length of the whole message, once its head is complete. */
  private needed = 0;
  private afterCr = false;

  constructor(
    private readonly limits: MessageLimits,
    private readonly handler: FrameHandler,
  ) {}

  /** Whether a message has begun and is not complete. */
  get partial(): boolean {
    return this.used > 0;
  }

  push(chunk: Buffer): void {
    let rest = chunk;
    if (this.used > 0) {
      this.append(chunk);
      const taken = this.cut(this.pending.subarray(0, this.used));
      if (taken === 0) return;
      rest = Buffer.from(this.pending.subarray(taken, this.used));
      this.pending = EMPTY;
      this.used = 0;
    }
    while (rest.length > 0) {
      const skipped = this.skipEmptyLines(rest);
      rest = rest.subarray(skipped);
      if (rest.length === 0) return;
      const taken = this.cut(rest);
      if (taken === 0) {
        this.append(rest);
        return;
      }
      rest = rest.subarray(taken);
    }
  }

  /** Eats CRLFs between messages. */
  private skipEmptyLines(data: Buffer): number {
    let pos = 0;
    for (; pos < data.length; pos++) {
      const byte = data[pos];
      if (this.afterCr && byte === LF) {
        this.afterCr = false;
        this.handler.emptyLine();
      } else if (!this.afterCr && byte === CR) this.afterCr = true;
      else break;
    }
    if (pos < data.length && this.afterCr) throw new FramingError(400, 'Stray CR between messages', EMPTY);
    return pos;
  }

  private append(chunk: Buffer): void {
    const total = this.used + chunk.length;
    if (total > this.pending.length) {
      const grown = Buffer.allocUnsafeSlow(
        Math.max(total, this.needed, Math.min(this.pending.length * 2, 1 << 20), 1024),
      );
      this.pending.copy(grown, 0, 0, this.used);
      this.pending = grown;
    }
    chunk.copy(this.pending, this.used);
    this.used = total;
  }

  /** Hands over the message at the start of `data`; gives its length, or 0 if it is not complete. */
  private cut(data: Buffer): number {
    if (this.needed === 0) {
      const end = data.indexOf('\r\n\r\n', Math.max(this.searched - 3, 0), 'latin1');
      if (end < 0) {
        if (data.length > this.limits.headBytes) throw new FramingError(513, 'Headers too long', data);
        this.searched = data.length;
        return 0;
      }
      if (end > this.limits.headBytes)
        throw new FramingError(513, 'Headers too long', data.subarray(0, this.limits.headBytes));
      this.needed = end + 4 + this.contentLength(data.subarray(0, end + 4));
    }
    const length = this.needed;
    if (data.length < length) return 0;
    this.needed = 0;
    this.searched = 0;
    this.handler.frame(data.subarray(0, length));
    return length;
  }

  private contentLength(head: Buffer): number {
    const text = head.toString('latin1');
    const match = LENGTH.exec(text);
    const length = match?.[1];
    if (!match || length === undefined) throw new FramingError(400, 'Missing or illegal Content-Length', head);
    const rest = match.index + match[0].length - 2;
    if (LENGTH_NAME.test(text.slice(0, match.index)) || LENGTH_NAME.test(text.slice(rest)))
      throw new FramingError(400, 'More than one Content-Length', head);
    const total = head.length + Number(length);
    if (total > this.limits.messageBytes) throw new FramingError(513, 'Message too large', head);
    return Number(length);
  }
}
