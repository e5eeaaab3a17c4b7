import { LRUCache } from 'lru-cache';
import type { Clock } from '../../clock/clock.js';
import { ALARM_KINDS, type OwnAlarmName, type Severity } from './catalogue.js';

/** One alarm. Holds no secret: a push token appears as its keyed hash. */
export interface Alarm {
  /** As Cisco's where CUCM has one for it, such as `PushNotificationServiceUnavailable` or `SIPTrunkOOS`. */
  readonly name: string;
  /** What it is about: a trunk, a host, an account, a device. Name and subject together are the alarm's identity. */
  readonly subject: string;
  readonly severity: Severity;
  /** `active` until it is good again; `event` for what happened once; `cleared`. */
  readonly state: 'active' | 'event' | 'cleared';
  /** What was seen. */
  readonly reason: string;
  /** What it means and what to do about it. */
  readonly text: string;
  /** Epoch milliseconds. */
  readonly raisedAt: number;
  readonly clearedAt?: number;
}

/** What is told of an alarm when it is raised. */
export type Raised = Omit<Alarm, 'state' | 'raisedAt' | 'clearedAt'>;

export type AlarmListener = (alarm: Alarm) => void;

const MAX_ACTIVE = 1000;

/** Holds what is wrong now, bounded, and tells listeners of each change. */
export class AlarmBoard {
  readonly #clock: Clock;
  readonly #active = new LRUCache<string, Alarm>({ max: MAX_ACTIVE });
  readonly #listeners = new Set<AlarmListener>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What is wrong now, the worst and then the oldest first. */
  get active(): readonly Alarm[] {
    const rank = (alarm: Alarm): number => SEVERITIES.indexOf(alarm.severity);
    return [...this.#active.values()].sort((a, b) => rank(a) - rank(b) || a.raisedAt - b.raisedAt);
  }

  /** Calls `listener` at each change from now on. Gives what ends that. */
  onChange(listener: AlarmListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Something is wrong from now on until {@link clear}. Raised already: a new reason replaces the old one, and the same one is nothing new. */
  raise(raised: Raised): void {
    const key = keyOf(raised.name, raised.subject);
    const before = this.#active.get(key);
    if (before?.reason === raised.reason && before.severity === raised.severity) return;
    const alarm: Alarm = { ...raised, state: 'active', raisedAt: before?.raisedAt ?? this.#clock.now() };
    this.#active.set(key, alarm);
    this.#tell(alarm);
  }

  /** One of callwake's own alarms. */
  raiseOwn(name: OwnAlarmName, subject: string, reason: string): void {
    const { severity, meaning, action } = ALARM_KINDS[name];
    this.raise({ name, subject, severity, reason, text: `${meaning} ${action}` });
  }

  /** Something happened once: listeners are told, and that is all. */
  event(raised: Raised): void {
    this.#tell({ ...raised, state: 'event', raisedAt: this.#clock.now() });
  }

  /** It is good again. Nothing happens if it wasn't wrong. */
  clear(name: string, subject: string): void {
    const key = keyOf(name, subject);
    const alarm = this.#active.get(key);
    if (alarm === undefined) return;
    this.#active.delete(key);
    this.#tell({ ...alarm, state: 'cleared', clearedAt: this.#clock.now() });
  }

  #tell(alarm: Alarm): void {
    for (const listener of this.#listeners) listener(alarm);
  }
}

const SEVERITIES: readonly Severity[] = ['alert', 'critical', 'error', 'warning'];

function keyOf(name: string, subject: string): string {
  return `${name} ${subject}`;
}
