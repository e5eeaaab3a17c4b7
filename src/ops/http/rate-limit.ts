import { LRUCache } from 'lru-cache';
import type { Clock } from '../../clock/clock.js';
import { addressKey } from '../../guard/address-key.js';

interface Bucket {
  tokens: number;
  /** Of the monotonic clock. */
  at: number;
}

/** How many callers are remembered; those not heard for longest are forgotten. */
const MAX_CALLERS = 10_000;

/** A token bucket per caller. */
export class RateLimit {
  readonly #buckets = new LRUCache<string, Bucket>({ max: MAX_CALLERS });

  constructor(
    readonly settings: { readonly perSecond: number; readonly burst: number },
    readonly clock: Clock,
  ) {}

  /** Takes one request of that caller. Gives 0 when it may go on, otherwise after how many seconds to try again. */
  take(caller: string): number {
    const { perSecond, burst } = this.settings;
    const now = this.clock.monotonic();
    const bucket = this.#buckets.get(caller) ?? { tokens: burst, at: now };
    const tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1000) * perSecond);
    const allowed = tokens >= 1;
    this.#buckets.set(caller, { tokens: allowed ? tokens - 1 : tokens, at: now });
    return allowed ? 0 : Math.max(1, Math.ceil((1 - tokens) / perSecond));
  }
}

/** Who asks, when he shows no valid token. */
export function callerOf(address: string): string {
  return `address ${addressKey(address)}`;
}
