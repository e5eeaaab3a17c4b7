import type { Clock, Timer } from '../clock/clock.js';
import { bestBinding } from '../devices/best-binding.js';
import type { Device } from '../devices/types.js';
import { randomCallId } from '../grammar/token.js';
import type { CallPort } from './port.js';
import type { Timeline } from './timeline.js';

interface Entry {
  readonly port: CallPort;
  readonly timeline: Timeline;
  readonly reason: string;
  readonly timer: Timer;
  readonly onGone: () => void;
}

/** A device to be told that a call is over. */
export interface LateComer {
  readonly deviceId: string;
  readonly port: CallPort;
  readonly timeline: Timeline;
  /** Reason header of the CANCEL. */
  readonly reason: string;
  /** Epoch milliseconds: how long it may take to come. */
  readonly until: number;
  /** It was told, or isn't waited for any longer. */
  readonly onGone: () => void;
}

/**
 * Devices that were pushed for a call that is over. Their CallKit shows it ringing; when such a device registers it gets the
 * INVITE and at once its CANCEL with the reason, unless it is in another call: that one's audio would suffer.
 */
export class LateComers {
  readonly #entries = new Map<string, Map<string, Entry>>();

  constructor(
    readonly clock: Clock,
    readonly isBusy: (device: Device) => boolean,
  ) {}

  get size(): number {
    return this.#entries.size;
  }

  add({ deviceId, until, ...rest }: LateComer): void {
    const { callUuid } = rest.timeline;
    const calls = this.#entries.get(deviceId) ?? new Map<string, Entry>();
    this.#entries.set(deviceId, calls);
    calls.get(callUuid)?.timer.cancel();
    const timer = this.clock.setTimeout(() => this.#remove(deviceId, callUuid), until - this.clock.now());
    calls.set(callUuid, { ...rest, timer });
  }

  /** A REGISTER of this device was accepted. */
  deviceRegistered(device: Device): void {
    const calls = this.#entries.get(device.id);
    const binding = bestBinding(device.bindings);
    if (calls === undefined || binding === undefined) return;
    for (const [callUuid, entry] of calls) {
      this.#remove(device.id, callUuid);
      if (this.isBusy(device)) {
        entry.timeline.record('late-device-busy', { device: device.id });
        continue;
      }
      entry.timeline.record('late-device-told', { device: device.id });
      const branch = entry.port.startBranch(device, binding, SILENT, randomCallId());
      branch.cancel(entry.reason);
    }
  }

  /** Waits for nobody any more; the journal still knows them. */
  close(): void {
    for (const calls of this.#entries.values()) for (const { timer } of calls.values()) timer.cancel();
    this.#entries.clear();
  }

  #remove(deviceId: string, callUuid: string): void {
    const calls = this.#entries.get(deviceId);
    const entry = calls?.get(callUuid);
    if (calls === undefined || entry === undefined) return;
    entry.timer.cancel();
    calls.delete(callUuid);
    if (calls.size === 0) this.#entries.delete(deviceId);
    entry.onGone();
  }
}

const SILENT = { provisional() {}, answered() {}, failed() {} };
