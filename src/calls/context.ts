import type { Clock } from '../clock/clock.js';
import type { Binding, Device, StateOf } from '../devices/types.js';
import type { PushOutcome } from '../push/provider.js';
import type { CallPolicy, EndReason } from './policy.js';
import type { CallPort } from './port.js';
import type { FinalRecord, HeldRecord, UpRecord } from './records.js';
import type { Timeline } from './timeline.js';

/**
 * Where a call writes down what another process must know to go on with it. What `held`, `up` and `rejected` wrote when they return
 * outlives the process.
 */
export interface CallJournal {
  held(record: HeldRecord): void;
  up(record: UpRecord): void;
  /** The caller is about to get this. */
  rejected(record: FinalRecord, end: EndReason): void;
  /** The engine has sent it. */
  told(): void;
  over(end: EndReason): void;
}

/** What a call asks of the rest. */
export interface CallContext {
  readonly clock: Clock;
  readonly policy: CallPolicy;
  readonly port: CallPort;
  readonly timeline: Timeline;
  readonly journal: CallJournal;
  readonly stateOf: (device: Device) => StateOf;
  /** The other node that a binding is reached over; undefined: none. */
  readonly nodeOf: (binding: Binding) => string | undefined;
  readonly canWake: (device: Device) => boolean;
  /** `stillWanted` is asked before the push is sent, each time it is tried; `onLeave` is called when it leaves the process. */
  readonly wake: (
    device: Device,
    deadline: number,
    stillWanted: () => boolean,
    onLeave?: () => void,
  ) => Promise<PushOutcome>;
  /** A call has seen that an `active` device sleeps. */
  readonly noteAsleep: (device: Device, reason: string) => void;
  /** Devices that were pushed and never rung: their CallKit shows a call that is over. The journal is written right after. */
  readonly onLeftWaking: (devices: readonly Device[], reason: string) => void;
  /** Devices that no INVITE reached, now that the call was answered elsewhere or is over. */
  readonly onMissed: (devices: readonly Device[], why: 'missed' | 'answered-elsewhere') => void;
  /** The call is up, with this device, or with none when the fallback number answered. */
  readonly onUp: (device: Device | undefined) => void;
  readonly onEnd: (reason: EndReason) => void;
}

/** `held`: no phone rings; `ringing`: at least one did; `up`: answered and joined; `over`. */
export type CallState = 'held' | 'ringing' | 'up' | 'over';
