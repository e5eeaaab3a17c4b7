import type { Clock } from '../clock/clock.js';
import type { Device, StateOf } from '../devices/types.js';
import { voipPayload } from '../push/payload.js';
import { Call, type CallInfo } from './call.js';
import { LateComers } from './late-comers.js';
import type { CallPolicy } from './policy.js';
import type { CallPort } from './port.js';
import { Timeline, type TimelineSink } from './timeline.js';
import type { Waker } from './waker.js';

/** The devices as calls see them. */
export interface CallDevices {
  /** Undefined: no such AOR. */
  devicesOf(aor: string): Promise<readonly Device[]>;
  stateOf(device: Device): StateOf;
  noteAsleep(aor: string, deviceId: string, reason: string): Promise<void>;
}

/** What a phone is shown of a call before the INVITE reaches it. */
export interface CallFace {
  readonly callerName?: string;
  readonly callerNumber?: string;
  readonly calledNumber: string;
  readonly video: boolean;
  readonly diversion?: string;
  /** The caller asked to stay unknown (RFC 3323, RFC 3325, Remote-Party-ID privacy). */
  readonly privacy: boolean;
}

export interface IncomingCall extends CallInfo {
  readonly face: CallFace;
}

export interface CallsOptions {
  readonly clock: Clock;
  readonly devices: CallDevices;
  readonly waker: Waker;
  readonly sink: TimelineSink;
  /** How many calls may be held or ringing at once; beyond, 503 with Retry-After. */
  readonly maxHeld: number;
  /** Told of a fault that is ours, with no secret in the text. */
  readonly onFault: (error: unknown, callUuid: string) => void;
}

/** What `sip/` does with an INVITE it has handed in. */
export interface CallHandle {
  /** The caller sent CANCEL. */
  cancelled(reason?: string): void;
  /** A side of the answered call hung up, or the call could not be joined. */
  hungUp(by: string): void;
}

/** All calls under way on this node. */
export class Calls {
  readonly #options: CallsOptions;
  readonly #calls = new Map<string, Call>();
  readonly #byAor = new Map<string, Set<Call>>();
  readonly #up = new Map<Call, Device>();
  readonly #lateComers: LateComers;
  #draining = false;
  #drained: (() => void) | undefined;

  constructor(options: CallsOptions) {
    this.#options = options;
    this.#lateComers = new LateComers(options.clock, LATE_COMER_PATIENCE, (device) => this.isBusy(device.id));
  }

  /** Calls under way, held, ringing and up. */
  get size(): number {
    return this.#calls.size;
  }

  /** Calls that are not answered yet. */
  get held(): number {
    return this.#calls.size - this.#up.size;
  }

  /** The device is in an answered call. */
  isBusy(deviceId: string): boolean {
    for (const device of this.#up.values()) if (device.id === deviceId) return true;
    return false;
  }

  /**
   * Takes a call in: rings and wakes the devices of its AOR. Returns undefined when it was refused on the spot
   * (draining, too many), with the refusal sent through the port.
   */
  incoming(incoming: IncomingCall, policy: CallPolicy, port: CallPort): CallHandle | undefined {
    const { clock, sink } = this.#options;
    const key = this.#freeKey(incoming);
    const timeline = new Timeline(incoming.callUuid, incoming.sessionId, clock, sink);
    timeline.record('invite-received', { aor: incoming.aor, trunk: incoming.trunk, callId: incoming.callId });
    const refusal = this.#draining ? 'shutdown' : this.held >= this.#options.maxHeld ? 'overload' : undefined;
    if (refusal !== undefined) {
      timeline.record('rejected-upstream', { status: 503 });
      timeline.record('end', { reason: refusal });
      port.reject(503, 'Service Unavailable', { retryAfter: 5 });
      return undefined;
    }
    const call = this.#make(key, incoming, policy, port, timeline);
    void this.#start(call, incoming);
    return call;
  }

  /** REGISTERs of these devices were accepted and answered. */
  registered(devices: readonly Device[]): void {
    for (const device of devices) {
      for (const call of [...(this.#byAor.get(device.aor) ?? [])]) call.deviceRegistered(device);
      this.#lateComers.deviceRegistered(device);
    }
  }

  /** The REGISTER of this device was refused for good. */
  registerRefused(aor: string, deviceId: string, status: number): void {
    for (const call of [...(this.#byAor.get(aor) ?? [])]) call.deviceRefused(deviceId, status);
  }

  /** Takes no new calls; settles when those that are held have ended or been answered, or at once without any. */
  drain(): Promise<void> {
    this.#draining = true;
    if (this.held === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#drained = resolve;
    });
  }

  /** Ends what is left. */
  close(): void {
    this.#draining = true;
    for (const call of [...this.#calls.values()]) call.abort('shutdown', 'the process ends');
    this.#lateComers.close();
  }

  #make(key: string, incoming: IncomingCall, policy: CallPolicy, port: CallPort, timeline: Timeline): Call {
    const { clock, devices, waker } = this.#options;
    const call = new Call(incoming, {
      clock,
      policy,
      port,
      timeline,
      stateOf: (device) => devices.stateOf(device),
      canWake: (device) => waker.tokenFor(device) !== undefined,
      wake: (device, deadline, stillWanted) =>
        waker.wake({
          callUuid: incoming.callUuid,
          device,
          deadline,
          stillWanted,
          payload: voipPayload({
            callUuid: incoming.callUuid,
            trunk: incoming.trunk,
            expiresAt: deadline,
            ...incoming.face,
          }),
        }),
      noteAsleep: (device, reason) => {
        devices.noteAsleep(device.aor, device.id, reason).catch((error) => this.#fault(error, incoming.callUuid));
      },
      onLeftWaking: (left, reason) => {
        for (const device of left) this.#lateComers.add(device, port, timeline, reason);
      },
      onUp: (device) => {
        this.#up.set(call, device);
        this.#checkDrained();
      },
      onEnd: () => this.#onEnd(key, call),
    });
    this.#calls.set(key, call);
    const calls = this.#byAor.get(incoming.aor) ?? new Set<Call>();
    this.#byAor.set(incoming.aor, calls.add(call));
    return call;
  }

  async #start(call: Call, incoming: IncomingCall): Promise<void> {
    try {
      call.start(await this.#options.devices.devicesOf(incoming.aor));
    } catch (error) {
      this.#fault(error, incoming.callUuid);
      call.abort('failed', 'devices could not be read');
    }
  }

  #onEnd(key: string, call: Call): void {
    this.#calls.delete(key);
    this.#up.delete(call);
    const calls = this.#byAor.get(call.info.aor);
    calls?.delete(call);
    if (calls?.size === 0) this.#byAor.delete(call.info.aor);
    this.#checkDrained();
  }

  #checkDrained(): void {
    if (this.held === 0) this.#drained?.();
  }

  #freeKey({ callUuid, aor, callId }: CallInfo): string {
    const key = `${callUuid} ${aor}`;
    return this.#calls.has(key) ? `${key} ${callId}` : key;
  }

  #fault(error: unknown, callUuid: string): void {
    this.#options.onFault(error, callUuid);
  }
}

/** Apple may hand a push over some seconds late, and a REGISTER on a bad network takes up to 32 s. */
const LATE_COMER_PATIENCE = 45_000;
