import { createHash } from 'node:crypto';
import http2 from 'node:http2';
import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../clock/clock.js';
import type { PushEnvironment } from '../../push/provider.js';
import { type AcceptedPush, type ConnectionMemory, type Judgement, judge, type PushAttempt } from './judge.js';
import type { Script, Scripts } from './scripts.js';
import type { World } from './world.js';

export interface ConnectionContext {
  readonly clock: Clock;
  readonly world: World;
  readonly scripts: Scripts;
  /** After the first push with a good provider token. */
  readonly maxStreams: number;
  readonly latencyMs: number;
  readonly sendDate: boolean;
  readonly deliver: (push: AcceptedPush, apnsId: string, receivedAt: number) => 'delivered' | 'stored' | 'lost';
  readonly onPush: (push: ReceivedPush) => void;
  readonly newId: () => string;
  /** The TCP connection below, if it is still there. */
  readonly socketOf: () => Socket | undefined;
}

/** A push that the simulator got, and what it did with it. */
export interface ReceivedPush {
  /** Number of the connection it came over, from 1. */
  readonly connection: number;
  readonly environment: PushEnvironment;
  readonly apnsId: string;
  readonly token: string;
  /** All but authorization. */
  readonly headers: Readonly<Record<string, string>>;
  /** The start of the hash of the provider token, to tell whether it changed. */
  readonly providerToken: string;
  readonly payload: unknown;
  readonly receivedAt: number;
  /** The answer's status, or what was done instead of an answer: `hang`, `reset`, `close`. */
  readonly answer: number | 'hang' | 'reset' | 'close';
  readonly reason?: string;
  /** Whether it was taken, and where it went. */
  readonly fate: 'refused' | 'delivered' | 'stored' | 'lost';
}

const BODY_LIMIT = 64 * 1024;

/** node would add this machine's time otherwise. */
type ResponseOptions = http2.ServerStreamResponseOptions & { readonly sendDate: boolean };

type StreamListener = (
  stream: http2.ServerHttp2Stream,
  headers: http2.IncomingHttpHeaders,
  flags: number,
  raw?: string[],
) => void;

/** A provider's connection as Apple sees it. */
export class Connection {
  readonly id: number;
  readonly #session: http2.ServerHttp2Session;
  readonly #context: ConnectionContext;
  readonly #memory: ConnectionMemory;
  readonly #timers = new Set<Timer>();
  #welcome = false;
  #active = 0;
  /** Of a GOAWAY that was sent: what comes after is not looked at. */
  #lastStream = Number.POSITIVE_INFINITY;

  constructor(id: number, session: http2.ServerHttp2Session, environment: PushEnvironment, context: ConnectionContext) {
    this.id = id;
    this.#session = session;
    this.#context = context;
    this.#memory = { environment };
    const onStream: StreamListener = (stream, headers, _flags, raw) => this.#onStream(stream, headers, raw);
    session.on('stream', onStream);
    session.on('error', () => {});
    session.on('close', () => {
      for (const timer of this.#timers) timer.cancel();
    });
  }

  /** GOAWAY with Apple's debug data; with code 0 the streams under way may finish. */
  goaway(reason: string, code = 0, lastStreamId?: number): void {
    if (this.#session.destroyed) return;
    const last = lastStreamId ?? this.#session.state.lastProcStreamID ?? 0;
    this.#lastStream = Math.min(this.#lastStream, last);
    this.#session.goaway(code, last, Buffer.from(JSON.stringify({ reason })));
    if (code !== 0) this.#later(() => this.#session.destroy(), 20);
    else if (this.#active === 0) setImmediate(() => this.#session.destroy());
  }

  /** After a GOAWAY the last answer ends the connection. A session of node 20 that is `closed` may crash when a stream comes meanwhile. */
  #onStreamClosed(): void {
    this.#active--;
    if (this.#active === 0 && Number.isFinite(this.#lastStream)) setImmediate(() => this.#session.destroy());
  }

  /** Cuts the TCP connection. */
  cut(): void {
    this.#context.socketOf()?.destroy();
  }

  setMaxStreams(maxStreams: number): void {
    if (!this.#session.destroyed) this.#session.settings({ maxConcurrentStreams: maxStreams });
  }

  #onStream(stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders, raw: string[] | undefined): void {
    const chunks: Buffer[] = [];
    let length = 0;
    this.#active++;
    stream.on('close', () => this.#onStreamClosed());
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= BODY_LIMIT) chunks.push(chunk);
    });
    stream.on('end', () => this.#onPush(stream, attemptOf(headers, raw ?? [], Buffer.concat(chunks))));
  }

  #onPush(stream: http2.ServerHttp2Stream, attempt: PushAttempt): void {
    const { clock, scripts, world, latencyMs } = this.#context;
    const now = { wall: clock.now(), monotonic: clock.monotonic() };
    const judged = judge(attempt, world, this.#memory, now);
    const script = scripts.take({
      token: tokenOf(attempt),
      topic: attempt.headers.get('apns-topic') ?? '',
      pushType: attempt.headers.get('apns-push-type') ?? 'alert',
    });
    const delay = (script?.delayMs ?? 0) + latencyMs;
    const act = () => {
      if ((stream.id ?? 0) > this.#lastStream) this.#note(attempt, judged, now.wall, 'reset', false);
      else if (script) this.#perform(stream, attempt, judged, script, now.wall);
      else this.#answer(stream, attempt, judged, now.wall);
    };
    // Never inside the callback that the data came with: node 20 may crash when the stream ends there.
    if (delay > 0) this.#later(act, delay);
    else setImmediate(act);
  }

  #perform(
    stream: http2.ServerHttp2Stream,
    attempt: PushAttempt,
    judged: Judgement | AcceptedPush,
    script: Script,
    at: number,
  ): void {
    if (script.maxStreams !== undefined) this.setMaxStreams(script.maxStreams);
    if (script.goaway !== undefined) {
      const last = script.goawayBefore ? Math.max(0, (stream.id ?? 0) - 2) : undefined;
      this.goaway(script.goaway, script.goawayCode ?? 0, last);
      if (script.goawayBefore) {
        this.#note(attempt, judged, at, 'reset', false);
        return;
      }
    }
    const unanswered = script.hang ? 'hang' : script.reset ? 'reset' : script.close ? 'close' : undefined;
    if (unanswered) {
      this.#note(attempt, judged, at, unanswered, script.process ?? false);
      if (script.reset) stream.close(http2.constants[`NGHTTP2_${script.reset}`]);
      if (script.close) this.cut();
    } else if (script.status !== undefined || script.reason !== undefined) {
      const { status = 400, reason, timestamp } = script;
      const scripted = { status, ...(reason ? { reason } : {}), ...(timestamp === undefined ? {} : { timestamp }) };
      this.#answer(stream, attempt, status === 200 ? judged : scripted, at, script.retryAfter);
    } else if (script.process !== false) this.#answer(stream, attempt, judged, at);
  }

  #answer(
    stream: http2.ServerHttp2Stream,
    attempt: PushAttempt,
    judged: Judgement | AcceptedPush,
    at: number,
    retryAfter?: number | string,
  ): void {
    const judgement: Judgement = 'status' in judged ? judged : { status: 200 };
    const apnsId = this.#note(attempt, judged, at, judgement.status, true, judgement.reason);
    if (!this.#welcome && judgement.status !== 403 && !this.#session.destroyed && !this.#session.closed) {
      this.#welcome = true;
      this.setMaxStreams(this.#context.maxStreams);
    }
    if (stream.destroyed || stream.closed) return;
    const { status, reason, timestamp } = judgement;
    const headers = {
      ':status': status,
      'apns-id': apnsId,
      ...(this.#memory.environment === 'sandbox' && status === 200 ? { 'apns-unique-id': this.#context.newId() } : {}),
      ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
      ...(this.#context.sendDate ? { date: new Date(this.#context.clock.now()).toUTCString() } : {}),
    };
    const options: ResponseOptions = { sendDate: false };
    stream.respond(headers, options);
    stream.end(status === 200 ? undefined : JSON.stringify({ reason, timestamp }));
  }

  /** Remembers the push, delivers it if it was taken, and gives its apns-id. */
  #note(
    attempt: PushAttempt,
    judged: Judgement | AcceptedPush,
    at: number,
    answer: ReceivedPush['answer'],
    process: boolean,
    reason?: string,
  ): string {
    const apnsId = attempt.headers.get('apns-id') ?? this.#context.newId();
    const taken = process && !('status' in judged) ? judged : undefined;
    this.#context.onPush({
      connection: this.id,
      environment: this.#memory.environment,
      apnsId,
      token: tokenOf(attempt),
      headers: Object.fromEntries([...attempt.headers].filter(([name]) => name !== 'authorization')),
      providerToken: hash(attempt.headers.get('authorization') ?? ''),
      payload: payloadOf(attempt),
      receivedAt: at,
      answer,
      ...(reason === undefined ? {} : { reason }),
      fate: taken ? this.#context.deliver(taken, apnsId, at) : 'refused',
    });
    return apnsId;
  }

  #later(fn: () => void, ms: number): void {
    const timer = this.#context.clock.setTimeout(() => {
      this.#timers.delete(timer);
      fn();
    }, ms);
    this.#timers.add(timer);
  }
}

function attemptOf(headers: http2.IncomingHttpHeaders, raw: readonly string[], body: Buffer): PushAttempt {
  const seen = new Map<string, string>();
  const duplicates: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = (raw[i] ?? '').toLowerCase();
    if (seen.has(name)) duplicates.push(name);
    else if (!name.startsWith(':')) seen.set(name, raw[i + 1] ?? '');
  }
  return { method: headers[':method'] ?? '', path: headers[':path'] ?? '', headers: seen, duplicates, body };
}

const tokenOf = (attempt: PushAttempt): string => attempt.path.replace(/^\/3\/device\/?/, '').toLowerCase();

const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

function payloadOf(attempt: PushAttempt): unknown {
  try {
    return JSON.parse(attempt.body.toString('utf8'));
  } catch {
    return attempt.body.toString('utf8');
  }
}
