import { createHash } from 'node:crypto';

/** The trace id of a call: its call UUID without dashes, so that one leads to the other; of what is none, half of its hash. */
export function traceIdOf(callUuid: string): string {
  const bare = callUuid.replaceAll('-', '').toLowerCase();
  if (/^[0-9a-f]{32}$/.test(bare) && !/^0+$/.test(bare)) return bare;
  return createHash('sha256').update(callUuid).digest('hex').slice(0, 32);
}
