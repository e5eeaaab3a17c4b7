import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock/clock.js';
import { addressKey } from './address-key.js';
import { Budget } from './budget.js';

export interface BanSettings {
  /** More failures than that within `within` milliseconds ban an address; 0: nobody is banned. */
  readonly failures: number;
  readonly within: number;
  /** How long a ban lasts, in milliseconds. */
  readonly for: number;
}

/** An address that is refused whatever it asks for. */
export interface Ban {
  /** An IPv6 host stands for its /64. */
  readonly address: string;
  readonly reason: string;
  /** Epoch milliseconds. */
  readonly since: number;
  readonly until: number;
}

const MAX_BANS = 20_000;

/** Addresses that failed to authenticate too often. Each ban ends by itself; with too many, the oldest ends early. */
export class Bans {
  readonly #settings: BanSettings;
  readonly #clock: Clock;
  readonly #failures: Budget;
  readonly #bans = new LRUCache<string, Ban>({ max: MAX_BANS });

  constructor(settings: BanSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
    this.#failures = new Budget({ count: settings.failures, per: settings.within }, clock);
  }

  /** Whether nobody is banned. */
  get none(): boolean {
    return this.#bans.size === 0;
  }

  /** The latest first. */
  get list(): readonly Ban[] {
    for (const key of [...this.#bans.keys()]) this.#current(key);
    return [...this.#bans.values()].sort((a, b) => b.since - a.since);
  }

  /** A failure of that address. Gives its ban if this was one too many. */
  failed(address: string, reason: string): Ban | undefined {
    if (this.#settings.failures === 0 || this.#failures.take(addressKey(address))) return undefined;
    return this.ban(address, reason);
  }

  /** Bans an address, whatever it did before; undefined when nobody is to be banned. */
  ban(address: string, reason: string): Ban | undefined {
    if (this.#settings.failures === 0) return undefined;
    const since = this.#clock.now();
    const key = addressKey(address);
    const ban = { address: key, reason, since, until: since + this.#settings.for };
    this.#bans.set(key, ban);
    return ban;
  }

  isBanned(address: string): boolean {
    return !this.none && this.#current(addressKey(address)) !== undefined;
  }

  /** Ends a ban; false when there is none of that address. */
  lift(address: string): boolean {
    return this.#bans.delete(address) || this.#bans.delete(addressKey(address));
  }

  #current(key: string): Ban | undefined {
    const ban = this.#bans.peek(key);
    if (ban === undefined || ban.until > this.#clock.now()) return ban;
    this.#bans.delete(key);
    return undefined;
  }
}
