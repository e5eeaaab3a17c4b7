import type { QuietHours, UserPreferences } from './preferences.js';

/** Why a user is not to be disturbed now; undefined when he may be. */
export type Silence = 'muted' | 'quiet';

/** Whether preferences forbid an alert at a moment (epoch milliseconds). */
export function silenceAt(
  { mute, mutedConversations, quietHours }: UserPreferences,
  now: number,
  conversation?: string,
): Silence | undefined {
  if (mute !== undefined && (mute.until === undefined || now < mute.until)) return 'muted';
  if (conversation !== undefined && mutedConversations?.includes(conversation)) return 'muted';
  return quietHours !== undefined && isQuiet(quietHours, now) ? 'quiet' : undefined;
}

/** Whether preferences forbid to wake a sleeping phone for a call at a moment (epoch milliseconds): only if the user asked for that. */
export function callsSilentAt(preferences: UserPreferences, now: number): boolean {
  return preferences.calls === true && silenceAt(preferences, now) !== undefined;
}

/** Whether a moment lies in quiet hours; `from` belongs to them, `to` doesn't. By the clock on the wall, daylight saving time included. */
export function isQuiet({ from, to, timeZone, days }: QuietHours, now: number): boolean {
  const { day, time } = wallClock(timeZone, now);
  const begins = (on: number): boolean => days === undefined || days.length === 0 || days.includes(on);
  if (from < to) return time >= from && time < to && begins(day);
  if (time >= from) return begins(day);
  return time < to && begins(day === 1 ? 7 : day - 1);
}

/** Whether the name is a time zone that can be computed with. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-GB', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

function wallClock(timeZone: string, now: number): { day: number; time: string } {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const parts = new Map(format.formatToParts(now).map(({ type, value }) => [type, value]));
  return {
    day: DAYS.indexOf(parts.get('weekday') ?? '') + 1,
    time: `${parts.get('hour')}:${parts.get('minute')}`,
  };
}
