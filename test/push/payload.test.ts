import test from 'ava';
import fc from 'fast-check';
import { type CallFacts, voipPayload } from '../../src/push/payload.js';

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
      (any) => {
        const text = JSON.stringify(voipPayload(any));
        const bytes = Buffer.from(text, 'utf8');
        const back: unknown = JSON.parse(bytes.toString('utf8'));
        return bytes.length <= 5120 && JSON.stringify(back) === text && !/\\ud[89a-f]/i.test(text);
      },
    ),
    { numRuns: 500 },
  );
  t.pass();
});
