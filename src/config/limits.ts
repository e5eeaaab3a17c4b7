import { z } from 'zod';
import { duration, whole } from './fields.js';

const MAX = 10_000_000;

/** So many in a time; `count: 0` is no limit. */
function rate(count: number, per: string) {
  return z.strictObject({ count: whole(0, MAX).default(count), per: duration('1s', '1d', per) }).prefault({});
}

/** What nobody may have more of. */
export const limits = z.strictObject({
  /** Pushes, checked in this order. A call whose phones get none ends as if Apple had refused them. */
  pushes: z
    .strictObject({
      /** Of every kind, to one phone. */
      perDevice: rate(60, '10m'),
      /** Of calls from one number. */
      perCaller: rate(300, '1m'),
      /** Of calls from one trunk. */
      perTrunk: rate(30_000, '1m'),
    })
    .prefault({}),
  /** Calls that wait for an answer, for one user; 486 beyond. 0: no limit. */
  heldPerAor: whole(0, 10_000).default(20),
  /** Calls of one user's phones to the trunk; 403 beyond. */
  outboundCalls: rate(60, '1m'),
  /** REGISTERs from one address that is no edge's; 503 beyond. */
  registrations: rate(600, '1m'),
  /** Addresses that fail to authenticate, or whose program calls itself a scanner. 403 to all they ask for. */
  bans: z
    .strictObject({
      failures: whole(0, 10_000).default(10),
      within: duration('1s', '1d', '5m'),
      for: duration('1s', '7d', '10m'),
    })
    .prefault({}),
});
