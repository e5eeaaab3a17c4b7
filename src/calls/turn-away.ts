import { refusal } from './final.js';
import type { CallPort } from './port.js';
import type { Timeline } from './timeline.js';

/** Why a call is refused, in words for the caller's administrator. */
export const ENDING = 'callwake is about to end';
export const CLEARED = 'an operator ended the call';
export const TRUNK_FULL = 'the trunk has as many calls as it may';

/** Refuses a new call with 503 that says why. */
export function turnAway(reason: 'shutdown' | 'overload', why: string, port: CallPort, timeline: Timeline): void {
  timeline.record('rejected-upstream', { status: 503, why });
  timeline.record('end', { reason });
  port.reject(503, 'Service Unavailable', { ...refusal(reason), retryAfter: 5, warning: why });
}
