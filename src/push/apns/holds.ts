import { LRUCache } from 'lru-cache';
import type { Clock } from '../../clock/clock.js';
import { type BackOffBounds, backOff, type Random } from './back-off.js';

interface Hold {
  readonly until: number;
  readonly level: number;
  readonly reason: string;
}

/** Subjects (accounts, topics) that Apple refused and that are left alone for a while, longer each time. Bounded. */
export class Holds {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #bounds: BackOffBounds;
  readonly #holds: LRUCache<string, Hold>;

  constructor(clock: Clock, random: Random, bounds: BackOffBounds, max = 1000) {
    this.#clock = clock;
    this.#random = random;
    this.#bounds = bounds;
    this.#holds = new LRUCache({ max });
  }

  /** Whether anything is, or was lately, left alone. */
  get any(): boolean {
    return this.#holds.size > 0;
  }

  /** Why the subject is left alone now, or undefined. */
  reasonFor(subject: string): string | undefined {
    if (this.#holds.size === 0) return undefined;
    const hold = this.#holds.get(subject);
    return hold && hold.until > this.#clock.monotonic() ? hold.reason : undefined;
  }

  /** Leaves it alone; many answers to pushes sent before the first of them count as one. */
  hold(subject: string, reason: string): void {
    const before = this.#holds.get(subject);
    const now = this.#clock.monotonic();
    if (before && before.until > now) return;
    const level = before ? before.level + 1 : 0;
    this.#holds.set(subject, { until: now + backOff(level, this.#bounds, this.#random), level, reason });
  }

  /** It is good again. */
  release(subject: string): void {
    if (this.#holds.size > 0) this.#holds.delete(subject);
  }
}
