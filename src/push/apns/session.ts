import http2 from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { Clock, Timer } from '../../clock/clock.js';
import { setPatientTimeout } from '../../clock/patience.js';
import type { Dial } from './connect.js';
import { type ApnsMessage, headersOf } from './request.js';
import type { ProviderToken } from './token.js';
import { Waits } from './waits.js';

/** `probing`: open, but no answer yet that shows Apple took the provider token; one push at a time. `draining`: no new pushes. */
export type SessionState = 'connecting' | 'probing' | 'open' | 'draining' | 'closed';

/** How one attempt ended. */
export type AttemptEnd =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers: http2.IncomingHttpHeaders;
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
const { NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM, NGHTTP2_CANCEL } = http2.constants;

/** What a connection does for a push under way over it. */
interface Connection {
  /** Something came; gives the time. */
  heard(): number;
  answered(status: number): void;
  unanswered(h2: http2.ClientHttp2Stream): AttemptEnd;
  check(): void;
  /** The stream no longer takes one of those that the connection may have. */
  over(stream: Stream): void;
}

const UNDER_WAY = Symbol('push under way');

/** A stream of HTTP/2 that knows its push, so that all streams share their listeners. */
interface PushStream extends http2.ClientHttp2Stream {
  [UNDER_WAY]?: Stream;
}

function onResponse(this: PushStream, headers: ResponseHeaders): void {
  this[UNDER_WAY]?.onResponse(headers);
}

function onClose(this: PushStream): void {
  this[UNDER_WAY]?.finish();
}

type ResponseHeaders = http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader;

/** A push under way. */
class Stream implements Attempt {
  readonly #connection: Connection;
  readonly #h2: http2.ClientHttp2Stream;
  readonly #done: (end: AttemptEnd) => void;
  #headers: ResponseHeaders | undefined;
  #answeredAt = 0;
  #text = '';
  #settled = false;

  constructor(
    connection: Connection,
    h2: PushStream,
    { body, encoding }: ApnsMessage,
    done: (end: AttemptEnd) => void,
  ) {
    this.#connection = connection;
    this.#h2 = h2;
    this.#done = done;
    h2[UNDER_WAY] = this;
    h2.on('response', onResponse);
    // The end is told by 'close', which always comes: a lost connection gives no 'error' and no 'response'.
    h2.on('error', ignore);
    h2.on('close', onClose);
    h2.end(body, encoding);
  }

  /** Ends it with what is known of it by now. */
  finish(): void {
    if (!this.#settled) {
      const headers = this.#headers;
      const status = headers?.[':status'];
      if (headers && status) this.#answered(status, headers);
      else this.#settle(this.#connection.unanswered(this.#h2));
    }
    this.#connection.over(this);
  }

  giveUp(cause: UnknownCause): void {
    if (!this.#settled) {
      // First of all, so that the push isn't sent again over what may be a dead connection. May end all streams, this one too.
      this.#connection.check();
      this.#settle({ kind: 'unknown', cause, why: cause });
    }
    this.#h2.close(NGHTTP2_CANCEL);
    this.#connection.over(this);
  }

  onResponse(headers: ResponseHeaders): void {
    this.#answeredAt = this.#connection.heard();
    if (this.#settled) return;
    if (headers[':status'] === 200) {
      // Says all; what may be left of the stream is read by node.
      this.#answered(200, headers);
      return;
    }
    this.#headers = headers;
    this.#h2.on('data', (chunk: Buffer) => {
      if (this.#text.length < BODY_LIMIT) this.#text += chunk.toString('utf8');
    });
  }

  #answered(status: number, headers: http2.IncomingHttpHeaders): void {
    this.#connection.answered(status);
    this.#settle({ kind: 'answer', status, headers, body: this.#text.slice(0, BODY_LIMIT), at: this.#answeredAt });
  }

  #settle(end: AttemptEnd): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#done(end);
  }
}

const ignore = (): void => {};

/** One HTTP/2 connection to Apple ("Establishing a connection to APNs"), from dialling to its end. */
export class ApnsSession {
  readonly #options: SessionOptions;
  readonly #streams: Waits<Stream>;
  #state: SessionState = 'connecting';
  #dial: Dial | undefined;
  #h2: http2.ClientHttp2Session | undefined;
  #limit = 0;
  #opened = false;
  #suspect = false;
  #lastStreamId: number | undefined;
  #heardAt: number;
  #why = 'closed by the other side';
  #silence: Timer | undefined;
  #pong: Timer | undefined;
  #giveUp: Timer;
  #authorization = '';
  readonly #connection: Connection = {
    heard: () => this.#heard(),
    answered: (status) => {
      if (this.#state === 'probing' && status !== 403) this.#state = 'open';
    },
    unanswered: (h2) => this.#unanswered(h2),
    check: () => this.check(),
    over: (stream) => {
      this.#streams.ended(stream);
      this.#afterStream();
    },
  };
  /** The provider token of the last push: it changes as seldom as Apple wants. */
  token: ProviderToken | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#streams = new Waits(options.clock, options.timing.answerMs, (stream) => stream.giveUp('no answer'));
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
    // A session may be closing before anything has told so.
    if (this.#suspect || !this.#h2 || this.#h2.closed || this.#h2.destroyed) return 0;
    if (this.#state === 'probing') return Math.min(this.#limit, 1) - this.#streams.size;
    return this.#state === 'open' ? Math.min(this.#limit, this.#options.maxStreams) - this.#streams.size : 0;
  }

  /**
   * Sends one push. `done` is called exactly once, never before this returns.
   * @param token signs it; remembered as the connection's
   * @param at now, in monotonic milliseconds
   */
  send(message: ApnsMessage, token: ProviderToken, at: number, done: (end: AttemptEnd) => void): Attempt {
    if (this.token !== token) this.#authorization = `bearer ${token.jwt}`;
    this.token = token;
    let h2: http2.ClientHttp2Stream;
    try {
      if (!this.#h2) throw new Error('not connected');
      h2 = this.#h2.request(headersOf(message, this.#authorization));
    } catch (error) {
      this.drain(error instanceof Error ? error.message : String(error));
      queueMicrotask(() => done({ kind: 'not-processed', why: 'the connection was closing' }));
      return { giveUp: () => {} };
    }
    const stream = new Stream(this.#connection, h2, message, done);
    this.#streams.begun(stream, at);
    return stream;
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
    if (this.#h2) this.#h2.destroy();
    else this.#dial?.abort();
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
    const { host, port } = this.#options.endpoint;
    const h2 = http2.connect(`https://${host}:${port}`, {
      createConnection: () => socket,
      // node's default is 100: those sent before SETTINGS arrive would be refused.
      peerMaxConcurrentStreams: 1,
      settings: { enablePush: false },
    });
    this.#h2 = h2;
    h2.on('remoteSettings', (settings) => this.#onSettings(settings.maxConcurrentStreams ?? this.#options.maxStreams));
    h2.on('goaway', (code, lastStreamId, data) => this.#onGoaway(code, lastStreamId, data));
    h2.on('error', (error: Error) => {
      if (this.#why === 'closed by the other side') this.#why = error.message;
    });
    h2.on('close', () => this.#ended());
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

  #onGoaway(code: number, lastStreamId: number, data?: Uint8Array): void {
    const reason = goawayReason(data) ?? `GOAWAY ${code}`;
    // A graceful end may send several, the last stream falling.
    if (this.#lastStreamId === undefined) this.#options.onGoaway(reason);
    this.#lastStreamId = Math.min(lastStreamId, this.#lastStreamId ?? lastStreamId);
    this.drain(reason);
  }

  #unanswered(h2: http2.ClientHttp2Stream): AttemptEnd {
    if (h2.rstCode === NGHTTP2_REFUSED_STREAM) return { kind: 'not-processed', why: 'REFUSED_STREAM' };
    if (h2.id === undefined) return { kind: 'not-processed', why: 'never sent' };
    if (this.#lastStreamId !== undefined && h2.id > this.#lastStreamId) {
      return { kind: 'not-processed', why: `after the last stream of a GOAWAY: ${this.#why}` };
    }
    if (this.#h2?.destroyed === false && this.#h2.closed === false && h2.rstCode !== NGHTTP2_NO_ERROR) {
      return { kind: 'unknown', cause: 'reset', why: `reset with code ${h2.rstCode}` };
    }
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
    // One that was destroyed tells so with 'close', a little later; a PING over it would throw.
    if (!this.#h2 || this.#h2.destroyed || this.#pong) return;
    const { clock, timing } = this.#options;
    const dead = (): void => this.destroy('no PONG: the connection is dead');
    this.#pong = setPatientTimeout(clock, dead, timing.pongMs);
    const sent = this.#h2.ping((error) => {
      if (error || this.#state === 'closed') return;
      this.#pong?.cancel();
      this.#pong = undefined;
      this.#heard();
      this.#options.onChange();
    });
    if (!sent) this.destroy('PING could not be sent');
  }

  #ended(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#giveUp.cancel();
    this.#silence?.cancel();
    this.#pong?.cancel();
    for (const stream of [...this.#streams]) stream.finish();
    this.#streams.stop();
    this.#options.onClosed({ why: this.#why, opened: this.#opened });
  }
}

function goawayReason(data: Uint8Array | undefined): string | undefined {
  if (!data?.length || data.length > BODY_LIMIT) return undefined;
  try {
    const parsed: unknown = JSON.parse(Buffer.from(data).toString('utf8'));
    if (typeof parsed !== 'object' || parsed === null || !('reason' in parsed)) return undefined;
    return typeof parsed.reason === 'string' && /^\w{1,64}$/.test(parsed.reason) ? parsed.reason : undefined;
  } catch {
    return undefined;
  }
}
