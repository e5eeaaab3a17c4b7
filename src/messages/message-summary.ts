import type { VoicemailCounts } from './notification.js';

const COUNTS = /^(\d{1,9})\s*\/\s*(\d{1,9})/;

/**
 * The voice messages that a message-summary tells of (RFC 3842 section 3.5). A summary without counts stands for one new message or
 * none. Undefined: it is none.
 */
export function parseMessageSummary(body: string): VoicemailCounts | undefined {
  const fields = new Map(
    body.split(/\r?\n/).flatMap((line) => {
      const colon = line.indexOf(':');
      return colon <= 0 ? [] : [[line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()] as const];
    }),
  );
  const waiting = fields.get('messages-waiting')?.toLowerCase();
  if (waiting !== 'yes' && waiting !== 'no') return undefined;
  const [, fresh, old] = COUNTS.exec(fields.get('voice-message') ?? '') ?? [];
  if (fresh === undefined || old === undefined) return { new: waiting === 'yes' ? 1 : 0, old: 0 };
  return { new: Number(fresh), old: Number(old) };
}
