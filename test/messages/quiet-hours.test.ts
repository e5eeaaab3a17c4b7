import test from 'ava';
import {
  checkPreferences,
  MAX_MUTED,
  Preferences,
  PreferencesError,
  type UserPreferences,
} from '../../src/messages/preferences.js';
import { callsSilentAt, isQuiet, silenceAt } from '../../src/messages/quiet-hours.js';
import { MemoryStore } from '../../src/store/memory-store.js';

const at = (text: string): number => Date.parse(text);
const BERLIN = { from: '22:00', to: '07:00', timeZone: 'Europe/Berlin' };

for (const [moment, quiet] of [
  ['2026-01-05T20:59:59Z', false],
  ['2026-01-05T21:00:00Z', true],
  ['2026-01-05T23:30:00Z', true],
  ['2026-01-06T05:59:59Z', true],
  ['2026-01-06T06:00:00Z', false],
  // in summer the wall clock is another hour ahead
  ['2026-07-05T20:00:00Z', true],
  ['2026-07-06T05:00:00Z', false],
] as const) {
  test(`22:00 to 07:00 in Berlin, at ${moment}: ${quiet ? 'quiet' : 'not quiet'}`, (t) => {
    t.is(isQuiet(BERLIN, at(moment)), quiet);
  });
}

test('days are those on which the quiet hours begin', (t) => {
  const fridays = { ...BERLIN, days: [5] };
  t.false(isQuiet(fridays, at('2026-01-08T22:30:00Z')), 'Thursday evening');
  t.true(isQuiet(fridays, at('2026-01-09T22:30:00Z')), 'Friday evening');
  t.true(isQuiet(fridays, at('2026-01-10T05:00:00Z')), 'Saturday morning');
  t.false(isQuiet(fridays, at('2026-01-10T22:30:00Z')), 'Saturday evening');
  const sundays = { ...BERLIN, days: [7] };
  t.true(isQuiet(sundays, at('2026-01-12T05:00:00Z')), 'Monday morning');
});

test('within one day', (t) => {
  const lunch = { from: '12:00', to: '13:00', timeZone: 'Asia/Kolkata' };
  t.true(isQuiet(lunch, at('2026-01-05T06:30:00Z')));
  t.false(isQuiet(lunch, at('2026-01-05T07:30:00Z')));
});

test('mute, for a time, for a conversation', (t) => {
  const now = at('2026-01-05T12:00:00Z');
  t.is(silenceAt({}, now), undefined);
  t.is(silenceAt({ mute: {} }, now), 'muted');
  t.is(silenceAt({ mute: { until: now + 1 } }, now), 'muted');
  t.is(silenceAt({ mute: { until: now } }, now), undefined);
  t.is(silenceAt({ mutedConversations: ['a'] }, now, 'a'), 'muted');
  t.is(silenceAt({ mutedConversations: ['a'] }, now, 'b'), undefined);
  t.is(silenceAt({ quietHours: { ...BERLIN, from: '11:00' } }, now), 'quiet');
});

test('calls are silent only if the user asked for that', (t) => {
  const now = at('2026-01-05T12:00:00Z');
  t.false(callsSilentAt({ mute: {} }, now));
  t.true(callsSilentAt({ mute: {}, calls: true }, now));
  t.false(callsSilentAt({ calls: true }, now));
  t.false(callsSilentAt({ calls: true, mutedConversations: ['a'] }, now));
});

for (const [why, preferences, message] of [
  ['an hour that is none', { quietHours: { ...BERLIN, from: '24:00' } }, /quietHours\.from/],
  ['no hours at all', { quietHours: { ...BERLIN, to: '22:00' } }, /quietHours\.to/],
  ['an unknown time zone', { quietHours: { ...BERLIN, timeZone: 'Mars/Olympus' } }, /timeZone.*Europe\/Berlin/],
  ['an eighth day', { quietHours: { ...BERLIN, days: [8] } }, /1 \(Monday\) to 7/],
  ['half a millisecond', { mute: { until: 1.5 } }, /mute\.until/],
  ['too many conversations', { mutedConversations: Array(MAX_MUTED + 1).fill('a') }, /200/],
] as const satisfies readonly (readonly [string, UserPreferences, RegExp])[]) {
  test(`preferences are refused: ${why}`, (t) => {
    const error = t.throws(() => checkPreferences(preferences), { instanceOf: PreferencesError });
    t.regex(error?.message ?? '', message);
  });
}

test('preferences are kept by AOR, the last ones put', async (t) => {
  const preferences = new Preferences(new MemoryStore());
  t.deepEqual(await preferences.get('sip:2001@corp.example'), {});
  await Promise.all([
    preferences.put('sip:2001@corp.example', { mute: {} }),
    preferences.put('sip:2001@corp.example', { quietHours: BERLIN }),
  ]);
  t.deepEqual(await preferences.get('sip:2001@corp.example'), { quietHours: BERLIN });
  t.deepEqual(await preferences.get('sip:2002@corp.example'), {});
  await t.throwsAsync(preferences.put('sip:2001@corp.example', { quietHours: { ...BERLIN, to: '' } }));
  t.deepEqual(await preferences.get('sip:2001@corp.example'), { quietHours: BERLIN });
});
