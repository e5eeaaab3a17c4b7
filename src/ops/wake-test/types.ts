import type { Device, StateOf } from '../../devices/types.js';
import type { PushOutcome } from '../../push/provider.js';

/**
 * `silent`: a background push, which rings nothing but which Apple may delay; for apps that register when they get one. `call`: a VoIP
 * push as for a call, then an INVITE and at once its CANCEL: iOS wants a call to be shown for each VoIP push, so the phone shows
 * one for a moment.
 */
export type WakeMode = 'silent' | 'call';

/** The steps of a wake test, in order. One that failed is the last. */
export type WakeStepName = 'device' | 'push' | 'register' | 'options' | 'call';

export interface WakeStep {
  readonly step: WakeStepName;
  readonly ok: boolean;
  /** Milliseconds since the test began, when the step had ended. */
  readonly ms: number;
  /** Milliseconds that the step took. */
  readonly took: number;
  /** What was seen, in words. */
  readonly text: string;
}

/** What a wake test of one device came to. */
export interface WakeReport {
  readonly aor: string;
  readonly deviceId: string;
  readonly mode: WakeMode;
  /** The phone came back and answered. */
  readonly woken: boolean;
  readonly steps: readonly WakeStep[];
  /** Where it broke and what to do about it, or that all is well. */
  readonly verdict: string;
}

/** What a wake test needs of the devices. */
export interface TestedDevices {
  devicesOf(aor: string): Promise<readonly Device[]>;
  stateOf(device: Device): StateOf;
}

/** One push of a wake test. Never rejects. */
export interface WakePushOrder {
  readonly mode: WakeMode;
  readonly device: Device;
  readonly callUuid: string;
  /** Epoch milliseconds. */
  readonly deadline: number;
}

export type WakePush = (order: WakePushOrder) => Promise<PushOutcome>;
