import type { EndReason } from './policy.js';
import type { RejectOptions } from './port.js';

/** The final response that a trunk gets, by the one that callwake would send. */
export type CodeMap = Readonly<Record<string, number>>;

/** Reason phrases of the responses that callwake makes itself (RFC 3261 21). */
export const PHRASES: Readonly<Record<number, string>> = {
  302: 'Moved Temporarily',
  403: 'Forbidden',
  404: 'Not Found',
  408: 'Request Timeout',
  480: 'Temporarily Unavailable',
  486: 'Busy Here',
  487: 'Request Terminated',
  488: 'Not Acceptable Here',
  500: 'Server Internal Error',
  503: 'Service Unavailable',
  600: 'Busy Everywhere',
  603: 'Decline',
};

/** Refusals by a person or of the media: the caller's side may know and act on them. */
const SPOKEN = new Set([415, 486, 488, 600, 603, 606, 607, 608]);

/**
 * What goes to the caller for a phone's final response. Refusals by a person or of the media stay; a redirect stays; what only tells of
 * the phone's own path (404 of an old Contact, 482, 5xx ...) becomes 480, since to CUCM a 404 is an unallocated number and a 5xx is
 * trouble of the trunk. Request errors that the caller can mend (4xx about the message itself) stay.
 */
export function towardCaller(status: number): number {
  if (SPOKEN.has(status) || (status >= 300 && status < 400)) return status;
  if (status >= 600) return 603;
  if (status >= 500) return 480;
  return MENDABLE.has(status) ? status : 480;
}

const MENDABLE = new Set([
  400, 405, 406, 413, 414, 416, 420, 421, 422, 423, 425, 428, 433, 436, 437, 438, 470, 489, 493,
]);

/** What the final response says of why the call ended: the Reason header's cause of ITU-T Q.850. */
export function refusal(reason: EndReason): RejectOptions {
  const q850 = Q850[reason];
  return q850 === undefined ? {} : { q850 };
}

/** The same for a call that callwake itself ends, with its words; after trouble the caller may try again. */
export function ownRefusal(reason: EndReason, text: string): RejectOptions {
  return { ...refusal(reason), ...(reason === 'cleared' ? {} : { retryAfter: 5 }), warning: text };
}

const Q850: Readonly<Partial<Record<EndReason, { readonly cause: number; readonly text: string }>>> = {
  'not-woken': { cause: 20, text: 'Subscriber absent' },
  'push-failed': { cause: 20, text: 'Subscriber absent' },
  unreachable: { cause: 20, text: 'Subscriber absent' },
  'no-answer': { cause: 19, text: 'No answer from user' },
  cleared: { cause: 31, text: 'Normal, unspecified' },
  overload: { cause: 42, text: 'Switching equipment congestion' },
  shutdown: { cause: 41, text: 'Temporary failure' },
  failed: { cause: 41, text: 'Temporary failure' },
};
