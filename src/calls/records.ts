import type { LegRecord } from './leg.js';
import type { EndReason } from './policy.js';
import type { BranchResponse, RejectOptions } from './port.js';

/** What is known of a call when its INVITE comes. */
export interface CallInfo {
  readonly callUuid: string;
  readonly sessionId?: string;
  readonly callId: string;
  /** Whom it is for. */
  readonly aor: string;
  /** Name of the trunk it came from. */
  readonly trunk: string;
  /** The INVITE's Expires in milliseconds. */
  readonly expires?: number;
  /** It is for this device only, not for all of the AOR: the request named it (RFC 8599 section 6, RFC 3327). */
  readonly deviceId?: string;
  /** The device that calls, when it is one and known which. */
  readonly callerDevice?: string;
}

/** A call that waits for a device, or rings. Times in epoch milliseconds. */
export interface HeldRecord {
  readonly holdUntil: number;
  readonly ringUntil: number;
  readonly legs: readonly LegRecord[];
}

/** A call that was answered. */
export interface UpRecord {
  readonly device: string;
  /** The branch that won. */
  readonly branch: string;
  readonly answeredAt: number;
  /** What the caller is answered with, or was. */
  readonly answer: BranchResponse;
}

/** A device that was pushed for a call and has not registered since: it is to be told that the call is over. */
export interface LateRecord {
  readonly device: string;
  readonly reason: string;
  /** Epoch milliseconds at which it is given up. */
  readonly until: number;
}

/** The final response of 300 or more that the caller gets, without what a phone gave for it. */
export interface FinalRecord {
  readonly status: number;
  readonly reason: string;
  readonly options: Omit<RejectOptions, 'from'>;
}

/** One call. An entry without `held`, `up`, `final`, `late` and `end` is over and not kept. */
export interface CallRecord {
  readonly version: typeof VERSION;
  /** The run of the SIP engine that its transactions and dialogs live in. */
  readonly engine: string;
  readonly info: CallInfo;
  readonly startedAt: number;
  readonly held?: HeldRecord;
  readonly up?: UpRecord;
  /** The engine has not said yet that it has sent this. */
  readonly final?: FinalRecord;
  readonly late?: readonly LateRecord[];
  /** How it ended, until the timeline has that. */
  readonly end?: EndReason;
  /** What its port is made from again. */
  readonly port?: unknown;
}

/** Of {@link CallRecord}. */
export const VERSION = 1;
