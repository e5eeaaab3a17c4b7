import { z } from 'zod';
import { duration, pattern, text, whole } from './fields.js';

const webhook = z.strictObject({
  url: pattern(/^https?:\/\/[^\s/]+/, 'an http or https URL'),
  /** Signs each body, so that the receiver can tell who sent it. */
  secret: text('a secret').exactOptional(),
});

/** Who is told of alarms, besides the log and the API. */
export const alarms = z.strictObject({
  webhooks: z.array(webhook, { error: 'a list of webhooks, each with a url' }).default([]),
  /** Changes of alarms that are kept in the store, and for how long. */
  keep: whole(100, 1_000_000).default(10_000),
  retention: duration('1h', '3650d', '90d'),
  /** How long before its end a certificate is an alarm. */
  certificateNotice: duration('1d', '365d', '30d'),
});
