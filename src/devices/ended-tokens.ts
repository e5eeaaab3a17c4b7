import type { Clock } from '../clock/clock.js';
import type { Store } from '../store/store.js';
import type { TokenEnded } from './tokens.js';
import type { Platform } from './types.js';

/** A push token that Apple refused for good, as it is kept for the operator. Holds no token. */
export interface EndedToken {
  /** Epoch milliseconds of the answer. */
  readonly at: number;
  readonly aor: string;
  readonly device: string;
  readonly platform: Platform;
  readonly deviceName?: string;
  readonly userAgent?: string;
  readonly kind: 'voip' | 'alert';
  readonly bundleId: string;
  /** Apple's word, such as `Unregistered`. */
  readonly reason: string;
}

export interface EndedTokensOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly onFault: (error: unknown) => void;
}

const TABLE = 'ended-tokens';
const PAGE = 1000;
const KEPT_FOR = 90 * 86_400_000;
/** Entries that have run out and go with each new one: more than one, so that the table shrinks after a bad day. */
const CLEARED = 10;

/**
 * Tokens that Apple refused for good, by time. A device without a binding or another token is forgotten at once; its user is to be found
 * all the same, for 90 days.
 */
export class EndedTokens {
  readonly #options: EndedTokensOptions;
  #noted = 0;

  constructor(options: EndedTokensOptions) {
    this.#options = options;
  }

  /** Writes it down; a fault of the store is told, not thrown. */
  note({ device, token, told }: TokenEnded): void {
    const { store, clock, onFault } = this.#options;
    const { id, aor, platform, deviceName, userAgent } = device;
    const at = clock.now();
    const entry: EndedToken = {
      at,
      aor,
      device: id,
      platform,
      ...(deviceName !== undefined && { deviceName }),
      ...(userAgent !== undefined && { userAgent }),
      kind: token.kind,
      bundleId: token.bundleId,
      reason: told.reason ?? told.verdict,
    };
    this.#noted = (this.#noted + 1) % 1_000_000;
    store
      .putRecord(TABLE, `${keyOf(at)}.${String(this.#noted).padStart(6, '0')}`, entry)
      .then(() => this.#clear(at))
      .catch(onFault);
  }

  /** Those since a time (epoch milliseconds) behind `after`, the oldest first; `next` is the `after` of the next page. */
  async list(since: number, after: string, limit: number): Promise<{ items: readonly EndedToken[]; next?: string }> {
    const start = keyOf(Math.max(since, this.#options.clock.now() - KEPT_FOR));
    const page = await this.#options.store.recordsAfter(TABLE, after > start ? after : start, limit);
    const last = page.length === limit ? page.at(-1)?.[0] : undefined;
    return { items: page.map(([, entry]) => entry as EndedToken), ...(last !== undefined && { next: last }) };
  }

  /** Forgets those of a user. Gives how many there were. */
  async forget(aor: string): Promise<number> {
    const { store } = this.#options;
    let forgotten = 0;
    for (let after = ''; ; ) {
      const page = await store.recordsAfter(TABLE, after, PAGE);
      const own = page.filter(([, entry]) => (entry as EndedToken).aor === aor);
      await Promise.all(own.map(([key]) => store.putRecord(TABLE, key, undefined)));
      forgotten += own.length;
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) return forgotten;
      after = last[0];
    }
  }

  async #clear(now: number): Promise<void> {
    const { store } = this.#options;
    const oldest = await store.recordsAfter(TABLE, '', CLEARED);
    const gone = oldest.filter(([key]) => key < keyOf(now - KEPT_FOR));
    await Promise.all(gone.map(([key]) => store.putRecord(TABLE, key, undefined)));
  }
}

/** Sorts by time. */
function keyOf(at: number): string {
  return String(Math.max(0, Math.floor(at))).padStart(15, '0');
}
