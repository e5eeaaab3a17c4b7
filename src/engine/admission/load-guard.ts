import type { Clock, Timer } from '../../clock/clock.js';
import type { SipRequest } from '../message/index.js';
import { type LoadMeter, processLoad } from './load-meter.js';
import type { Refusal } from './refusal.js';
import { type UnavailableCause, unavailable } from './unavailable.js';

export interface LoadLimits {
  /** Requests outside any dialog that wait for the application's answer; further ones get 503. 50,000. */
  readonly pending: number;
  /** Share of one core above which, if it stays there and work piles up, part of the new work gets 503. 0.97. */
  readonly busy: number;
  /** Milliseconds by which a timer may be late; above, part of the new work gets 503. 250. */
  readonly lag: number;
  /** How full the receive buffers of the UDP sockets are, from 0 to 1; below, a busy event loop keeps up. 0.5: a quarter of a second of 8 MB. */
  readonly backlog: number;
  /** Share of the heap limit above which all new work gets 503. 0.85. */
  readonly heap: number;
}

export const defaultLoadLimits: LoadLimits = {
  pending: 50_000,
  busy: 0.97,
  lag: 250,
  backlog: 0.5,
  heap: 0.85,
};

export interface LoadGuardOptions {
  readonly clock: Clock;
  readonly limits?: Partial<LoadLimits> | undefined;
  /** The process's own when missing. */
  readonly meter?: LoadMeter | undefined;
  /** From 0 up to 1. */
  readonly random?: (() => number) | undefined;
  readonly log?: ((text: string) => void) | undefined;
  /** A request was turned away. */
  readonly onRefused?: ((cause: UnavailableCause) => void) | undefined;
}

/** Milliseconds between two looks at the load. */
const PERIOD = 250;
/** Looks in a row that must find too much load: garbage collection is not overload. */
const PATIENCE = 3;
const SHED = 0.85;
const RECOVER = 0.1;
const LEAST = 0.02;
/** OPTIONS cost little, and an unanswered or refused ping takes a whole trunk out of service. */
const PING_FAVOUR = 4;

/**
 * Keeps the process within its capacity: what belongs to a call in progress always passes, new work only as far as it can be done; the
 * rest gets 503 with Retry-After (RFC 3261 section 21.5.4). The share that passes falls while there is too much load and rises again
 * when there is room.
 */
export class LoadGuard {
  private readonly options: LoadGuardOptions;
  private readonly limits: LoadLimits;
  private readonly meter: LoadMeter;
  private readonly random: () => number;
  private timer: Timer | undefined;
  private expected = 0;
  private strikes = 0;
  private full = false;
  private passing = 1;
  private late = 0;

  constructor(options: LoadGuardOptions) {
    this.options = options;
    this.limits = { ...defaultLoadLimits, ...options.limits };
    this.meter = options.meter ?? processLoad();
    this.random = options.random ?? Math.random;
  }

  /** Share of new work that passes at the moment, from 0 to 1. */
  get share(): number {
    return this.full ? 0 : this.passing;
  }

  /** Milliseconds by which the last look was late. */
  get lag(): number {
    return this.late;
  }

  start(): void {
    this.expected = this.options.clock.monotonic() + PERIOD;
    this.timer = this.options.clock.setTimeout(() => this.look(), PERIOD);
  }

  stop(): void {
    this.timer?.cancel();
  }

  /** Whether a request must be turned away. `pending`: how many wait for their answer now. */
  refuse(request: SipRequest, pending: number): Refusal | undefined {
    if (request.toTag !== undefined) return undefined;
    const { share } = this;
    if (pending < this.limits.pending) {
      if (share === 1) return undefined;
      const chance = request.method === 'OPTIONS' ? share * PING_FAVOUR : share;
      if (this.random() < chance) return undefined;
    }
    const cause = this.cause(pending);
    this.options.onRefused?.(cause);
    return { status: 503, headers: unavailable(cause, 2 + Math.floor(this.random() * 9)) };
  }

  private cause(pending: number): UnavailableCause {
    if (pending >= this.limits.pending) return 'too many requests wait';
    return this.full ? 'memory nearly full' : 'overload';
  }

  private look(): void {
    const { limits, meter } = this;
    const lag = this.options.clock.monotonic() - this.expected;
    this.late = Math.max(0, lag);
    const busy = meter.busy();
    this.full = meter.heap() > limits.heap;
    const tooMuch = lag > limits.lag || (busy > limits.busy && this.pilesUp());
    this.strikes = tooMuch ? this.strikes + 1 : 0;
    const before = this.share;
    if (this.strikes >= PATIENCE) this.passing = Math.max(LEAST, this.passing * SHED);
    else if (!tooMuch) this.passing = Math.min(1, this.passing + RECOVER);
    if (before === 1 && this.share < 1) this.options.log?.('overload: part of the new work gets 503');
    if (before < 1 && this.share === 1) this.options.log?.('overload is over');
    this.start();
  }

  /** Work that nobody has counted is taken to pile up. */
  private pilesUp(): boolean {
    const waiting = this.meter.backlog();
    return waiting === undefined || waiting > this.limits.backlog;
  }
}
