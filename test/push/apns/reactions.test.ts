import test from 'ava';
import type { AlarmName, PushAlarm } from '../../../src/push/apns/alarms.js';
import { reactions, reactionTo, reasonInWords } from '../../../src/push/apns/reactions.js';
import type { TokenVerdict } from '../../../src/push/provider.js';
import { FakeClock } from '../../support/fake-clock.js';
import { newToken, outcomeOf, provider, simulator, voipPush } from '../support.js';

/** What the world sees after Apple gave one push this answer, and took every other. */
interface Expected {
  readonly status: number;
  readonly reason: string;
  /** The push itself: how it ends, what is said of its token, how many requests it took. */
  readonly ends: 'accepted' | 'refused';
  readonly token?: TokenVerdict;
  readonly attempts?: 1 | 2;
  /** The next push: goes through, or is held back because of its topic or its account. */
  readonly next?: 'accepted' | 'topic held' | 'account held';
  /** Whether anything more goes over the connection that brought the answer. */
  readonly connection?: 'kept' | 'replaced';
  /** Whether the provider token changes. */
  readonly jwt?: 'same' | 'new';
  readonly alarm?: AlarmName;
}

const deviceAlarm = 'PushNotificationInvalidDeviceTokenResponse';
const accessAlarm = 'PushNotificationServiceAccessTokenUnavailable';
const ourFault = { ends: 'refused', alarm: 'PushNotificationRequestRefused' } as const;
const topicFault = { status: 400, ends: 'refused', next: 'topic held', alarm: 'PushNotificationTopicRefused' } as const;
const accountFault = {
  status: 403,
  ends: 'refused',
  next: 'account held',
  connection: 'replaced',
  alarm: accessAlarm,
} as const;
const appleFault = { ends: 'accepted', attempts: 2 } as const;

const table: readonly Expected[] = [
  { status: 400, reason: 'BadDeviceToken', ends: 'refused', token: 'wrong-environment', alarm: deviceAlarm },
  { status: 400, reason: 'DeviceTokenNotForTopic', ends: 'refused', token: 'wrong-topic', alarm: deviceAlarm },
  { reason: 'BadTopic', ...topicFault },
  { reason: 'MissingTopic', ...topicFault },
  { reason: 'TopicDisallowed', ...topicFault },
  { status: 400, reason: 'BadCollapseId', ...ourFault },
  { status: 400, reason: 'BadExpirationDate', ...ourFault },
  { status: 400, reason: 'BadMessageId', ...ourFault },
  { status: 400, reason: 'BadPriority', ...ourFault },
  { status: 400, reason: 'InvalidPushType', ...ourFault },
  { status: 400, reason: 'DuplicateHeaders', ...ourFault },
  { status: 400, reason: 'PayloadEmpty', ...ourFault },
  { status: 400, reason: 'MissingDeviceToken', ...ourFault },
  { status: 400, reason: 'SomethingNew', ...ourFault },
  { status: 400, reason: 'IdleTimeout', ends: 'accepted', attempts: 2, connection: 'replaced' },
  {
    status: 403,
    reason: 'ExpiredProviderToken',
    ends: 'accepted',
    attempts: 2,
    connection: 'replaced',
    jwt: 'new',
    alarm: 'PushNotificationServiceClockSkew',
  },
  { reason: 'InvalidProviderToken', ...accountFault },
  { reason: 'MissingProviderToken', ...accountFault },
  { reason: 'BadCertificate', ...accountFault },
  { reason: 'BadCertificateEnvironment', ...accountFault },
  { reason: 'BadEnvironmentKeyIdInToken', ...accountFault },
  { reason: 'BadEnvironmentKeyInToken', ...accountFault },
  { reason: 'Forbidden', ...accountFault },
  { reason: 'SomethingNew', ...accountFault },
  { status: 403, reason: 'UnrelatedKeyIdInToken', ends: 'accepted', attempts: 2, connection: 'replaced' },
  { ...ourFault, status: 404, reason: 'BadPath' },
  { ...ourFault, status: 404, reason: 'SomethingNew' },
  { ...ourFault, status: 405, reason: 'MethodNotAllowed' },
  { ...ourFault, status: 405, reason: 'SomethingNew' },
  { status: 410, reason: 'Unregistered', ends: 'refused', token: 'dead', alarm: deviceAlarm },
  { status: 410, reason: 'ExpiredToken', ends: 'refused', token: 'dead', alarm: deviceAlarm },
  { status: 410, reason: 'SomethingNew', ends: 'refused', token: 'dead', alarm: deviceAlarm },
  { ...ourFault, status: 413, reason: 'PayloadTooLarge' },
  { ...ourFault, status: 413, reason: 'SomethingNew' },
  {
    status: 429,
    reason: 'TooManyProviderTokenUpdates',
    ends: 'accepted',
    attempts: 2,
    connection: 'replaced',
    alarm: accessAlarm,
  },
  { status: 429, reason: 'TooManyRequests', ends: 'accepted', attempts: 2, alarm: 'PushNotificationTooManyRequests' },
  { status: 429, reason: 'SomethingNew', ends: 'accepted', attempts: 2, alarm: 'PushNotificationTooManyRequests' },
  { status: 500, reason: 'InternalServerError', ...appleFault },
  { status: 500, reason: 'SomethingNew', ...appleFault },
  { status: 503, reason: 'ServiceUnavailable', ...appleFault },
  { status: 503, reason: 'Shutdown', ends: 'accepted', attempts: 2, connection: 'replaced' },
  { status: 502, reason: 'BadGateway', ...appleFault },
  { status: 418, reason: 'Teapot', ...ourFault },
];

for (const expected of table) {
  const { status, reason } = expected;
  test(`Apple answers ${status} ${reason}`, async (t) => {
    const clock = new FakeClock();
    const apns = await simulator(t, { clock });
    const alarms: PushAlarm[] = [];
    const client = provider(t, apns, { clock, connections: 1, onAlarm: (alarm) => void alarms.push(alarm) });
    const push = (changes = {}) => outcomeOf(clock, client, client.push(voipPush(clock, changes)));
    await push();
    const token = newToken();
    apns.script({ token, status, reason, ...(status === 410 ? { timestamp: clock.now() - 1_000 } : {}) });
    const outcome = await push({ token });
    const attempts = expected.attempts ?? 1;
    t.like(outcome, { kind: expected.ends, attempts });
    if (outcome.kind === 'refused') {
      t.like(outcome, { status, reason, token: expected.token ?? 'keep' });
      t.is(outcome.unregisteredAt, status === 410 ? clock.now() - 1_000 : undefined);
    }
    const told = alarms.filter(({ state }) => state === 'raised').map(({ name }) => name);
    t.deepEqual(told, expected.alarm ? [expected.alarm] : []);

    const held = expected.next ?? 'accepted';
    const next = await push();
    if (held === 'accepted') t.is(next.kind, 'accepted');
    else t.like(next, { kind: 'refused', status: 0, reason, token: 'keep', attempts: 0 });
    t.is((await push({ topic: 'com.example.other.voip' })).kind, held === 'account held' ? 'refused' : 'accepted');
    t.is((await push({ environment: 'sandbox' })).kind, 'accepted', 'the other environment is another matter');

    const production = apns.received.filter(({ environment }) => environment === 'production');
    const before = production[1]?.connection;
    const after = production.slice(2).map(({ connection }) => connection);
    if (expected.connection === 'replaced') t.false(after.includes(before ?? 0));
    else t.deepEqual(new Set([before, ...after]).size, 1);
    const tokens = new Set(production.map(({ providerToken }) => providerToken));
    t.is(tokens.size, expected.jwt === 'new' ? 2 : 1);
  });
}

test('every row of the table is tried above, but for 200', (t) => {
  const tried = new Set(table.map(({ status, reason }) => reactionTo(status, reason)));
  t.deepEqual(
    reactions.filter((row) => !tried.has(row) && row.status !== 200),
    [],
  );
});

test('every reason says what it means and what to do', (t) => {
  for (const { reason, meaning, advice } of reactions) {
    t.true(meaning.length > 10 && advice.length > 5, reason);
    if (reason !== '*') t.truthy(reasonInWords(reason));
  }
  for (const own of ['NoAccount', 'QueueFull', 'Closed', 'Deadline', 'NoAnswer', 'ConnectionLost', 'NoConnection']) {
    t.truthy(reasonInWords(own), own);
  }
  t.is(reasonInWords('NeverHeardOf'), undefined);
});
