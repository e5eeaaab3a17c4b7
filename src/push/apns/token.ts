import jwt from 'jsonwebtoken';
import type { Clock } from '../../clock/clock.js';
import type { SigningAccount } from './key.js';
import { within } from './patience.js';

const MINUTE = 60_000;
/** Apple takes a token for an hour; it is renewed well before. */
const RENEW_AFTER = 50 * MINUTE;
/** The least time between two tokens on one connection (Apple: TooManyProviderTokenUpdates). */
const LEAST_USE = 20 * MINUTE;
/** A call can't wait for a store that doesn't answer. */
const STORE_PATIENCE = 500;

/** A provider token: a JWT that signs for a team, with the time it says it was made. */
export interface ProviderToken {
  /** Secret. */
  readonly jwt: string;
  /** Epoch milliseconds. */
  readonly issuedAt: number;
}

/** Where all processes of a site keep the provider tokens they share, so that Apple sees one of each key. */
export interface SharedTokens {
  /** What is there under the name, and a number that changes with it. */
  get(name: string): Promise<{ readonly token: ProviderToken | undefined; readonly version: number }>;
  /** Puts a token there unless somebody else did since `version` was read; gives what is there then. */
  put(name: string, token: ProviderToken, version: number): Promise<ProviderToken | undefined>;
}

/**
 * One account's provider tokens ("Establishing a token-based connection to APNs"). One token serves all connections for 50 minutes;
 * a connection never sees a second one within 20 minutes of its first.
 */
export class ProviderTokens {
  readonly #account: SigningAccount;
  readonly #clock: Clock;
  readonly #shared: SharedTokens | undefined;
  readonly #waiting = new Set<() => void>();
  #current: ProviderToken | undefined;
  #refused: ProviderToken | undefined;
  #asking = false;
  #keepUntil = 0;
  #skew = 0;

  constructor(account: SigningAccount, clock: Clock, shared?: SharedTokens) {
    this.#account = account;
    this.#clock = clock;
    this.#shared = shared;
  }

  /**
   * The token for a connection's next push, or undefined while the site's store is asked for it: {@link whenReady} tells then.
   * @param used what the connection used last; undefined for a new one, which gets a token that lasts it at least 20 minutes
   */
  forConnection(used?: ProviderToken): ProviderToken | undefined {
    if (used && this.age(used) < RENEW_AFTER) return used;
    const current = this.#current;
    const limit = this.#now() < this.#keepUntil ? RENEW_AFTER : RENEW_AFTER - LEAST_USE;
    if (current && current !== used && this.age(current) < limit) return current;
    if (!this.#shared) {
      this.#current = this.#mint();
      return this.#current;
    }
    if (!this.#asking) void this.#ask(this.#shared, limit, used);
    return undefined;
  }

  /** Calls `fn` once, when there is a token that could not be given before. */
  whenReady(fn: () => void): void {
    this.#waiting.add(fn);
  }

  /** Apple complains of too many tokens: for a while none is made before the current one has to be replaced. */
  tooMany(): void {
    this.#keepUntil = this.#now() + LEAST_USE;
  }

  /** Makes `refused` no longer current, if it still is: of many pushes refused for one token, only the first gets a new one made. */
  expired(refused: ProviderToken): void {
    if (this.#current !== refused) return;
    this.#refused = refused;
    this.#current = undefined;
  }

  /** By how many milliseconds Apple's clock is ahead of this machine's: tokens are made for Apple's from now on. */
  set skew(ms: number) {
    this.#skew = ms;
  }

  get skew(): number {
    return this.#skew;
  }

  /** Milliseconds since a token was made; infinite for one from the future, which Apple refuses as well. */
  age(token: ProviderToken): number {
    const age = this.#now() - token.issuedAt;
    return age < -MINUTE ? Number.POSITIVE_INFINITY : age;
  }

  #now(): number {
    return this.#clock.now() + this.#skew;
  }

  async #ask(shared: SharedTokens, limit: number, used: ProviderToken | undefined): Promise<void> {
    this.#asking = true;
    const agreed = within(this.#clock, STORE_PATIENCE, this.#agree(shared, limit, used), () => {});
    const answer = await agreed.catch(() => undefined);
    this.#current = answer ?? this.#mint();
    this.#asking = false;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const fn of waiting) fn();
  }

  /** What another process of the site has made, or one of our own that the others then take. */
  async #agree(shared: SharedTokens, limit: number, used: ProviderToken | undefined): Promise<ProviderToken> {
    const name = `${this.#account.teamId} ${this.#account.keyId}`;
    const fits = (token: ProviderToken | undefined): token is ProviderToken =>
      token !== undefined &&
      this.age(token) < limit &&
      token.jwt !== used?.jwt &&
      token.jwt !== this.#refused?.jwt &&
      token.issuedAt >= (this.#refused?.issuedAt ?? Number.NEGATIVE_INFINITY);
    const { token, version } = await shared.get(name);
    if (fits(token)) return token;
    const own = this.#mint();
    const kept = await shared.put(name, own, version);
    return fits(kept) ? kept : own;
  }

  #mint(): ProviderToken {
    const issuedAt = this.#now();
    const claims = { iss: this.#account.teamId, iat: Math.floor(issuedAt / 1000) };
    return {
      jwt: jwt.sign(claims, this.#account.key, { algorithm: 'ES256', keyid: this.#account.keyId }),
      issuedAt,
    };
  }
}
