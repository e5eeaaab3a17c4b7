import type { Clock, Timer } from '../clock/clock.js';
import type { PeerOptions, PeerState, PeerStatus, Ping, PingSettings } from './types.js';

export interface PeerContext {
  readonly clock: Clock;
  readonly ping: Ping;
  readonly settings: PingSettings;
  readonly onChange: (status: PeerStatus, before: PeerState) => void;
}

/** How soon to try again when a ping could not be sent at all, in milliseconds. */
const NO_ENGINE_RETRY = 5_000;
/** A ping whose end nobody told within this time is forgotten: the connection to the engine was lost meanwhile. */
const PING_LIMIT = 40_000;

/**
 * One peer of a trunk and whether it is in service. As CUCM does, any answer to OPTIONS but 408 and 503 means that it is; 408, 503 and
 * no answer mean that it isn't. An INVITE without any answer counts like a ping without one; a 503 to one call doesn't.
 */
export class Peer {
  readonly name: string;
  readonly #context: PeerContext;
  #state: PeerState = 'unknown';
  #reason = 'not asked yet';
  #since: number;
  #timer: Timer | undefined;
  #round = 0;
  #started = false;
  #closed = false;

  constructor(
    readonly options: PeerOptions,
    context: PeerContext,
  ) {
    this.#context = context;
    this.#since = context.clock.now();
    const host = options.host.includes(':') ? `[${options.host}]` : options.host;
    this.name = `${options.transport}/${host}:${options.port}`;
  }

  get status(): PeerStatus {
    return { peer: this.name, state: this.#state, reason: this.#reason, since: this.#since };
  }

  /** Calls may go there. */
  get usable(): boolean {
    return this.#state !== 'out-of-service';
  }

  /** Pings now and from then on, unless pings are switched off. A second call does nothing. */
  start(): void {
    if (this.#started || this.#context.settings.interval === 0) return;
    this.#started = true;
    void this.#pingNow();
  }

  /** An INVITE was answered: whatever a ping said before, the peer lives. */
  answered(): void {
    if (this.#state === 'out-of-service') this.#to('in-service', 'INVITE was answered');
  }

  /** An INVITE got no answer or could not be sent. Out of service until a ping, or without pings the time, says otherwise. */
  failed(reason: string): void {
    this.#to('out-of-service', `INVITE: ${reason}`);
    const { interval, retry } = this.#context.settings;
    if (interval > 0) this.#pingIn(retry);
    else this.#later(retry, () => this.#to('unknown', 'tried again after a failed INVITE'));
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  async #pingNow(): Promise<void> {
    const round = ++this.#round;
    this.#pingIn(PING_LIMIT);
    const status = await this.#context.ping(this.options);
    if (this.#closed || round !== this.#round) return;
    if (status === undefined) {
      this.#pingIn(NO_ENGINE_RETRY);
      return;
    }
    const alive = status !== 408 && status !== 503;
    this.#to(alive ? 'in-service' : 'out-of-service', status === 408 ? 'OPTIONS: no answer' : `OPTIONS: ${status}`);
    const { interval, retry } = this.#context.settings;
    this.#pingIn(alive ? interval : retry);
  }

  #pingIn(ms: number): void {
    this.#later(ms, () => void this.#pingNow());
  }

  #later(ms: number, fn: () => void): void {
    if (this.#closed) return;
    this.#timer?.cancel();
    this.#timer = this.#context.clock.setTimeout(fn, ms);
  }

  #to(state: PeerState, reason: string): void {
    const before = this.#state;
    this.#reason = reason;
    if (before === state) return;
    this.#state = state;
    this.#since = this.#context.clock.now();
    this.#context.onChange(this.status, before);
  }
}
