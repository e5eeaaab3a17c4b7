import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock/clock.js';

/** So many in so many milliseconds; a count of 0 is no limit. */
export interface Rate {
  readonly count: number;
  readonly per: number;
}

interface Bucket {
  left: number;
  /** Of the monotonic clock. */
  at: number;
}

/** How many keys are remembered; beyond, the one not heard of for longest has its whole budget again. */
const MAX_KEYS = 20_000;

/** A budget for each key, in bounded memory: `count` at once, and as many again in each `per`. */
export class Budget {
  /** Made when it is needed: a cache takes the memory of all its keys at once. */
  #buckets: LRUCache<string, Bucket> | undefined;

  constructor(
    readonly rate: Rate,
    readonly clock: Clock,
    readonly maxKeys = MAX_KEYS,
  ) {}

  /** How many keys are remembered. */
  get size(): number {
    return this.#buckets?.size ?? 0;
  }

  /** Takes one of that key's budget; false when nothing is left of it. */
  take(key: string): boolean {
    const { count, per } = this.rate;
    if (count === 0) return true;
    const now = this.clock.monotonic();
    this.#buckets ??= new LRUCache({ max: this.maxKeys });
    const bucket = this.#buckets.get(key) ?? { left: count, at: now };
    bucket.left = Math.min(count, bucket.left + ((now - bucket.at) * count) / per);
    bucket.at = now;
    this.#buckets.set(key, bucket);
    if (bucket.left < 1) return false;
    bucket.left -= 1;
    return true;
  }
}
