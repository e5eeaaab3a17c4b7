import { isDeepStrictEqual } from 'node:util';
import type { Store } from '../store/store.js';
import { isTimeZone } from './quiet-hours.js';

/** Hours of each day in which a user wants no alerts; over midnight when `from` is later than `to`. */
export interface QuietHours {
  /** `HH:MM`, 00:00 to 23:59, in the user's own time. */
  readonly from: string;
  readonly to: string;
  /** IANA name such as `Europe/Berlin`. */
  readonly timeZone: string;
  /** Days on which they begin, 1 (Monday) to 7 (Sunday); default all. */
  readonly days?: readonly number[];
}

/** What a user wants to be told, and when. An empty object: everything, always. */
export interface UserPreferences {
  readonly quietHours?: QuietHours;
  /** No alerts at all; a time in epoch milliseconds ends that. */
  readonly mute?: { readonly until?: number };
  /** Conversations (see {@link Notification.conversation}) without alerts. */
  readonly mutedConversations?: readonly string[];
  /** Quiet hours and mute hold for calls too: sleeping phones are not woken. Default false. */
  readonly calls?: boolean;
}

/** Preferences that can't be taken; the message names member and allowed values. */
export class PreferencesError extends Error {
  override readonly name = 'PreferencesError';
}

/** Conversations that one user may mute. */
export const MAX_MUTED = 200;

const TIME = /^([01]\d|2[0-3]):[0-5]\d$/;

/** The preferences of users, by AOR, in the store. */
export class Preferences {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Those of a user; the empty object when he has none. */
  async get(aor: string): Promise<UserPreferences> {
    const { value } = await this.#store.shared(keyOf(aor));
    return typeof value === 'object' && value !== null ? value : {};
  }

  /**
   * Puts them in place of those that there are; on disk when the promise settles.
   * @throws {PreferencesError} when they can't be taken
   */
  async put(aor: string, preferences: UserPreferences): Promise<void> {
    checkPreferences(preferences);
    let { version } = await this.#store.shared(keyOf(aor));
    for (;;) {
      const there = await this.#store.putShared(keyOf(aor), preferences, version);
      if (there.version === version + 1 && isDeepStrictEqual(there.value, preferences)) return;
      version = there.version;
    }
  }
}

/** @throws {PreferencesError} */
export function checkPreferences({ quietHours, mutedConversations, mute }: UserPreferences): void {
  if (quietHours !== undefined) {
    const { from, to, timeZone, days = [] } = quietHours;
    if (!TIME.test(from)) throw new PreferencesError('quietHours.from must be a time such as 22:00');
    if (!TIME.test(to)) throw new PreferencesError('quietHours.to must be a time such as 07:00');
    if (from === to) throw new PreferencesError('quietHours.to must differ from quietHours.from');
    if (!isTimeZone(timeZone)) {
      throw new PreferencesError('quietHours.timeZone must be an IANA time zone such as Europe/Berlin');
    }
    if (days.some((day) => !Number.isInteger(day) || day < 1 || day > 7)) {
      throw new PreferencesError('quietHours.days must be numbers from 1 (Monday) to 7 (Sunday)');
    }
  }
  if (mute?.until !== undefined && !Number.isSafeInteger(mute.until)) {
    throw new PreferencesError('mute.until must be a time in epoch milliseconds');
  }
  if ((mutedConversations?.length ?? 0) > MAX_MUTED) {
    throw new PreferencesError(`mutedConversations may have ${MAX_MUTED} entries at most`);
  }
  if (mutedConversations?.some((id) => id === '' || id.length > 256)) {
    throw new PreferencesError('mutedConversations must be texts of 1 to 256 characters');
  }
}

function keyOf(aor: string): string {
  return `preferences ${aor}`;
}
