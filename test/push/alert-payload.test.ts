import { randomBytes } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import { type AlertFacts, alertOf } from '../../src/push/alert-payload.js';
import { LOC_KEYS } from '../../src/push/alert-texts.js';
import type { PushContent, Recipient } from '../../src/push/recipient.js';
import { isCutBetweenCharacters, opened } from './opened.js';

const at = 1_767_600_000_000;
const missed: AlertFacts = {
  kind: 'missed-call',
  callUuid: '7d444840-9dc0-11d1-b245-5ffdce74fad2',
  callerName: 'Ada Lovelace',
  callerNumber: '1001',
  calledNumber: '2001',
  privacy: false,
  at,
};
const message: AlertFacts = {
  kind: 'message',
  id: 'm-1',
  senderName: 'Grace Hopper',
  sender: 'sip:1002@corp.example',
  conversation: 'room@conference.corp.example',
  text: 'Lunch at twelve?',
  badge: 3,
  at,
};
const invitation: AlertFacts = {
  kind: 'invitation',
  id: 'i-1',
  senderName: 'Grace Hopper',
  subject: 'Budget',
  startsAt: at + 3_600_000,
  link: 'https://meet.corp.example/budget',
  at,
};
const voicemail: AlertFacts = { kind: 'voicemail', newMessages: 2, oldMessages: 5, privacy: false, at };
const key = { bytes: randomBytes(32), id: 'k1' };

const clear: Recipient = { content: 'clear' };

test('a missed call', (t) => {
  t.deepEqual(alertOf(missed).payload(clear), {
    aps: {
      alert: { title: 'Missed call', 'title-loc-key': 'Missed call', body: 'Ada Lovelace (1001)' },
      sound: 'default',
      'thread-id': 'callwake.calls',
    },
    callwake: {
      v: 1,
      type: 'missed-call',
      callUuid: '7d444840-9dc0-11d1-b245-5ffdce74fad2',
      callerName: 'Ada Lovelace',
      callerNumber: '1001',
      calledNumber: '2001',
      at,
      privacy: false,
    },
  });
  t.is(alertOf(missed).collapseId, '7d444840-9dc0-11d1-b245-5ffdce74fad2');
});

test('a call answered elsewhere makes no noise, and a caller who asked to stay unknown does', (t) => {
  const { aps, callwake } = alertOf({ ...missed, kind: 'answered-elsewhere', privacy: true }).payload(clear);
  t.deepEqual(aps, {
    alert: {
      title: 'Answered on another device',
      'title-loc-key': 'Answered on another device',
      body: 'Unknown caller',
      'loc-key': 'Unknown caller',
    },
    'thread-id': 'callwake.calls',
  });
  t.notRegex(JSON.stringify(callwake), /Ada|1001/);
});

test('a message: its own words, stacked by conversation, with the badge', (t) => {
  const { payload, collapseId, priority } = alertOf(message);
  t.like(payload(clear), {
    aps: {
      alert: { title: 'Grace Hopper', body: 'Lunch at twelve?' },
      badge: 3,
      sound: 'default',
      'thread-id': 'callwake.message room@conference.corp.example',
    },
    callwake: { v: 1, type: 'message', id: 'm-1', sender: 'sip:1002@corp.example', at },
  });
  t.false('loc-key' in (payload(clear).aps.alert ?? {}));
  t.is(priority, 10);
  t.is(collapseId, alertOf({ ...message, id: 'm-2' }).collapseId, 'a later one takes its place');
  t.not(collapseId, alertOf({ ...message, conversation: 'other' }).collapseId);
});

test('an invitation and voicemail', (t) => {
  t.like(alertOf(invitation).payload(clear), {
    aps: {
      alert: {
        title: 'Grace Hopper invites you',
        'title-loc-key': '%@ invites you',
        'title-loc-args': ['Grace Hopper'],
        body: 'Budget',
      },
    },
    callwake: { type: 'invitation', id: 'i-1', startsAt: at + 3_600_000, link: 'https://meet.corp.example/budget' },
  });
  t.like(alertOf(voicemail).payload(clear), {
    aps: {
      alert: {
        title: 'Voicemail',
        body: '2 new voice messages',
        'loc-key': '%@ new voice messages',
        'loc-args': ['2'],
      },
    },
    callwake: { type: 'voicemail', newMessages: 2, oldMessages: 5 },
  });
  t.like(alertOf({ ...voicemail, callerName: 'Ada' }).payload(clear).aps.alert, { body: 'Ada' });
});

test('voicemail that only changes the badge is neither shown nor heard, and can wait', (t) => {
  const { payload, priority } = alertOf({ ...voicemail, newMessages: 0, silent: true, badge: 0 });
  t.deepEqual(payload(clear).aps, { badge: 0, 'thread-id': 'callwake.voicemail' });
  t.is(priority, 5);
});

test('what an app may be told', (t) => {
  const shown = (facts: AlertFacts, content: PushContent): string =>
    JSON.stringify(alertOf(facts).payload({ content }));
  t.regex(shown(message, 'sender'), /Grace Hopper.*New message/);
  t.notRegex(shown(message, 'sender'), /Lunch|room@/);
  t.notRegex(shown(invitation, 'sender'), /Budget|https/);
  t.notRegex(shown(missed, 'sender'), /2001/);
  for (const content of ['nothing', 'encrypted'] as const) {
    for (const facts of [missed, message, invitation, voicemail]) {
      t.notRegex(shown(facts, content), /Grace|Ada|1001|1002|2001|Lunch|Budget|https|room@|newMessages/);
    }
  }
});

test('sealed: the phone’s extension puts the words in', (t) => {
  const { aps, callwake } = alertOf(message).payload({ content: 'encrypted', key });
  t.like(aps, { alert: { title: 'New message', body: 'New message' }, 'mutable-content': 1, badge: 3 });
  t.regex(aps['thread-id'], /^callwake\.message [\w-]{22}$/, 'Apple does not learn whose conversation it is');
  t.deepEqual(Object.keys(callwake).sort(), ['id', 'keyId', 'sealed', 'type', 'v']);
  const { payload } = alertOf(message);
  t.deepEqual(opened(callwake.sealed, key.bytes, '1.message.m-1'), {
    alert: payload(clear).aps.alert,
    callwake: payload(clear).callwake,
  });
  const other = payload({ content: 'encrypted', key: { bytes: randomBytes(32) } });
  t.not(other.aps['thread-id'], aps['thread-id']);
});

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: 'grapheme', maxLength: 300 }),
  fc.constantFrom(
    '\ud83d',
    '👩‍👩‍👧‍👦'.repeat(600),
    '\u0000'.repeat(6000),
    `e${'\u0301'.repeat(5000)}`,
    'x'.repeat(100_000),
  ),
);
const maybe = fc.option(anyText, { nil: undefined });
const recipient: fc.Arbitrary<Recipient> = fc
  .record({
    content: fc.constantFrom('clear', 'sender', 'nothing', 'encrypted'),
    key: fc.constantFrom(undefined, key),
  })
  .map(({ content, key: given }) => ({ content, ...(given ? { key: given } : {}) }));

test('whatever people write, the payload is within 4096 bytes, whole JSON, well-formed, and its ids go on the wire', (t) => {
  const member = { aor: maybe, callerName: maybe, callerNumber: maybe, senderName: maybe, sender: maybe };
  const facts = fc.record({
    ...member,
    kind: fc.constantFrom('missed-call', 'answered-elsewhere', 'message', 'invitation', 'voicemail'),
    id: anyText,
    callUuid: anyText,
    calledNumber: anyText,
    conversation: maybe,
    text: maybe,
    subject: maybe,
    link: maybe,
    newMessages: fc.nat(),
    privacy: fc.boolean(),
    at: fc.nat(),
  });
  fc.assert(
    fc.property(facts, recipient, (any, to) => {
      const { payload, collapseId } = alertOf(only(any));
      const made = payload(to);
      const text = JSON.stringify(made);
      t.true(Buffer.byteLength(text) <= 4096);
      t.notRegex(text, /\\ud[89a-f]/i);
      t.regex(collapseId, /^[\x21-\x7e]{1,64}$/);
      const { link } = made.callwake;
      t.true(link === undefined || link === Buffer.from(any.link ?? '').toString(), 'a link is whole or not there');
      for (const name of ['title-loc-key', 'loc-key'] as const) {
        const found = made.aps.alert?.[name];
        t.true(found === undefined || LOC_KEYS.some((known) => known === found));
      }
    }),
    { numRuns: 300 },
  );
});

test('a message is cut between characters and says so', (t) => {
  const characters = ['👩‍👩‍👧‍👦', 'e\u0301', '🇩🇪', 'a', '"'];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...characters), { minLength: 1500, maxLength: 2000 }), (parts) => {
      const text = parts.join('');
      const { body = '' } = alertOf({ ...message, text }).payload(clear).aps.alert ?? {};
      t.regex(body, /…$/);
      t.true(body.length < text.length);
      t.true(isCutBetweenCharacters(body.replace(/…$/, ''), text));
    }),
    { numRuns: 20 },
  );
});

/** Only the members that a kind has. */
function only(any: Record<string, unknown> & { readonly kind: string }): AlertFacts {
  const calls = ['callUuid', 'callerName', 'callerNumber', 'calledNumber', 'privacy'];
  const members: Readonly<Record<string, readonly string[]>> = {
    'missed-call': calls,
    'answered-elsewhere': calls,
    message: ['id', 'senderName', 'sender', 'conversation', 'text'],
    invitation: ['id', 'senderName', 'sender', 'subject', 'link'],
    voicemail: ['id', 'callerName', 'callerNumber', 'newMessages', 'privacy'],
  };
  const kept = ['kind', 'at', 'aor', ...(members[any.kind] ?? [])];
  return Object.fromEntries(
    Object.entries(any).filter(([name, value]) => kept.includes(name) && value !== undefined),
  ) as unknown as AlertFacts;
}
