import { refusal } from './final.js';
import type { CallPort } from './port.js';
import type { Timeline } from './timeline.js';

/** Why a call is refused, in words for the caller's administrator. */
export const ENDING = 'callwake is about to end';
export const CLEARED = 'an operator ended the call';
export const AOR_FULL = 'as many calls wait for this user as may';
export const TRUNK_FULL = 'the trunk has as many calls as it may';

/** Refuses a new call with 503 that says why; with 486 what is one user's trouble alone, as CUCM takes 503 for the trunk's. */
export function turnAway(reason: 'shutdown' | 'overload', why: string, port: CallPort, timeline: Timeline): void {
  const status = why === AOR_FULL ? 486 : 503;
  timeline.record('rejected-upstream', { status, why });
  timeline.record('end', { reason });
  if (status === 486) port.reject(486, 'Busy Here', { warning: why });
  else port.reject(503, 'Service Unavailable', { ...refusal(reason), retryAfter: 5, warning: why });
}
