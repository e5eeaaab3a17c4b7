import type { AnswerFields, FieldList } from './field-list.js';
import { ReceiveWindow } from './receive-window.js';

/**
 * How a request ended: `complete` with the whole answer; `refused` (REFUSED_STREAM, or above a GOAWAY's last) and `unsent` mean that the
 * other side did nothing for it (RFC 9113 section 8.7); of those `reset` and `lost` with the connection nobody knows.
 */
export type StreamEnd = 'complete' | 'refused' | 'unsent' | 'reset' | 'lost';

/** What comes of a request. None of them is called before `request` returns, nor after `cancel`. */
export interface StreamEvents {
  /** The request, or what the windows allow of it, is handed to the socket when this returns. Must not throw. */
  onLeave?(): void;
  /** The answer has begun. Not called for informational ones (1xx). */
  onResponse(status: number, fields: AnswerFields): void;
  /** A piece of the answer's body, valid only until this returns. */
  onData(bytes: Buffer): void;
  /** Exactly once, the last. `code` is RST_STREAM's, either side's. */
  onEnd(end: StreamEnd, code: number): void;
}

/** A request under way. */
export interface RequestStream {
  /** Nobody waits for an answer any more: RST_STREAM with CANCEL. */
  cancel(): void;
}

const NO_BODY: ReadonlySet<number> = new Set([204, 304]);

/** A stream that this client opened (RFC 9113 section 5.1): open or half-closed, for as long as its connection knows it. */
export class Stream implements RequestStream {
  readonly id: number;
  readonly events: StreamEvents;
  readonly #cancel: (stream: Stream) => void;
  /** Octets that may be sent on it; below 0 after the other side made its window smaller. */
  sendWindow: number;
  /** What of the body is still to be sent. */
  rest: Buffer | undefined;
  isOpen = true;
  #answered = false;
  /** As content-length says. */
  #expected: number | undefined;
  #received = 0;
  #window: ReceiveWindow | undefined;

  constructor(id: number, events: StreamEvents, sendWindow: number, cancel: (stream: Stream) => void) {
    this.id = id;
    this.events = events;
    this.sendWindow = sendWindow;
    this.#cancel = cancel;
  }

  get window(): ReceiveWindow {
    this.#window ??= new ReceiveWindow();
    return this.#window;
  }

  cancel(): void {
    this.#cancel(this);
  }

  /** Takes header fields or trailers. Gives what makes the message malformed (RFC 9113 section 8.1), or undefined. */
  take(fields: FieldList, last: boolean): string | undefined {
    const { status, flaw } = fields;
    if (flaw !== undefined) return flaw;
    if (this.#answered) {
      if (status !== 0) return ':status in trailers';
      return last ? undefined : 'trailers before the end';
    }
    if (status === 0) return 'an answer without :status';
    if (status < 200) return last || status === 101 ? `${status} as an answer` : undefined;
    this.#answered = true;
    this.#expected = NO_BODY.has(status) ? undefined : fields.length;
    this.events.onResponse(status, fields);
    return undefined;
  }

  /** Takes a piece of the body, as {@link take}. */
  takeData(bytes: Buffer, from: number, to: number): string | undefined {
    if (!this.#answered) return 'DATA before the answer';
    this.#received += to - from;
    if (this.#expected !== undefined && this.#received > this.#expected) return 'more DATA than content-length says';
    if (to > from) this.events.onData(bytes.subarray(from, to));
    return undefined;
  }

  /** What is wrong with the answer if it ends now. */
  get lack(): string | undefined {
    return this.#expected !== undefined && this.#received < this.#expected
      ? 'less DATA than content-length says'
      : undefined;
  }
}
