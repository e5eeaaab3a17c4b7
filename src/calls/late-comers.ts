import type { Clock, Timer } from '../clock/clock.js';
import { bestBinding } from '../devices/best-binding.js';
import type { Binding, Device } from '../devices/types.js';
import { randomCallId } from '../grammar/token.js';
import type { CallPort } from './port.js';
import type { CallInfo } from './records.js';
import type { Timeline } from './timeline.js';

interface Entry {
  readonly info: CallInfo;
  readonly left: boolean;
  readonly port: CallPort;
  readonly timeline: Timeline;
  readonly reason: string;
  readonly timer: Timer;
  readonly onGone: () => void;
}

/** A device to be told that a call is over. */
export interface LateComer {
  readonly info: CallInfo;
  /** A process before this one left it. */
  readonly left?: boolean;
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
    /** Whether the call is this process's business, where others may have it: what they do with it must not be disturbed. */
    readonly owns?: (info: CallInfo, left: boolean) => Promise<boolean>,
  ) {}

  get size(): number {
    return this.#entries.size;
  }

  add({ deviceId, until, left = false, ...rest }: LateComer): void {
    const { callUuid } = rest.info;
    const calls = this.#entries.get(deviceId) ?? new Map<string, Entry>();
    this.#entries.set(deviceId, calls);
    calls.get(callUuid)?.timer.cancel();
    const timer = this.clock.setTimeout(() => this.#remove(deviceId, callUuid), until - this.clock.now());
    calls.set(callUuid, { ...rest, left, timer });
  }

  /** A REGISTER of this device was accepted. */
  deviceRegistered(device: Device): void {
    const calls = this.#entries.get(device.id);
    const binding = bestBinding(device.bindings);
    if (calls === undefined || binding === undefined) return;
    for (const entry of [...calls.values()]) {
      if (this.owns === undefined) this.#tell(device, binding, entry);
      else void this.owns(entry.info, entry.left).then((owns) => owns && this.#tell(device, binding, entry));
    }
  }

  /** The call is another process's now, and nothing is to be written of it. */
  forget({ callUuid, callId }: Pick<CallInfo, 'callUuid' | 'callId'>): void {
    for (const [deviceId, calls] of [...this.#entries]) {
      if (calls.get(callUuid)?.info.callId === callId) this.#drop(deviceId, callUuid);
    }
  }

  #tell(device: Device, binding: Binding, entry: Entry): void {
    const { callUuid } = entry.info;
    if (this.#entries.get(device.id)?.get(callUuid) !== entry) return;
    this.#remove(device.id, callUuid);
    if (this.isBusy(device)) {
      entry.timeline.record('late-device-busy', { device: device.id });
      return;
    }
    entry.timeline.record('late-device-told', { device: device.id });
    entry.port.startBranch(device, binding, SILENT, randomCallId()).cancel(entry.reason);
  }

  /** Waits for nobody any more; the journal still knows them. */
  close(): void {
    for (const calls of this.#entries.values()) for (const { timer } of calls.values()) timer.cancel();
    this.#entries.clear();
  }

  #remove(deviceId: string, callUuid: string): void {
    this.#drop(deviceId, callUuid)?.onGone();
  }

  #drop(deviceId: string, callUuid: string): Entry | undefined {
    const calls = this.#entries.get(deviceId);
    const entry = calls?.get(callUuid);
    if (calls === undefined || entry === undefined) return undefined;
    entry.timer.cancel();
    calls.delete(callUuid);
    if (calls.size === 0) this.#entries.delete(deviceId);
    return entry;
  }
}

const SILENT = { provisional() {}, answered() {}, failed() {} };
