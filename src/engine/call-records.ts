import type { SipMessage } from './message/index.js';

/** Who made what happened: a message from the network, or this engine or its application. */
export type RecordSource = 'network' | 'application';
/** Which part a call was for this engine. */
export type CdrRole = 'uas' | 'uac' | 'proxy-uas' | 'proxy-uac';
export type CdrReason = 'normal-release' | 'call-rejected' | 'call-canceled' | 'ackTimeout';

/** Call detail records as drachtio-server has them: of each leg an attempt, then a start or a stop, after a start a stop. */
export interface CallRecords {
  attempt(source: RecordSource, message: SipMessage): void;
  start(source: RecordSource, role: CdrRole, message: SipMessage): void;
  stop(source: RecordSource, reason: CdrReason, message: SipMessage): void;
}

export const noRecords: CallRecords = { attempt() {}, start() {}, stop() {} };

/** Why a leg ended that got this final response. */
export function reasonOf(status: number): CdrReason {
  return status === 487 ? 'call-canceled' : 'call-rejected';
}
