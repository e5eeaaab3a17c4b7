import type { Clock } from '../clock/clock.js';
import type { SendResult } from './message.js';

/**
 * What an answer to a MESSAGE says of the device and of the message: it has it; it was not reached; it can't take it now; it won't ever
 * take it.
 */
export type Verdict = 'delivered' | 'not-reached' | 'later' | 'refused';

/** Responses that say that a device was not reached (RFC 5626 430; an edge's 480; 404 and 410 of an edge that lost its flow). */
const NOT_REACHED = new Set([404, 408, 410, 430, 480]);
/** Responses that may be another one next time. */
const LATER = new Set([486, 491, 500, 502, 504, 580, 600]);

/** Reads a final answer to a MESSAGE that went to a device. */
export function verdictOf({ status, local }: Pick<SendResult, 'status' | 'local'>): Verdict {
  if (status >= 200 && status < 300) return 'delivered';
  if (local || NOT_REACHED.has(status) || status === 503) return 'not-reached';
  return LATER.has(status) ? 'later' : 'refused';
}

/** Stands for an answer that has not come. */
export const NO_ANSWER: SendResult = { status: 408, reason: 'No Answer', local: true, headers: [], body: '' };

/** The answer if it comes within `ms`, or what stands for none; an answer that comes after that is told to `onLate`. */
export function within(
  clock: Clock,
  ms: number,
  sent: Promise<SendResult>,
  onLate: (result: SendResult) => void,
): Promise<SendResult> {
  return new Promise((resolve) => {
    let over = false;
    const timer = clock.setTimeout(() => {
      over = true;
      resolve(NO_ANSWER);
    }, ms);
    void sent.then((result) => {
      if (over) onLate(result);
      timer.cancel();
      resolve(result);
    });
  });
}
