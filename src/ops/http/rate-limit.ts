import { isIPv6 } from 'node:net';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../clock/clock.js';

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

/** What stands for an address: an IPv6 host has a whole /64 to send from. */
export function callerOf(address: string): string {
  const bare = address.replace(/^::ffff:(?=\d)/i, '');
  if (!isIPv6(bare)) return `address ${bare}`;
  const [head = '', tail] = (bare.split('%')[0] ?? '').split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...left, ...Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right];
  return `address ${groups.slice(0, 4).join(':')}::/64`;
}
