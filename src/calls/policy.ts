import type { CodeMap } from './final.js';
import type { BranchResponse } from './port.js';

/** How calls of one trunk are treated. Times in milliseconds. */
export interface CallPolicy {
  /** After this long without a ringing phone the caller is told something. */
  readonly ringbackAfter: number;
  /** What the caller is told then. 110 is the "Push Sent" that Flexisip uses. */
  readonly ringback: 180 | 183 | 110 | 'none';
  /** How long a call waits for a device to wake. */
  readonly hold: number;
  /** How long a call may last from INVITE to answer; the INVITE's Expires shortens it. */
  readonly ring: number;
  /** How long an active device may show no sign of life before it is taken for asleep. 0: for ever. */
  readonly probe: number;
  /** What becomes of the call when nobody woke: a leg to a number over the trunk, if there is one, and else or then this answer. */
  readonly whenNotWoken: { readonly answer: number; readonly contact?: string; readonly fallback?: string };
  /** Final responses that this trunk gets in place of others. */
  readonly codes?: CodeMap;
}

/** Why a call ended, or left the hold for good. */
export type EndReason =
  | 'answered'
  | 'cancelled'
  | 'not-woken'
  | 'rejected'
  | 'no-answer'
  | 'push-failed'
  | 'unreachable'
  | 'cleared'
  | 'overload'
  | 'shutdown'
  | 'failed';

/**
 * Final responses that say the device was not reached, rather than that somebody refused. 404 and 410 come from an edge that has
 * forgotten the phone's flow, as after a restart, or from whoever has the phone's old address now.
 */
export function saysNotReached(response: BranchResponse): boolean {
  return response.local === true || [404, 408, 410, 430, 480, 503].includes(response.status);
}

const PREFERENCE = [486, 600, 603, 607, 608, 604, 606, 488, 415, 420, 484];

/**
 * The final response that goes to the caller when all branches have failed (RFC 3261 16.7 step 6, with a person's own
 * refusal before anything that only tells of the network). Undefined if nothing but "not reached" was heard.
 */
export function bestResponse(responses: readonly BranchResponse[]): BranchResponse | undefined {
  const heard = responses.filter((response) => !saysNotReached(response));
  return heard.reduce<BranchResponse | undefined>(
    (best, response) => (best === undefined || rank(response) < rank(best) ? response : best),
    undefined,
  );
}

function rank(response: BranchResponse): number {
  if (response.status >= 600) return response.status - 600;
  const preferred = PREFERENCE.indexOf(response.status);
  return preferred >= 0 ? 100 + preferred : 200 + response.status;
}

/** Reason phrases of the provisional responses that callwake makes itself. */
export const RINGBACK = { 110: 'Push sent', 180: 'Ringing', 182: 'Queued', 183: 'Session Progress' } as const;

/**
 * drachtio-server drops an INVITE without a word when it has heard nothing about it for 64 s, and a proxy on the way may do so
 * three minutes after the last provisional response (RFC 3261 16.6, timer C): so the caller hears something by then, and again
 * every minute (13.3.1.1).
 */
export const FIRST_WORD = 45_000;
export const REPEAT_WORD = 60_000;

const MISSED: ReadonlySet<EndReason> = new Set([
  'cancelled',
  'not-woken',
  'no-answer',
  'push-failed',
  'unreachable',
  'cleared',
]);

/** Whether a person has missed a call that ended so. */
export function isMissed(reason: EndReason): boolean {
  return MISSED.has(reason);
}
