import type { TLSSocket } from 'node:tls';
import type { Clock, Timer } from '../../clock/clock.js';
import { setPatientTimeout } from '../../clock/patience.js';
import { ErrorCode } from '../http2/codes.js';
import { Http2Connection } from '../http2/connection.js';
import type { ConnectionEvents } from '../http2/connection-events.js';
import type { AnswerFields } from '../http2/field-list.js';
import type { HeaderField } from '../http2/hpack-encoder.js';
import type { RequestStream, StreamEnd, StreamEvents } from '../http2/stream.js';
import type { Dial } from './connect.js';
import { type ApnsMessage, authorityOf, authorizationOf, headersOf } from './request.js';
import type { ProviderToken } from './token.js';
import { Waits } from './waits.js';

/** `probing`: open, but no answer yet that shows Apple took the provider token; one push at a time. `draining`: no new pushes. */
export type SessionState = 'connecting' | 'probing' | 'open' | 'draining' | 'closed';

/** How one attempt ended. */
export type AttemptEnd =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers: AnswerFields;
      readonly body: string;
      /** When its status came, in monotonic milliseconds. */
      readonly at: number;
    }
  /** Apple didn't look at it: sending it again can't make it arrive twice. */
  | { readonly kind: 'not-processed'; readonly why: string }
  /** It may have been accepted. */
  | { readonly kind: 'unknown'; readonly cause: UnknownCause; readonly why: string };

/** `no answer` came in time; `deadline` is given up on by the caller; `lost` is the connection's end, `reset` the stream's. */
export type UnknownCause = 'no answer' | 'deadline' | 'lost' | 'reset';

/** An attempt under way. */
export interface Attempt {
  /** Ends it as `unknown`, and has the connection prove that it is alive. */
  giveUp(cause: UnknownCause): void;
}

export interface SessionTiming {
  /** From the start of connecting to Apple's SETTINGS. */
  readonly connectMs: number;
  /** An attempt without an answer by then ends as `unknown`. */
  readonly answerMs: number;
  /** Silence after which a PING is sent. */
  readonly pingAfterMs: number;
  /** Without a PONG by then, the connection is dead. */
  readonly pongMs: number;
  /** How long pushes under way may take on a connection that gets no new ones. */
  readonly drainMs: number;
}

export interface SessionOptions {
  readonly clock: Clock;
  readonly endpoint: { readonly host: string; readonly port: number };
  readonly dial: () => Dial;
  readonly timing: SessionTiming;
  /** Never more streams than this, whatever SETTINGS allow. */
  readonly maxStreams: number;
  /** Capacity or state may have changed. */
  readonly onChange: () => void;
  /** It ended; `opened` is whether it had ever been usable. */
  readonly onClosed: (end: { readonly why: string; readonly opened: boolean }) => void;
  /** Apple said goodbye; `reason` is from the GOAWAY's debug data. */
  readonly onGoaway: (reason: string) => void;
}

const BODY_LIMIT = 4096;

/** What a connection does for a push under way over it. */
interface Connection {
  /** Something came; gives the time. */
  heard(): number;
  answered(status: number): void;
  unanswered(end: StreamEnd, code: number): AttemptEnd;
  check(): void;
  /** The push no longer takes one of the streams that the connection may have. */
  over(push: Push): void;
}

/** A push under way. */
class Push implements Attempt, StreamEvents {
  readonly #connection: Connection;
  readonly #done: (end: AttemptEnd) => void;
  readonly onLeave: () => void;
  #stream: RequestStream | undefined;
  #status = 0;
  #headers: AnswerFields | undefined;
  #answeredAt = 0;
  #text = '';
  #octets = 0;
  #settled = false;

  constructor(connection: Connection, onLeave: () => void, done: (end: AttemptEnd) => void) {
    this.#connection = connection;
    this.onLeave = onLeave;
    this.#done = done;
  }

  sentAs(stream: RequestStream): void {
    this.#stream = stream;
  }

  giveUp(cause: UnknownCause): void {
    if (!this.#settled) {
      // First of all, so that the push isn't sent again over what may be a dead connection. May end all streams, this one too.
      this.#connection.check();
      this.#settle({ kind: 'unknown', cause, why: cause });
    }
    this.#leave();
  }

  onResponse(status: number, headers: AnswerFields): void {
    this.#answeredAt = this.#connection.heard();
    if (this.#settled) return;
    this.#status = status;
    this.#headers = headers;
    // Says all; what may be left of the stream only keeps its place.
    if (status === 200) this.#answered(headers);
  }

  onData(bytes: Buffer): void {
    this.#octets += bytes.length;
    if (!this.#settled) this.#text += bytes.toString('utf8');
    if (this.#octets <= BODY_LIMIT) return;
    // More than Apple ever says: what is left isn't awaited.
    if (this.#headers) this.#answered(this.#headers);
    this.#leave();
  }

  /** Ends it with what is known of it by now. */
  onEnd(end: StreamEnd, code: number): void {
    if (this.#headers) this.#answered(this.#headers);
    else if (!this.#settled) this.#settle(this.#connection.unanswered(end, code));
    this.#connection.over(this);
  }

  #answered(headers: AnswerFields): void {
    if (this.#settled) return;
    this.#connection.answered(this.#status);
    const body = this.#text.slice(0, BODY_LIMIT);
    this.#settle({ kind: 'answer', status: this.#status, headers, body, at: this.#answeredAt });
  }

  #leave(): void {
    this.#stream?.cancel();
    this.#connection.over(this);
  }

  #settle(end: AttemptEnd): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#done(end);
  }
}

/** One HTTP/2 connection to Apple ("Establishing a connection to APNs"), from dialling to its end. */
export class ApnsSession {
  readonly #options: SessionOptions;
  readonly #streams: Waits<Push>;
  #state: SessionState = 'connecting';
  #dial: Dial | undefined;
  #h2: Http2Connection | undefined;
  #limit = 0;
  #opened = false;
  #suspect = false;
  #leaving = false;
  #heardAt: number;
  #why = 'closed by the other side';
  #silence: Timer | undefined;
  #pong: Timer | undefined;
  #giveUp: Timer;
  readonly #authority: HeaderField;
  #authorization: HeaderField | undefined;
  readonly #connection: Connection = {
    heard: () => this.#heard(),
    answered: (status) => {
      if (this.#state === 'probing' && status !== 403) this.#state = 'open';
    },
    unanswered: (end, code) => this.#unanswered(end, code),
    check: () => this.check(),
    over: (push) => {
      this.#streams.ended(push);
      this.#afterStream();
    },
  };
  readonly #events: ConnectionEvents = {
    onSettings: (limit) => this.#onSettings(limit),
    onGoaway: (code, _last, debug) => this.#onGoaway(code, debug),
    onPong: () => this.#onPong(),
    onClose: (why) => {
      this.#why = why;
      this.#ended();
    },
  };
  /** The provider token of the last push: it changes as seldom as Apple wants. */
  token: ProviderToken | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#streams = new Waits(options.clock, options.timing.answerMs, (push) => push.giveUp('no answer'));
    this.#authority = authorityOf(options.endpoint);
    this.#heardAt = options.clock.monotonic();
    this.#giveUp = options.clock.setTimeout(() => this.destroy('no connection in time'), options.timing.connectMs);
    this.#connect().catch((error: unknown) => this.destroy(error instanceof Error ? error.message : String(error)));
  }

  get state(): SessionState {
    return this.#state;
  }

  get host(): string {
    return this.#options.endpoint.host;
  }

  /** Pushes under way. */
  get streams(): number {
    return this.#streams.size;
  }

  /** How many more pushes may be sent now. */
  get capacity(): number {
    if (this.#suspect || !this.#h2?.isUsable) return 0;
    if (this.#state === 'probing') return Math.min(this.#limit, 1) - this.#streams.size;
    return this.#state === 'open' ? Math.min(this.#limit, this.#options.maxStreams) - this.#streams.size : 0;
  }

  /**
   * Sends one push. `done` is called exactly once, never before this returns.
   * @param token signs it; remembered as the connection's
   * @param at now, in monotonic milliseconds
   * @param onLeave called right before it is handed to the socket; must not throw
   */
  send(
    message: ApnsMessage,
    token: ProviderToken,
    at: number,
    onLeave: () => void,
    done: (end: AttemptEnd) => void,
  ): Attempt {
    if (this.token !== token || !this.#authorization) this.#authorization = authorizationOf(token.jwt);
    this.token = token;
    const push = new Push(this.#connection, onLeave, done);
    try {
      if (!this.#h2) throw new Error('not connected');
      const fields = headersOf(message, this.#authority, this.#authorization);
      push.sentAs(this.#h2.request(fields, message.body, message.encoding, push));
    } catch (error) {
      this.drain(error instanceof Error ? error.message : String(error));
      queueMicrotask(() => done({ kind: 'not-processed', why: 'the connection was closing' }));
      return { giveUp: () => {} };
    }
    this.#streams.begun(push, at);
    if (!this.#h2.isUsable) this.drain('no stream is left to it');
    return push;
  }

  /** No new pushes; ends once those under way have. */
  drain(why: string): void {
    if (this.#state === 'draining' || this.#state === 'closed') return;
    if (this.#state === 'connecting' || this.#streams.size === 0) {
      this.destroy(why);
      return;
    }
    this.#state = 'draining';
    this.#why = why;
    this.#giveUp.cancel();
    this.#giveUp = this.#options.clock.setTimeout(() => this.destroy(why), this.#options.timing.drainMs);
    this.#options.onChange();
  }

  /** Ends it now; pushes under way become `unknown`, but for those that Apple said it won't process. */
  destroy(why: string): void {
    if (this.#state === 'closed') return;
    this.#why = why;
    if (!this.#h2) this.#dial?.abort();
    this.#ended();
  }

  /** Has the connection prove that it is alive. Until it has, it gets no new pushes. */
  check(): void {
    if (!this.#h2 || this.#state === 'closed') return;
    this.#suspect = true;
    this.#ping();
  }

  async #connect(): Promise<void> {
    this.#dial = this.#options.dial();
    this.#start(await this.#dial.socket);
  }

  #start(socket: TLSSocket): void {
    if (this.#state === 'closed') {
      socket.destroy();
      return;
    }
    this.#h2 = new Http2Connection({ socket, clock: this.#options.clock, events: this.#events });
  }

  #onSettings(limit: number): void {
    this.#heard();
    this.#limit = limit;
    if (this.#state === 'connecting') {
      this.#state = 'probing';
      this.#opened = true;
      this.#giveUp.cancel();
      this.#watchSilence();
    }
    this.#options.onChange();
  }

  #onGoaway(code: number, debug: Buffer): void {
    const reason = goawayReason(debug) ?? `GOAWAY ${code}`;
    // A graceful end may send several.
    if (!this.#leaving) this.#options.onGoaway(reason);
    this.#leaving = true;
    if (code === ErrorCode.NO_ERROR) this.drain(reason);
    else this.destroy(reason);
  }

  #unanswered(end: StreamEnd, code: number): AttemptEnd {
    if (end === 'unsent') return { kind: 'not-processed', why: 'never sent' };
    if (end === 'refused') {
      const refused = code === ErrorCode.REFUSED_STREAM;
      return {
        kind: 'not-processed',
        why: refused ? 'REFUSED_STREAM' : `after the last stream of a GOAWAY: ${this.#why}`,
      };
    }
    if (end === 'reset') return { kind: 'unknown', cause: 'reset', why: `reset with code ${code}` };
    return { kind: 'unknown', cause: 'lost', why: `connection lost: ${this.#why}` };
  }

  #afterStream(): void {
    if (this.#state === 'draining' && this.#streams.size === 0) this.destroy(this.#why);
    else if (this.#state !== 'closed') this.#options.onChange();
  }

  #heard(): number {
    this.#heardAt = this.#options.clock.monotonic();
    this.#suspect = false;
    return this.#heardAt;
  }

  #watchSilence(): void {
    const { clock, timing } = this.#options;
    const left = Math.ceil(Math.max(timing.pingAfterMs - (clock.monotonic() - this.#heardAt), 1));
    this.#silence = clock.setTimeout(() => {
      if (clock.monotonic() - this.#heardAt >= timing.pingAfterMs) this.#ping();
      this.#watchSilence();
    }, left);
  }

  #ping(): void {
    if (!this.#h2 || this.#pong) return;
    const { clock, timing } = this.#options;
    const dead = (): void => this.destroy('no PONG: the connection is dead');
    this.#pong = setPatientTimeout(clock, dead, timing.pongMs);
    this.#h2.ping();
  }

  #onPong(): void {
    this.#pong?.cancel();
    this.#pong = undefined;
    this.#heard();
    this.#options.onChange();
  }

  #ended(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#giveUp.cancel();
    this.#silence?.cancel();
    this.#pong?.cancel();
    this.#h2?.destroy();
    this.#streams.stop();
    this.#options.onClosed({ why: this.#why, opened: this.#opened });
  }
}

function goawayReason(data: Buffer): string | undefined {
  if (data.length === 0 || data.length > BODY_LIMIT) return undefined;
  try {
    const parsed: unknown = JSON.parse(data.toString('utf8'));
    if (typeof parsed !== 'object' || parsed === null || !('reason' in parsed)) return undefined;
    return typeof parsed.reason === 'string' && /^\w{1,64}$/.test(parsed.reason) ? parsed.reason : undefined;
  } catch {
    return undefined;
  }
}
