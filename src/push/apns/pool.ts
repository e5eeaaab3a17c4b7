import type { Clock, Timer } from '../../clock/clock.js';
import { type BackOffBounds, backOff, type Random } from './back-off.js';
import type { ApnsSession, SessionOptions } from './session.js';
import type { ProviderToken } from './token.js';

/** Opening and closing fast looks like an attack to Apple: no more than `count` openings within `withinMs`. */
export interface OpeningRate {
  readonly count: number;
  readonly withinMs: number;
}

export interface PoolOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly size: number;
  readonly backOff: BackOffBounds;
  readonly openings: OpeningRate;
  /** Opens a connection; `turn` counts them. */
  readonly open: (turn: number, events: Pick<SessionOptions, 'onChange' | 'onClosed' | 'onGoaway'>) => ApnsSession;
  /** A push may be sent now that could not be before, or the wait for a connection has become longer. */
  readonly onChange: () => void;
  readonly onOpened: (session: ApnsSession) => void;
  /** A connection ended without having been of use; `failures` is how many in a row. */
  readonly onFailed: (why: string, failures: number) => void;
  readonly onGoaway: (reason: string) => void;
}

/** So many pushes in a row go over one connection. */
const RUN = 16;

/** The few connections of one account to one environment: opened when needed, kept for days. */
export class ApnsPool {
  readonly #options: PoolOptions;
  readonly #sessions = new Set<ApnsSession>();
  readonly #useful = new WeakSet<ApnsSession>();
  #lastUseful: ApnsSession | undefined;
  readonly #openings: number[] = [];
  #turn = 0;
  #failures = 0;
  #notBefore = 0;
  #wakeUp: Timer | undefined;
  #closed = false;
  #warm = false;
  #picked: ApnsSession | undefined;
  /** How many pushes in a row it got. */
  #run = 0;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  get sessions(): readonly ApnsSession[] {
    return [...this.#sessions];
  }

  /** Milliseconds until there can be a connection at the earliest; 0 if there is one or one is being opened. */
  get waitMs(): number {
    for (const session of this.#sessions) if (session.state !== 'draining') return 0;
    return this.#untilOpening();
  }

  /**
   * A connection that takes a push now: for a run of pushes the same, as what is sent together shares packets; then the least busy.
   * `avoid` only if there is no other.
   */
  pick(avoid?: ApnsSession): ApnsSession | undefined {
    if (this.#picked && this.#picked !== avoid && this.#run < RUN && this.#picked.capacity > 0) {
      this.#run++;
      return this.#picked;
    }
    this.#picked = this.#leastBusy(avoid);
    this.#run = 1;
    return this.#picked;
  }

  #leastBusy(avoid: ApnsSession | undefined): ApnsSession | undefined {
    let best: ApnsSession | undefined;
    for (const session of this.#sessions) {
      if (session.capacity <= 0) continue;
      const better = !best || best === avoid || (session !== avoid && session.streams < best.streams);
      if (better) best = session;
    }
    return best;
  }

  /** There are pushes that no connection takes: opens one more, now or when the back-off allows, unless enough are open. */
  demand(): void {
    if (this.#closed) return;
    const live = [...this.#sessions].filter((session) => session.state !== 'draining');
    if (live.length >= this.#options.size || live.some((session) => session.state === 'connecting')) return;
    const wait = this.#untilOpening();
    if (wait > 0) {
      this.#wakeUp ??= this.#options.clock.setTimeout(() => {
        this.#wakeUp = undefined;
        if (this.#warm && this.#sessions.size === 0) this.#open();
        this.#options.onChange();
      }, Math.ceil(wait));
      return;
    }
    this.#open();
  }

  /** Opens a connection now, and another whenever the last one has ended after having been of use. */
  keepWarm(): void {
    this.#warm = true;
    if (this.#sessions.size === 0) this.demand();
  }

  /** The connection brought an answer: it isn't to blame for what comes. */
  useful(session: ApnsSession): void {
    if (session !== this.#lastUseful) this.#useful.add(session);
    this.#lastUseful = session;
    this.#failures = 0;
    this.#notBefore = 0;
  }

  /** One connection was lost or is silent: what broke it may have broken the others, and a push must not be lost with a second one. */
  check(lost: ApnsSession): void {
    for (const session of this.sessions) if (session !== lost) session.check();
  }

  /** No more pushes over connections that signed with this token. */
  retire(token: ProviderToken, why: string): void {
    for (const session of this.sessions) if (session.token === token) session.drain(why);
  }

  /** No more pushes over any of the connections. */
  retireAll(why: string): void {
    for (const session of this.sessions) session.drain(why);
  }

  close(): void {
    this.#closed = true;
    this.#wakeUp?.cancel();
    for (const session of this.sessions) session.destroy('closed');
  }

  #untilOpening(): number {
    const now = this.#options.clock.monotonic();
    const { count, withinMs } = this.#options.openings;
    const crowded = this.#openings.length >= count ? (this.#openings[0] ?? 0) + withinMs : 0;
    return Math.max(0, this.#notBefore - now, crowded - now);
  }

  #open(): void {
    this.#openings.push(this.#options.clock.monotonic());
    if (this.#openings.length > this.#options.openings.count) this.#openings.shift();
    let known = false;
    const session = this.#options.open(this.#turn++, {
      onChange: () => {
        if (!known && session.state !== 'connecting') {
          known = true;
          this.#options.onOpened(session);
        }
        this.#options.onChange();
      },
      onGoaway: this.#options.onGoaway,
      onClosed: ({ why }) => {
        this.#sessions.delete(session);
        if (this.#lastUseful === session) this.#lastUseful = undefined;
        if (this.#closed) return;
        if (!this.#useful.has(session)) this.#failed(why);
        else if (this.#warm && this.#sessions.size === 0) this.demand();
        this.#options.onChange();
      },
    });
    this.#sessions.add(session);
  }

  #failed(why: string): void {
    const wait = backOff(this.#failures, this.#options.backOff, this.#options.random);
    this.#failures++;
    this.#notBefore = this.#options.clock.monotonic() + wait;
    this.#options.onFailed(why, this.#failures);
  }
}
