import test from 'ava';
import fc from 'fast-check';
import {
  type ApnsMessage,
  authorityOf,
  authorizationOf,
  headersOf as fieldsOf,
  toMessage,
} from '../../../src/push/apns/request.js';
import type { HeaderField } from '../../../src/push/http2/hpack-encoder.js';
import type { PushRequest } from '../../../src/push/provider.js';
import { FakeClock } from '../../support/fake-clock.js';
import { topic, voipPush } from '../support.js';

const clock = new FakeClock();
const id = '123e4567-e89b-12d3-a456-426614174000';
const token = 'AB'.repeat(32);

const authority = authorityOf({ host: 'api.push.apple.com', port: 443 });
const sent = (message: ApnsMessage): readonly HeaderField[] => fieldsOf(message, authority, authorizationOf('x'));

function headersOf(changes: Partial<PushRequest>): Record<string, string> {
  const message = toMessage(voipPush(clock, { token, ...changes }), id);
  if ('reason' in message) return { reason: message.reason };
  return Object.fromEntries(sent(message).map(({ name, value }) => [name, value]));
}

test('the headers of a VoIP push are exactly those', (t) => {
  t.deepEqual(headersOf({}), {
    ':method': 'POST',
    ':scheme': 'https',
    ':authority': 'api.push.apple.com:443',
    ':path': `/3/device/${token.toLowerCase()}`,
    authorization: 'bearer x',
    'apns-topic': topic,
    'apns-push-type': 'voip',
    'apns-priority': '10',
    'apns-expiration': '0',
    'apns-id': id,
  });
});

test('nobody may keep the token, and what is new in each push is kept for its name only', (t) => {
  const message = toMessage(voipPush(clock, { token, collapseId: 'c' }), id);
  if ('reason' in message) throw new Error(message.reason);
  const named = (indexing: string) =>
    sent(message).flatMap((field) => (field.indexing === indexing ? [field.name] : []));
  t.deepEqual(named('never'), [':path']);
  t.deepEqual(named('name'), ['apns-expiration', 'apns-id', 'apns-collapse-id']);
});

test('expiration is in whole seconds, never later than asked, and never absent', (t) => {
  t.is(headersOf({ expiresAt: 1_767_600_000_999 })['apns-expiration'], '1767600000');
  t.is(headersOf({ expiresAt: 0 })['apns-expiration'], '0');
});

test('priority is 10 for what a person sees, 5 for background, and as asked otherwise', (t) => {
  const alert = { kind: 'alert', topic: 'com.example.phone' } as const;
  t.is(headersOf(alert)['apns-priority'], '10');
  t.is(headersOf({ ...alert, priority: 5 })['apns-priority'], '5');
  t.is(headersOf({ ...alert, kind: 'background' })['apns-priority'], '5');
});

const faults: readonly [string, Partial<PushRequest>, string][] = [
  ['no token', { token: '' }, 'MissingDeviceToken'],
  ['a token that is not hexadecimal', { token: 'xyz0' }, 'BadDeviceToken'],
  ['half a byte', { token: 'abc' }, 'BadDeviceToken'],
  ['a giant token', { token: 'ab'.repeat(300) }, 'BadDeviceToken'],
  ['a path in the token', { token: '../../../etc' }, 'BadDeviceToken'],
  ['no topic', { topic: '' }, 'MissingTopic'],
  ['a header in the topic', { topic: 'com.example\r\nx: y.voip' }, 'BadTopic'],
  ['a call to the alert topic', { topic: 'com.example.phone' }, 'InvalidPushType'],
  ['an alert to the VoIP topic', { kind: 'alert' }, 'InvalidPushType'],
  ['a background push with priority 10', { kind: 'background', topic: 'com.example', priority: 10 }, 'BadPriority'],
  ['a long collapse id', { collapseId: 'é'.repeat(33) }, 'BadCollapseId'],
  ['a collapse id of 65 bytes', { collapseId: 'x'.repeat(65) }, 'BadCollapseId'],
  ['a header in the collapse id', { collapseId: 'a\r\nb: c' }, 'BadCollapseId'],
  ['a payload of 5121 bytes', { payload: { aps: {}, x: 'x'.repeat(5121 - 17) } }, 'PayloadTooLarge'],
  [
    'an alert of 4097 bytes',
    { kind: 'alert', topic: 'com.example', payload: { aps: {}, x: 'x'.repeat(4097 - 17) } },
    'PayloadTooLarge',
  ],
  ['a payload that is no JSON', { payload: { aps: {}, n: 1n } }, 'PayloadNotJson'],
];

for (const [name, changes, reason] of faults) {
  test(`not sent: ${name}`, (t) => t.deepEqual(headersOf(changes), { reason }));
}

test('the limits themselves may be used', (t) => {
  const full = toMessage(voipPush(clock, { payload: { aps: {}, x: 'x'.repeat(5120 - 17) } }), id);
  t.is('body' in full ? Buffer.byteLength(full.body) : 0, 5120);
  t.is(headersOf({ collapseId: 'x'.repeat(64) })['apns-collapse-id'], 'x'.repeat(64));
});

test('whatever a stranger puts into token, topic and collapse id, no header is broken', (t) => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), (anyToken, anyTopic, collapseId) => {
      const message = toMessage(voipPush(clock, { token: anyToken, topic: anyTopic, collapseId }), id);
      if ('reason' in message) return message.reason !== '';
      return sent(message).every(({ value }) => /^[\x20-\x7e]*$/.test(value));
    }),
  );
  t.pass();
});
