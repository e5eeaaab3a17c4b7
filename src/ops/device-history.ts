import { LRUCache } from 'lru-cache';
import type { TimelineEvent } from '../calls/timeline.js';
import type { Clock } from '../clock/clock.js';
import { bestBinding } from '../devices/best-binding.js';
import type { Device } from '../devices/types.js';
import type { CallSummary } from './timeline/summary.js';
import type { WakeReport } from './wake-test/types.js';

/** Something that happened to a phone. Holds no secret. */
export interface DeviceEvent {
  /** Epoch milliseconds; of the last time if it happened several times in a row. */
  readonly at: number;
  readonly what: 'registered' | 'refused' | 'call' | 'push' | 'wake-test';
  readonly text: string;
  /** How often in a row. */
  readonly times: number;
  readonly callUuid?: string;
}

/** Phones that are remembered; those that nothing happened to for longest are forgotten. */
const MAX_DEVICES = 5000;
const MAX_EVENTS = 20;

/** What happened lately to each phone, in memory: REGISTERs, calls, pushes, wake tests. */
export class DeviceHistory {
  readonly #clock: Clock;
  readonly #devices = new LRUCache<string, DeviceEvent[]>({ max: MAX_DEVICES });

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The latest events of a device, the newest first. */
  of(aor: string, deviceId: string): readonly DeviceEvent[] {
    return (this.#devices.peek(keyOf(aor, deviceId)) ?? []).toReversed();
  }

  /** Forgets what happened to a user's phones. Gives how many events that were. */
  forget(aor: string): number {
    const keys = [...this.#devices.keys()].filter((key) => key.startsWith(keyOf(aor, '')));
    const events = keys.reduce((sum, key) => sum + (this.#devices.peek(key)?.length ?? 0), 0);
    for (const key of keys) this.#devices.delete(key);
    return events;
  }

  registered(device: Device): void {
    const binding = bestBinding(device.bindings);
    const text = binding === undefined ? 'unregistered' : `${binding.mode}, over ${binding.source}`;
    this.#add(device.aor, device.id, 'registered', text);
  }

  registerRefused(aor: string, deviceId: string, status: number): void {
    this.#add(aor, deviceId, 'refused', `REGISTER was refused with ${status}`);
  }

  /** Takes an event of a call. */
  call({ type, fields, callUuid }: TimelineEvent, { called, direction }: CallSummary): void {
    const { device } = fields;
    if (typeof device !== 'string' || called === undefined || direction !== 'to-phone') return;
    const [what, text] = textOf(type, fields) ?? [];
    if (what !== undefined && text !== undefined) this.#add(called, device, what, text, callUuid);
  }

  wakeTest({ aor, deviceId, verdict }: WakeReport): void {
    this.#add(aor, deviceId, 'wake-test', verdict);
  }

  #add(aor: string, deviceId: string, what: DeviceEvent['what'], text: string, callUuid?: string): void {
    const key = keyOf(aor, deviceId);
    const events = this.#devices.get(key) ?? [];
    const last = events.at(-1);
    const again = last?.what === what && last.text === text && last.callUuid === callUuid;
    if (again) events.pop();
    const times = again ? last.times + 1 : 1;
    events.push({ at: this.#clock.now(), what, text, times, ...(callUuid === undefined ? {} : { callUuid }) });
    if (events.length > MAX_EVENTS) events.shift();
    this.#devices.set(key, events);
  }
}

const keyOf = (aor: string, deviceId: string): string => `${aor} ${deviceId}`;

function textOf(
  type: string,
  { state, action, reason, status, mode, apnsId }: TimelineEvent['fields'],
): readonly [DeviceEvent['what'], string] | undefined {
  switch (type) {
    case 'device':
      return ['call', `${state}${reason === undefined ? '' : ` (${reason})`}: ${action}`];
    case 'push-accepted':
      return ['push', `Apple took it (apns-id ${apnsId})`];
    case 'push-refused':
      return ['push', `Apple refused it: ${[status, reason].filter(Boolean).join(' ')}`];
    case 'push-unreachable':
      return ['push', `Apple was not reached: ${reason}`];
    case 'device-woke':
      return ['call', `woke (${mode})`];
    case 'no-sign-of-life':
      return ['call', 'no answer to INVITE: taken for asleep'];
    case 'register-refused':
      return ['refused', `REGISTER was refused with ${status} while a call waited`];
    case 'leg-answered':
      return ['call', 'answered'];
    case 'leg-failed':
      return ['call', `${status} ${reason} to INVITE`];
    case 'leg-cancelled':
      return ['call', 'cancelled'];
    case 'late-device-told':
      return ['call', 'came too late: told that the call is over'];
    default:
      return undefined;
  }
}
