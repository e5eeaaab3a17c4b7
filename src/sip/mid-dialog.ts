import type { Clock, Timer } from '../clock/clock.js';
import { bestBinding } from '../devices/best-binding.js';
import { readPurr } from '../devices/purr.js';
import { knownAsleep } from '../devices/state.js';
import type { Binding, Device } from '../devices/types.js';
import type { PushOutcome } from '../push/provider.js';

export interface MidDialogOptions {
  readonly clock: Clock;
  /** Key of PURRs. */
  readonly purrKey: Uint8Array;
  readonly devicesOf: (aor: string) => Promise<readonly Device[]>;
  readonly canWake: (device: Device) => boolean;
  /** Pushes for a call that is up. */
  readonly wake: (
    device: Device,
    callUuid: string,
    deadline: number,
    stillWanted: () => boolean,
  ) => Promise<PushOutcome>;
  /** The engine can send a dialog elsewhere than its own route set and remote target say. */
  readonly reroutes: boolean;
  /** How long a request waits for the phone, milliseconds; well under the 32 s of a non-INVITE transaction (RFC 4320). */
  readonly patience: number;
  readonly onFault: (error: unknown) => void;
}

/** A request of a dialog on its way to a phone. */
export interface MidDialogRequest {
  readonly callUuid: string;
  /** The `pn-purr` that the phone gave in the Contact of the dialog. */
  readonly purr: string;
  /** Sends it on; to `moved`, and its dialog with it, when the phone has registered there while the request waited. */
  readonly go: (moved?: Binding) => void;
  /** Refuses it: an answer that hurts this transaction only, never the dialog. */
  readonly refuse: (status: number, reason: string) => void;
}

interface Waiting extends MidDialogRequest {
  readonly timer: Timer;
}

/**
 * Holds requests inside a dialog whose phone sleeps, and wakes it (RFC 8599 section 6.2.3). Only a phone that gave a PURR in its
 * Contact is ever held for, and only while it is known to sleep: nothing else is delayed. The phone's next REGISTER that is
 * accepted lets them go in order, by the device that the PURR names, whatever URI it registers: to that URI, over its Path, since where
 * the phone was when the dialog was made it is no more.
 */
export class MidDialogHold {
  readonly #options: MidDialogOptions;
  readonly #waiting = new Map<string, Set<Waiting>>();

  constructor(options: MidDialogOptions) {
    this.#options = options;
  }

  /** Requests that wait. */
  get size(): number {
    let size = 0;
    for (const requests of this.#waiting.values()) size += requests.size;
    return size;
  }

  /** Sends a request on, at once or when its phone is awake. Gives the way to withdraw it while it waits. */
  pass(request: MidDialogRequest): () => void {
    const named = readPurr(this.#options.purrKey, request.purr);
    if (named === undefined) {
      request.go();
      return () => {};
    }
    let withdraw: (() => void) | undefined;
    let withdrawn = false;
    this.#options.devicesOf(named.aor).then(
      (devices) => {
        if (withdrawn) return;
        const device = devices.find(({ id }) => id === named.deviceId);
        if (device === undefined || !this.#mustWake(device)) request.go();
        else withdraw = this.#hold(device, request);
      },
      (error: unknown) => {
        this.#options.onFault(error);
        if (!withdrawn) request.go();
      },
    );
    return () => {
      withdrawn = true;
      withdraw?.();
    };
  }

  /** A REGISTER of these devices was accepted and answered. */
  registered(devices: readonly Device[]): void {
    for (const { aor, id, bindings } of devices) {
      const moved = this.#options.reroutes ? bestBinding(bindings) : undefined;
      const key = keyOf(aor, id);
      const requests = this.#waiting.get(key);
      this.#waiting.delete(key);
      for (const { timer, go } of requests ?? []) {
        timer.cancel();
        go(moved);
      }
    }
  }

  /** Refuses what still waits. */
  close(): void {
    for (const [key, requests] of this.#waiting) for (const request of requests) this.#refuse(key, request, 503);
  }

  #mustWake(device: Device): boolean {
    return knownAsleep(device, this.#options.clock.now()) && this.#options.canWake(device);
  }

  #hold(device: Device, request: MidDialogRequest): () => void {
    const { clock, patience, wake, onFault } = this.#options;
    const key = keyOf(device.aor, device.id);
    const requests = this.#waiting.get(key) ?? new Set<Waiting>();
    const first = requests.size === 0;
    const timer = clock.setTimeout(() => this.#refuse(key, waiting, 480), patience);
    const waiting: Waiting = { ...request, timer };
    this.#waiting.set(key, requests.add(waiting));
    if (first) {
      wake(device, request.callUuid, clock.now() + patience, () => requests.size > 0).then((outcome) => {
        if (outcome.kind !== 'refused' && outcome.kind !== 'unreachable') return;
        for (const held of [...requests]) this.#refuse(key, held, 480);
      }, onFault);
    }
    return () => {
      timer.cancel();
      this.#drop(key, waiting);
    };
  }

  #refuse(key: string, waiting: Waiting, status: 480 | 503): void {
    waiting.timer.cancel();
    if (!this.#drop(key, waiting)) return;
    waiting.refuse(status, status === 480 ? 'Temporarily Unavailable' : 'Service Unavailable');
  }

  #drop(key: string, waiting: Waiting): boolean {
    const requests = this.#waiting.get(key);
    const had = requests?.delete(waiting) ?? false;
    if (requests?.size === 0) this.#waiting.delete(key);
    return had;
  }
}

/** The `pn-purr` in a Contact header value. */
export function purrOf(contact: string | undefined): string | undefined {
  return /;\s*pn-purr=([^;>\s"]+)/i.exec(contact ?? '')?.[1];
}

function keyOf(aor: string, id: string): string {
  return `${aor} ${id}`;
}
