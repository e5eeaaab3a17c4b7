import type { Device } from '../devices/types.js';
import type { CallInfo } from './records.js';
import type { WireNote } from './wire-note.js';

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

/** A call that did not reach some of its devices. */
export interface MissedCall {
  readonly why: 'missed' | 'answered-elsewhere';
  readonly devices: readonly Device[];
  readonly call: IncomingCall;
}

/** What `sip/` does with an INVITE it has handed in. */
export interface CallHandle {
  /** The caller sent CANCEL, or BYE; `answers` are what it got for that. */
  cancelled(reason?: string, answers?: readonly WireNote[]): void;
  /** A side of the answered call hung up, or the call could not be joined. */
  hungUp(by: string): void;
  /** SIP messages that the call knows nothing of, for its timeline. */
  wire(...notes: readonly WireNote[]): void;
}

/** The face of a call of which nothing but its record is left. */
export const NO_FACE: CallFace = { calledNumber: '', video: false, privacy: true };

/** What the journal keeps of a call that came in. */
export function infoOf({ face: _face, ...info }: IncomingCall): CallInfo {
  return info;
}
