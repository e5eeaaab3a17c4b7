import { LRUCache } from 'lru-cache';
import type { Clock } from '../../clock/clock.js';
import type { AlarmName } from './reactions.js';

export type { AlarmName } from './reactions.js';

/** Something an operator should know. Holds no secret: a device token appears as the start of its hash. */
export interface PushAlarm {
  readonly name: AlarmName;
  /** Cisco's levels: `alert` is trouble for every call, `error` for one device or one push. */
  readonly severity: 'alert' | 'error';
  /** `over` only follows `raised`, and only for alarms about something that lasts. */
  readonly state: 'raised' | 'over';
  /** What it is about: a host, an account, a topic, a device. */
  readonly subject: string;
  /** Apple's reason, or callwake's own. */
  readonly reason: string;
  /** What it means and what to do. Empty when over. */
  readonly text: string;
  readonly at: number;
}

/** Alarms about what lasts until it is seen to be good again; the others are single events. */
export const LASTING: ReadonlySet<AlarmName> = new Set([
  'PushNotificationServiceUnavailable',
  'PushNotificationServiceAccessTokenUnavailable',
  'PushNotificationServiceClockSkew',
  'PushNotificationTopicRefused',
]);

const REMEMBERED = 1000;
const REPEAT_AFTER = 3_600_000;

/** Tells each alarm once until it is over, and an event about the same subject at most once an hour. */
export class Alarms {
  readonly #clock: Clock;
  readonly #tell: (alarm: PushAlarm) => void;
  readonly #raised = new LRUCache<string, PushAlarm>({ max: REMEMBERED });

  constructor(clock: Clock, tell: (alarm: PushAlarm) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** Whether any was raised that may be over one day. */
  get any(): boolean {
    return this.#raised.size > 0;
  }

  /** Those that last and aren't over. */
  get active(): readonly PushAlarm[] {
    return [...this.#raised.values()].filter((alarm) => LASTING.has(alarm.name));
  }

  raise(name: AlarmName, subject: string, reason: string, text: string): void {
    const key = `${name} ${subject}`;
    const before = this.#raised.get(key);
    const at = this.#clock.now();
    if (before && (LASTING.has(name) || (before.reason === reason && at - before.at < REPEAT_AFTER))) return;
    const alarm: PushAlarm = {
      name,
      severity: LASTING.has(name) ? 'alert' : 'error',
      state: 'raised',
      subject,
      reason,
      text,
      at,
    };
    this.#raised.set(key, alarm);
    this.#tell(alarm);
  }

  /** It is good again. */
  over(name: AlarmName, subject: string): void {
    if (this.#raised.size === 0) return;
    const key = `${name} ${subject}`;
    const alarm = this.#raised.get(key);
    if (!alarm) return;
    this.#raised.delete(key);
    this.#tell({ ...alarm, state: 'over', text: '', at: this.#clock.now() });
  }
}
