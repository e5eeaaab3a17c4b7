import { z } from 'zod';
import { pattern } from './fields.js';

/** This node among those that share a Redis. */
export const cluster = z.strictObject({
  /** Its own among all; the machine's name if not given. */
  node: pattern(/^[\w.-]{1,64}$/, 'letters, digits, dots and dashes').exactOptional(),
  /** Where other nodes reach its SIP engine. */
  address: pattern(
    /^sips?:[^\s<>"@]+$/,
    'a SIP URI without user, such as sip:192.0.2.1:5060;transport=tcp',
  ).exactOptional(),
});
