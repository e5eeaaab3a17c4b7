import jwt from 'jsonwebtoken';
import type { Clock } from '../../clock/clock.js';
import type { SigningAccount } from './key.js';

const MINUTE = 60_000;
/** Apple takes a token for an hour; it is renewed well before. */
const RENEW_AFTER = 50 * MINUTE;
/** The least time between two tokens on one connection (Apple: TooManyProviderTokenUpdates). */
const LEAST_USE = 20 * MINUTE;

/** A provider token: a JWT that signs for a team, with the time it says it was made. */
export interface ProviderToken {
  /** Secret. */
  readonly jwt: string;
  /** Epoch milliseconds. */
  readonly issuedAt: number;
}

/**
 * One account's provider tokens ("Establishing a token-based connection to APNs"). One token serves all connections for 50 minutes;
 * a connection never sees a second one within 20 minutes of its first.
 */
export class ProviderTokens {
  readonly #account: SigningAccount;
  readonly #clock: Clock;
  #current: ProviderToken | undefined;
  #keepUntil = 0;

  constructor(account: SigningAccount, clock: Clock) {
    this.#account = account;
    this.#clock = clock;
  }

  /**
   * The token for a connection's next push.
   * @param used what the connection used last; undefined for a new one, which gets a token that lasts it at least 20 minutes
   */
  forConnection(used?: ProviderToken): ProviderToken {
    if (used && this.#age(used) < RENEW_AFTER) return used;
    const current = this.#current;
    const limit = this.#clock.now() < this.#keepUntil ? RENEW_AFTER : RENEW_AFTER - LEAST_USE;
    if (current && current !== used && this.#age(current) < limit) return current;
    return this.#mint();
  }

  /** Apple complains of too many tokens: for a while none is made before the current one has to be replaced. */
  tooMany(): void {
    this.#keepUntil = this.#clock.now() + LEAST_USE;
  }

  /** Makes `refused` no longer current, if it still is: of many pushes refused for one token, only the first gets a new one made. */
  expired(refused: ProviderToken): void {
    if (this.#current === refused) this.#mint();
  }

  #age(token: ProviderToken): number {
    const age = this.#clock.now() - token.issuedAt;
    // A clock set back makes the token come from the future, which Apple refuses as well.
    return age < -MINUTE ? Number.POSITIVE_INFINITY : age;
  }

  #mint(): ProviderToken {
    const issuedAt = this.#clock.now();
    const claims = { iss: this.#account.teamId, iat: Math.floor(issuedAt / 1000) };
    this.#current = {
      jwt: jwt.sign(claims, this.#account.key, { algorithm: 'ES256', keyid: this.#account.keyId }),
      issuedAt,
    };
    return this.#current;
  }
}
