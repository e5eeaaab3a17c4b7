import { getHeapStatistics } from 'node:v8';
import type { Clock, Timer } from '../../clock/clock.js';
import type { Refusal } from './refusal.js';
import { type UnavailableCause, unavailable } from './unavailable.js';

export interface LoadLimits {
  /** Requests outside any dialog that wait for the application's answer; further ones get 503. 50,000. */
  readonly pending: number;
  /** Milliseconds that a new request may have waited to be looked at, while others waited before it; longer, and it gets 503. 200. */
  readonly wait: number;
  /** Milliseconds by which a timer may be late; above, part of the new work gets 503. 250. */
  readonly lag: number;
  /** Share of the heap limit above which all new work gets 503. 0.85. */
  readonly heap: number;
}

export const defaultLoadLimits: LoadLimits = {
  pending: 50_000,
  wait: 200,
  lag: 250,
  heap: 0.85,
};

export interface LoadGuardOptions {
  readonly clock: Clock;
  readonly limits?: Partial<LoadLimits> | undefined;
  /** The share of the heap's limit that is in use; of this process when missing. */
  readonly heap?: (() => number) | undefined;
  /** From 0 up to 1. */
  readonly random?: (() => number) | undefined;
  readonly log?: ((text: string) => void) | undefined;
  /** A request was turned away. */
  readonly onRefused?: ((cause: UnavailableCause) => void) | undefined;
}

/** Milliseconds between two looks at the load. */
const PERIOD = 250;
/** Looks in a row that must find the event loop late: garbage collection is not overload. */
const PATIENCE = 3;
const SHED = 0.85;
const RECOVER = 0.1;
const LEAST = 0.02;
/** OPTIONS cost little, and an unanswered or refused ping takes a whole trunk out of service: so many pass in each period in any case. */
const PINGS = 25;

/**
 * Keeps the process within its capacity: what belongs to a call in progress always passes, new work only as far as it can be done; the
 * rest gets 503 with Retry-After (RFC 3261 section 21.5.4). New work that had to wait in line for too long is turned away; where the event
 * loop itself is late, the share that passes falls, and rises again when there is room.
 */
export class LoadGuard {
  private readonly options: LoadGuardOptions;
  private readonly limits: LoadLimits;
  private readonly heap: () => number;
  private readonly random: () => number;
  private timer: Timer | undefined;
  private expected = 0;
  private strikes = 0;
  private full = false;
  private passing = 1;
  private lateness = 0;
  private pings = 0;
  private taken = 0;
  private turnedAway = 0;
  private inTime = 1;

  constructor(options: LoadGuardOptions) {
    this.options = options;
    this.limits = { ...defaultLoadLimits, ...options.limits };
    this.heap = options.heap ?? ownHeap;
    this.random = options.random ?? Math.random;
  }

  /** Share of new work that passes at the moment, from 0 to 1. */
  get share(): number {
    return this.full ? 0 : Math.min(this.passing, this.inTime);
  }

  /** Milliseconds by which the last look was late. */
  get lag(): number {
    return this.lateness;
  }

  start(): void {
    this.expected = this.options.clock.monotonic() + PERIOD;
    this.timer = this.options.clock.setTimeout(() => this.look(), PERIOD);
  }

  stop(): void {
    this.timer?.cancel();
  }

  /** Whether {@link refuse} might turn away a request now. */
  mayRefuse(pending: number, late = false): boolean {
    return late || this.full || this.passing < 1 || pending >= this.limits.pending;
  }

  /**
   * Whether a request outside any dialog must be turned away. `pending`: how many wait for their answer now; `late`: it had to wait for too long
   * itself.
   */
  refuse(method: string, pending: number, late = false): Refusal | undefined {
    if (pending < this.limits.pending && !this.full) {
      const passes = !late && (this.passing === 1 || this.random() < this.passing);
      if (passes || (method === 'OPTIONS' && this.pings++ < PINGS)) {
        this.taken++;
        return undefined;
      }
    }
    if (late) this.turnedAway++;
    const cause = this.cause(pending);
    this.options.onRefused?.(cause);
    return { status: 503, headers: unavailable(cause, 2 + Math.floor(this.random() * 9)) };
  }

  private cause(pending: number): UnavailableCause {
    if (pending >= this.limits.pending) return 'too many requests wait';
    return this.full ? 'memory nearly full' : 'overload';
  }

  private look(): void {
    const before = this.share;
    const lag = this.options.clock.monotonic() - this.expected;
    const late = lag > this.limits.lag;
    this.lateness = Math.max(0, lag);
    this.full = this.heap() > this.limits.heap;
    this.pings = 0;
    this.strikes = late ? this.strikes + 1 : 0;
    this.inTime = this.turnedAway === 0 ? 1 : this.taken / (this.taken + this.turnedAway);
    this.taken = 0;
    this.turnedAway = 0;
    if (this.strikes >= PATIENCE) this.passing = Math.max(LEAST, this.passing * SHED);
    else if (!late) this.passing = Math.min(1, this.passing + RECOVER);
    if (before === 1 && this.share < 1) this.options.log?.('overload: part of the new work gets 503');
    if (before < 1 && this.share === 1) this.options.log?.('overload is over');
    this.start();
  }
}

function ownHeap(): number {
  const { used_heap_size, heap_size_limit } = getHeapStatistics();
  return used_heap_size / heap_size_limit;
}
