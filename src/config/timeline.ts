import { z } from 'zod';
import { whole } from './fields.js';

/** What is kept of calls, so that one can be looked at later. */
export const timeline = z.strictObject({
  /** Calls that are over and kept in memory with their events. */
  calls: whole(1, 1_000_000).default(2000),
});
