import { z } from 'zod';
import { duration, flag, whole } from './fields.js';

/** Messages, invitations and voicemail for phones that may sleep. */
export const messages = z.strictObject({
  /** The longest body, in bytes; beyond, 413. */
  maxSize: whole(1, 65_000).default(16_384),
  /** How long a message waits for its phone. */
  retention: duration('1m', '60d', '7d'),
  /** How long a phone that seems awake may take to answer before the message is stored. */
  answerWithin: duration('500ms', '20s', '5s'),
  /** What may wait for one phone, and for all together; beyond, 503 with Retry-After. */
  messagesPerDevice: whole(1, 1_000_000).default(1000),
  bytesPerDevice: whole(1, 1_000_000_000).default(2_000_000),
  maxStored: whole(1, 100_000_000).default(1_000_000),
  /** How many undeliverable ones are kept. */
  maxDead: whole(1, 1_000_000).default(10_000),
  /** MESSAGEs that wait for an answer. */
  maxPending: whole(1, 1_000_000).default(2000),
  /** Phones that stored messages go to at once. */
  deliverAtOnce: whole(1, 100).default(50),
  /** Before a delivery that a phone has refused for a time is tried again; each time twice as long. */
  retryAfter: duration('1s', '15m', '30s'),
  maxRefusals: whole(0, 1000).default(5),
  /** No push to a phone while another one of the user was in use within this time; 0s: each on its own. */
  otherActive: duration('0s', '1d', '300s'),
  /** How long Apple keeps an alert for a phone that is switched off. */
  keep: duration('0s', '30d', '1d'),
  /** What is done with message-summary. */
  voicemail: z
    .strictObject({
      /** An alert for new voice messages; otherwise the badge only. */
      alert: flag().default(false),
      /** The NOTIFY goes on to the phones that are awake. */
      relay: flag().default(true),
    })
    .prefault({}),
});
