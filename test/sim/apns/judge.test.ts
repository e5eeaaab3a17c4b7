import { generateKeyPairSync, randomUUID } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import jwt from 'jsonwebtoken';
import type { ApnsSimulator } from '../../../src/sim/apns/simulator.js';
import { keyId, newToken, signingKey, simulator, teamId, topic } from '../../push/support.js';
import { FakeClock } from '../../support/fake-clock.js';
import { type Reply, rawClient } from './support.js';

type Headers = Record<string, string | string[] | undefined>;

function bearer(
  clock: FakeClock,
  changes: { iss?: string; kid?: string; ageMs?: number; key?: typeof signingKey } = {},
): string {
  const iat = Math.floor((clock.now() - (changes.ageMs ?? 0)) / 1000);
  const options = { algorithm: 'ES256', keyid: changes.kid ?? keyId } as const;
  return `bearer ${jwt.sign({ iss: changes.iss ?? teamId, iat }, changes.key ?? signingKey, options)}`;
}

const known = newToken();

function headers(clock: FakeClock, changes: Headers = {}): Headers {
  const all: Headers = {
    ':path': `/3/device/${known}`,
    authorization: bearer(clock),
    'apns-topic': topic,
    'apns-push-type': 'voip',
    'apns-priority': '10',
    'apns-expiration': '0',
    'apns-id': randomUUID(),
    ...changes,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

async function setUp(t: ExecutionContext): Promise<{ apns: ApnsSimulator; clock: FakeClock }> {
  const clock = new FakeClock();
  const apns = await simulator(t, { clock, acceptAnyToken: false, firstStreams: 100 });
  apns.registerToken({ token: known, topics: [topic, 'com.example.phone'] });
  return { apns, clock };
}

const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

const refusals: readonly {
  readonly name: string;
  readonly status: number;
  readonly reason: string;
  readonly changes?: (clock: FakeClock) => Headers;
  readonly body?: string;
}[] = [
  { name: 'another method', status: 405, reason: 'MethodNotAllowed', changes: () => ({ ':method': 'PUT' }) },
  { name: 'another path', status: 404, reason: 'BadPath', changes: () => ({ ':path': '/3/phone/aa' }) },
  {
    name: 'no provider token',
    status: 403,
    reason: 'MissingProviderToken',
    changes: () => ({ authorization: undefined }),
  },
  { name: 'no JWT', status: 403, reason: 'InvalidProviderToken', changes: () => ({ authorization: 'bearer abc' }) },
  {
    name: "another key's signature",
    status: 403,
    reason: 'InvalidProviderToken',
    changes: (clock) => ({ authorization: bearer(clock, { key: other }) }),
  },
  {
    name: 'an unknown key id',
    status: 403,
    reason: 'InvalidProviderToken',
    changes: (clock) => ({ authorization: bearer(clock, { kid: 'OTHERKEY12' }) }),
  },
  {
    name: 'another team',
    status: 403,
    reason: 'InvalidProviderToken',
    changes: (clock) => ({ authorization: bearer(clock, { iss: 'OTHERTEAM1' }) }),
  },
  {
    name: 'a provider token over an hour old',
    status: 403,
    reason: 'ExpiredProviderToken',
    changes: (clock) => ({ authorization: bearer(clock, { ageMs: 3_601_000 }) }),
  },
  {
    name: 'a provider token from the future',
    status: 403,
    reason: 'InvalidProviderToken',
    changes: (clock) => ({ authorization: bearer(clock, { ageMs: -300_000 }) }),
  },
  { name: 'no topic', status: 400, reason: 'MissingTopic', changes: () => ({ 'apns-topic': undefined }) },
  { name: 'a malformed topic', status: 400, reason: 'BadTopic', changes: () => ({ 'apns-topic': 'com example' }) },
  {
    name: 'a VoIP push to the alert topic',
    status: 400,
    reason: 'InvalidPushType',
    changes: () => ({ 'apns-topic': 'com.example.phone' }),
  },
  {
    name: 'an alert to the VoIP topic',
    status: 400,
    reason: 'InvalidPushType',
    changes: () => ({ 'apns-push-type': 'alert' }),
  },
  {
    name: 'an unknown push type',
    status: 400,
    reason: 'InvalidPushType',
    changes: () => ({ 'apns-push-type': 'telegram' }),
  },
  { name: 'a strange priority', status: 400, reason: 'BadPriority', changes: () => ({ 'apns-priority': '7' }) },
  {
    name: 'a background push with priority 10',
    status: 400,
    reason: 'BadPriority',
    changes: () => ({ 'apns-push-type': 'background', 'apns-topic': 'com.example.phone' }),
  },
  {
    name: 'an expiration in words',
    status: 400,
    reason: 'BadExpirationDate',
    changes: () => ({ 'apns-expiration': 'soon' }),
  },
  {
    name: 'a long collapse id',
    status: 400,
    reason: 'BadCollapseId',
    changes: () => ({ 'apns-collapse-id': 'x'.repeat(65) }),
  },
  { name: 'an apns-id that is no UUID', status: 400, reason: 'BadMessageId', changes: () => ({ 'apns-id': '1' }) },
  {
    name: 'a header twice',
    status: 400,
    reason: 'DuplicateHeaders',
    changes: () => ({ 'apns-collapse-id': ['a', 'b'] }),
  },
  { name: 'no device token', status: 400, reason: 'MissingDeviceToken', changes: () => ({ ':path': '/3/device/' }) },
  {
    name: 'a token that is not hexadecimal',
    status: 400,
    reason: 'BadDeviceToken',
    changes: () => ({ ':path': '/3/device/xyz' }),
  },
  {
    name: 'an unknown token',
    status: 400,
    reason: 'BadDeviceToken',
    changes: () => ({ ':path': `/3/device/${'ab'.repeat(32)}` }),
  },
  { name: 'no payload', status: 400, reason: 'PayloadEmpty', body: '' },
  { name: 'a payload that is not JSON', status: 400, reason: 'PayloadEmpty', body: '{"aps":' },
  {
    name: 'a VoIP payload over 5120 bytes',
    status: 413,
    reason: 'PayloadTooLarge',
    body: JSON.stringify({ aps: {}, x: 'x'.repeat(5120) }),
  },
  {
    name: 'an alert payload over 4096 bytes',
    status: 413,
    reason: 'PayloadTooLarge',
    body: JSON.stringify({ aps: {}, x: 'x'.repeat(4096) }),
    changes: () => ({ 'apns-push-type': 'alert', 'apns-topic': 'com.example.phone' }),
  },
];

for (const { name, status, reason, changes, body } of refusals) {
  test(`refused: ${name}`, async (t) => {
    const { apns, clock } = await setUp(t);
    const reply = await rawClient(t, apns).send(headers(clock, changes?.(clock)), body);
    t.is(reply.status, status);
    t.is(reply.body.reason, reason);
    t.is(apns.received[0]?.fate, 'refused');
  });
}

test('the provider is judged before the topic, the topic before the token, the token before the payload', async (t) => {
  const { apns, clock } = await setUp(t);
  const client = rawClient(t, apns);
  const worst: Headers = { authorization: 'bearer x', 'apns-topic': undefined, ':path': '/3/device/xyz' };
  const reasons: (string | undefined)[] = [];
  for (const repair of [
    {},
    { authorization: bearer(clock) },
    { 'apns-topic': topic },
    { ':path': `/3/device/${known}` },
  ]) {
    Object.assign(worst, repair);
    reasons.push((await client.send(headers(clock, worst), 'nothing')).body.reason);
  }
  t.deepEqual(reasons, ['InvalidProviderToken', 'MissingTopic', 'BadDeviceToken', 'PayloadEmpty']);
});

test('accepted: the answer repeats the apns-id, or makes one', async (t) => {
  const { apns, clock } = await setUp(t);
  const client = rawClient(t, apns);
  const id = randomUUID();
  const given = await client.send(headers(clock, { 'apns-id': id }));
  t.is(given.status, 200);
  t.is(given.headers['apns-id'], id);
  const made = await client.send(headers(clock, { 'apns-id': undefined }));
  t.regex(String(made.headers['apns-id']), /^[0-9a-f-]{36}$/);
});

test('a DER signature is taken as Apple takes it', async (t) => {
  const { apns, clock } = await setUp(t);
  const [head, body, signature = ''] = bearer(clock).split('.');
  const raw = Buffer.from(signature, 'base64url');
  const int = (bytes: Buffer) => {
    const start = bytes.findIndex((byte) => byte !== 0);
    const trimmed = bytes.subarray(start);
    const padded = (trimmed[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), trimmed]) : trimmed;
    return Buffer.concat([Buffer.from([2, padded.length]), padded]);
  };
  const content = Buffer.concat([int(raw.subarray(0, 32)), int(raw.subarray(32))]);
  const der = Buffer.concat([Buffer.from([0x30, content.length]), content]).toString('base64url');
  const reply = await rawClient(t, apns).send(headers(clock, { authorization: `${head}.${body}.${der}` }));
  t.is(reply.status, 200);
});

test("a topic that isn't the team's or the key's is disallowed", async (t) => {
  const { apns, clock } = await setUp(t);
  apns.world.addTopic(teamId, 'com.example.other');
  const client = rawClient(t, apns);
  const push = headers(clock);
  t.is((await client.send(push)).body.reason, 'TopicDisallowed');
  apns.world.addTopic(teamId, 'com.example.phone');
  t.is((await client.send(push)).status, 200);
  apns.registerKey({ teamId, keyId, publicKey: signingKey, bundleIds: ['com.example.other'] });
  t.is((await client.send(push)).body.reason, 'TopicDisallowed');
});

test('a token is for its environment and its topics', async (t) => {
  const { apns, clock } = await setUp(t);
  const sandboxToken = newToken();
  apns.registerToken({ token: sandboxToken, environment: 'sandbox', topics: ['com.example.other'] });
  const path = `/3/device/${sandboxToken}`;
  t.is((await rawClient(t, apns).send(headers(clock, { ':path': path }))).body.reason, 'BadDeviceToken');
  const sandbox = rawClient(t, apns, 'sandbox');
  t.is((await sandbox.send(headers(clock, { ':path': path }))).body.reason, 'DeviceTokenNotForTopic');
});

test('a key is for its environment', async (t) => {
  const { apns, clock } = await setUp(t);
  apns.registerKey({ teamId, keyId, publicKey: signingKey, environments: ['sandbox'] });
  const reply = await rawClient(t, apns).send(headers(clock));
  t.is(reply.status, 403);
  t.is(reply.body.reason, 'BadEnvironmentKeyIdInToken');
});

test('an unregistered token is told with the time it ended', async (t) => {
  const { apns, clock } = await setUp(t);
  const client = rawClient(t, apns);
  const at = clock.now() + 60_000;
  apns.unregisterToken(known, at);
  const push = headers(clock);
  t.is((await client.send(push)).status, 200);
  clock.advance(60_000);
  const reply: Reply = await client.send(push);
  t.is(reply.status, 410);
  t.deepEqual(reply.body, { reason: 'Unregistered', timestamp: at });
});

test('a second provider token within 20 minutes on one connection is too many, on another it is not', async (t) => {
  const { apns, clock } = await setUp(t);
  const client = rawClient(t, apns);
  const first = bearer(clock);
  t.is((await client.send(headers(clock, { authorization: first }))).status, 200);
  clock.advance(19 * 60_000);
  const second = bearer(clock);
  t.is((await client.send(headers(clock, { authorization: second }))).body.reason, 'TooManyProviderTokenUpdates');
  t.is((await client.send(headers(clock, { authorization: first }))).status, 200);
  t.is((await rawClient(t, apns).send(headers(clock, { authorization: second }))).status, 200);
  clock.advance(60_000);
  t.is((await client.send(headers(clock, { authorization: second }))).status, 200);
});

test('a connection belongs to the first key it saw', async (t) => {
  const { apns, clock } = await setUp(t);
  apns.registerKey({ teamId, keyId: 'OTHERKEY12', publicKey: other });
  const client = rawClient(t, apns);
  t.is((await client.send(headers(clock))).status, 200);
  const reply = await client.send(headers(clock, { authorization: bearer(clock, { kid: 'OTHERKEY12', key: other }) }));
  t.is(reply.body.reason, 'UnrelatedKeyIdInToken');
});

test('one stream until the first good provider token, more after', async (t) => {
  const clock = new FakeClock();
  const apns = await simulator(t, { clock, maxStreams: 7 });
  const client = rawClient(t, apns);
  const limits: (number | undefined)[] = [];
  const changed = new Promise<void>((resolve) => {
    client.session.on('remoteSettings', ({ maxConcurrentStreams }) => {
      limits.push(maxConcurrentStreams);
      if (limits.length === 2) resolve();
    });
  });
  await client.send(headers(clock, { authorization: 'bearer x' }));
  await client.send(headers(clock));
  await changed;
  t.deepEqual(limits, [1, 7]);
});

test('what it remembers holds no provider token', async (t) => {
  const { apns, clock } = await setUp(t);
  const authorization = bearer(clock);
  await rawClient(t, apns).send(headers(clock, { authorization }));
  t.false(JSON.stringify(apns.received).includes(authorization.slice(7, 60)));
});
