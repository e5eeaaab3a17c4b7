import { randomBytes } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import { type CallFacts, voipPayload } from '../../src/push/payload.js';
import { isCutBetweenCharacters, opened } from './opened.js';

const facts: CallFacts = {
  callUuid: '7d444840-9dc0-11d1-b245-5ffdce74fad2',
  callerName: 'Zoë "Z" Möller',
  callerNumber: '+4930123456',
  calledNumber: '2001',
  video: false,
  diversion: '2999',
  trunk: 'cucm',
  expiresAt: 1_767_600_013_000,
  privacy: false,
};

test('a call in full', (t) => {
  t.deepEqual(voipPayload(facts), { aps: {}, callwake: { v: 1, type: 'call', ...facts } });
});

test('a caller who asked to stay unknown does', (t) => {
  const payload = voipPayload({ ...facts, privacy: true });
  t.true(payload.callwake.privacy);
  const text = JSON.stringify(payload);
  t.false(text.includes('Möller'));
  t.false(text.includes('4930123456'));
  t.true(text.includes('2999'));
});

test('what is not known is not there', (t) => {
  const { callUuid, calledNumber, video, trunk, expiresAt, privacy } = facts;
  const rest = { callUuid, calledNumber, video, trunk, expiresAt, privacy };
  t.deepEqual(Object.keys(voipPayload(rest).callwake).sort(), [
    'callUuid',
    'calledNumber',
    'expiresAt',
    'privacy',
    'trunk',
    'type',
    'v',
    'video',
  ]);
  t.false('callerName' in voipPayload({ ...facts, callerName: '' }).callwake);
});

test('a name that would not fit is cut between characters, before any number is', (t) => {
  const control = '\u0001'.repeat(256);
  const payload = voipPayload({
    ...facts,
    callerName: '👩‍👩‍👧‍👦'.repeat(60),
    diversion: control,
    trunk: control,
    calledNumber: control,
  });
  t.true(Buffer.byteLength(JSON.stringify(payload)) <= 5120);
  t.is(payload.callwake.callerNumber, facts.callerNumber);
  t.is(payload.callwake.calledNumber, control);
  t.true((payload.callwake.callerName ?? '').length < 256);
});

const key = { bytes: randomBytes(32), id: 'k1' };
const about = `1.call.${facts.callUuid}`;
const named = ({ callwake }: { readonly callwake: object }): string[] => Object.keys(callwake).sort();

test('what an app may be told of a call', (t) => {
  const { callerName, callerNumber, video, privacy, callUuid, expiresAt } = facts;
  const head = { v: 1, type: 'call', callUuid, expiresAt } as const;
  const sender = { ...head, callerName, callerNumber, video, privacy };
  t.deepEqual(voipPayload(facts, { content: 'sender' }).callwake, sender);
  t.deepEqual(voipPayload(facts, { content: 'nothing' }).callwake, head);
  t.deepEqual(voipPayload(facts, { content: 'nothing', key }).callwake, head);
  t.deepEqual(voipPayload(facts, { content: 'encrypted' }).callwake, head, 'without a key');
  const registerTo = 'sips:node1.corp.example';
  t.is(voipPayload(facts, { content: 'nothing', registerTo }).callwake.registerTo, registerTo);
});

test('to a device with a key it goes sealed, bound to its call', (t) => {
  const all = { v: 1, type: 'call', ...facts };
  for (const content of ['clear', 'encrypted'] as const) {
    const { callwake } = voipPayload(facts, { content, key });
    t.deepEqual(named({ callwake }), ['callUuid', 'expiresAt', 'keyId', 'sealed', 'type', 'v']);
    t.deepEqual(opened(callwake.sealed, key.bytes, about), all);
    t.is(callwake.keyId, 'k1');
    t.throws(() => opened(callwake.sealed, key.bytes, '1.call.another'));
    t.throws(() => opened(callwake.sealed, randomBytes(32), about));
  }
  const { callwake } = voipPayload({ ...facts, privacy: true }, { content: 'encrypted', key });
  t.notRegex(JSON.stringify(opened(callwake.sealed, key.bytes, about)), /Möller|4930123456/);
  const again = voipPayload(facts, { content: 'clear', key }).callwake;
  t.not(again.sealed, voipPayload(facts, { content: 'clear', key }).callwake.sealed, 'a nonce is used once');
});

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc.string({ unit: 'grapheme', maxLength: 400 }),
  fc.constantFrom('\ud83d', '\ude00'.repeat(600), '😀'.repeat(600), '\u0000'.repeat(600), '"'.repeat(5000)),
);

test('whatever a caller sends, the payload is within 5120 bytes, whole JSON, and well-formed UTF-8', (t) => {
  fc.assert(
    fc.property(
      fc.record({
        callUuid: anyText,
        callerName: anyText,
        callerNumber: anyText,
        calledNumber: anyText,
        video: fc.boolean(),
        diversion: anyText,
        trunk: anyText,
        expiresAt: fc.nat(),
        privacy: fc.boolean(),
      }),
      fc.constantFrom('clear', 'sender', 'nothing', 'encrypted'),
      fc.boolean(),
      (any, content, sealed) => {
        const text = JSON.stringify(voipPayload(any, { content, ...(sealed ? { key } : {}) }));
        const bytes = Buffer.from(text, 'utf8');
        const back: unknown = JSON.parse(bytes.toString('utf8'));
        return bytes.length <= 5120 && JSON.stringify(back) === text && !/\\ud[89a-f]/i.test(text);
      },
    ),
    { numRuns: 400 },
  );
  t.pass();
});

test('a name is cut between what people see as characters', (t) => {
  const characters = ['👩‍👩‍👧‍👦', 'e\u0301', '🇩🇪', '한', 'a', '👍🏽', '\u0001'];
  const full = '\u0001'.repeat(256);
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...characters), { maxLength: 600 }), fc.nat(256), (name, length) => {
      const callerName = name.join('');
      const others = { trunk: full, diversion: full, calledNumber: full.slice(0, length) };
      const { callwake } = voipPayload({ ...facts, ...others, callerName });
      return isCutBetweenCharacters(callwake.callerName ?? '', callerName);
    }),
    { numRuns: 300 },
  );
  t.pass();
});
