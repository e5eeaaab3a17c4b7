import type { Clock, Timer } from '../clock/clock.js';
import type { Device } from '../devices/types.js';
import { bestBinding } from './leg.js';
import type { CallPort } from './port.js';
import type { Timeline } from './timeline.js';

interface Entry {
  readonly port: CallPort;
  readonly timeline: Timeline;
  readonly reason: string;
  readonly timer: Timer;
}

/**
 * Devices that were pushed for a call that is over. Their CallKit shows it ringing; when such a device registers it gets the
 * INVITE and at once its CANCEL with the reason, unless it is in another call: that one's audio would suffer.
 */
export class LateComers {
  readonly #entries = new Map<string, Map<string, Entry>>();

  constructor(
    readonly clock: Clock,
    /** How long a device may take to come, in milliseconds. */
    readonly patience: number,
    readonly isBusy: (device: Device) => boolean,
  ) {}

  get size(): number {
    return this.#entries.size;
  }

  add(device: Device, port: CallPort, timeline: Timeline, reason: string): void {
    const calls = this.#entries.get(device.id) ?? new Map<string, Entry>();
    this.#entries.set(device.id, calls);
    calls.get(timeline.callUuid)?.timer.cancel();
    const timer = this.clock.setTimeout(() => this.#remove(device.id, timeline.callUuid), this.patience);
    calls.set(timeline.callUuid, { port, timeline, reason, timer });
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
      const branch = entry.port.startBranch(device, binding, { provisional() {}, answered() {}, failed() {} });
      branch.cancel(entry.reason);
    }
  }

  close(): void {
    for (const [deviceId, calls] of this.#entries) for (const uuid of calls.keys()) this.#remove(deviceId, uuid);
  }

  #remove(deviceId: string, callUuid: string): void {
    const calls = this.#entries.get(deviceId);
    calls?.get(callUuid)?.timer.cancel();
    calls?.delete(callUuid);
    if (calls?.size === 0) this.#entries.delete(deviceId);
  }
}
