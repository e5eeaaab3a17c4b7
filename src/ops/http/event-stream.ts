import type { FastifyReply } from 'fastify';
import type { Clock, Timer } from '../../clock/clock.js';

/** Within the time after which a connection on which nothing moves is closed. */
const HEARTBEAT = 15_000;
/** Bytes that a slow reader may leave unread until it is let go. */
const MAX_UNREAD = 1_000_000;

/** An answer that goes on: server-sent events (HTML Living Standard, 9.2) with a comment now and then to keep the connection. */
export class EventStream {
  readonly #reply: FastifyReply;
  readonly #clock: Clock;
  readonly #onClose: () => void;
  #timer: Timer | undefined;
  #closed = false;

  /** `onClose` is called once, whoever ends it. */
  constructor(reply: FastifyReply, clock: Clock, onClose: () => void) {
    this.#reply = reply;
    this.#clock = clock;
    this.#onClose = onClose;
    const { raw } = reply;
    reply.hijack();
    raw.writeHead(200, { ...reply.getHeaders(), 'content-type': 'text/event-stream; charset=utf-8' } as Record<
      string,
      string
    >);
    raw.on('close', () => this.#end());
    raw.write(': callwake\n\n');
    this.#beat();
  }

  /** Sends an event; `data` as JSON. */
  send(event: string, data: unknown): void {
    if (this.#closed) return;
    const { raw } = this.#reply;
    raw.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    if (raw.writableLength > MAX_UNREAD) raw.destroy();
  }

  /** Ends the answer. */
  end(): void {
    if (this.#closed) return;
    this.#reply.raw.end();
    this.#end();
  }

  #beat(): void {
    this.#timer = this.#clock.setTimeout(() => {
      this.#reply.raw.write(': still here\n\n');
      this.#beat();
    }, HEARTBEAT);
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    this.#onClose();
  }
}
