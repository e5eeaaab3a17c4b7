import { generateKeyPairSync } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { ApnsKeyError } from '../../../src/push/apns/key.js';
import type { PushRequest } from '../../../src/push/provider.js';
import { FakeClock } from '../../support/fake-clock.js';
import { keyId, outcomeOf, provider, signingKey, simulator, teamId, topic, until, voipPush } from '../support.js';

const newKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const oldAccount = { teamId, keyId, key: signingKey };
const newAccount = { teamId, keyId: 'KEYNEW5678', key: newKey };

async function setUp(t: ExecutionContext) {
  const clock = new FakeClock();
  const apns = await simulator(t, { clock });
  const client = provider(t, apns, { clock, accounts: [oldAccount], connections: 1 });
  const start = (changes: Partial<PushRequest> = {}) => client.push(voipPush(clock, changes));
  const push = (changes: Partial<PushRequest> = {}) => outcomeOf(clock, client, start(changes));
  const connectionsUsed = () => apns.received.map(({ connection }) => connection);
  return { clock, apns, client, start, push, connectionsUsed };
}

test('a new key takes over once Apple has taken it; the old one carries on until then', async (t) => {
  const { apns, client, start, push, connectionsUsed } = await setUp(t);
  await push();
  client.setAccounts([newAccount, oldAccount]);
  t.like(await push(), { kind: 'accepted', attempts: 2 }, 'Apple knows nothing of the new key yet');
  t.like(await push(), { kind: 'accepted', attempts: 1 }, 'the old key meanwhile');
  t.deepEqual(connectionsUsed(), [1, 2, 1, 1]);

  apns.registerKey({ teamId, keyId: newAccount.keyId, publicKey: newKey });
  client.setAccounts([oldAccount]);
  client.setAccounts([{ ...newAccount, keyId: 'KEYNEW9999' }, oldAccount]);
  apns.registerKey({ teamId, keyId: 'KEYNEW9999', publicKey: newKey });
  const burst = await Promise.all(Array.from({ length: 20 }, () => start()));
  t.deepEqual(new Set(burst.map(({ kind }) => kind)), new Set(['accepted']));
  const overNew = apns.received.slice(4).filter(({ connection }) => connection > 2);
  t.is(overNew.length, 1, 'one push tries the new key');
  t.is((await push()).kind, 'accepted');
  t.true((connectionsUsed().at(-1) ?? 0) > 2, 'then all go with it');
});

test('a key that is taken away ends when its last push has', async (t) => {
  const { apns, clock, client, start, push } = await setUp(t);
  apns.registerKey({ teamId, keyId: newAccount.keyId, publicKey: newKey });
  await push();
  apns.script({ delayMs: 500 });
  const underWay = start();
  await until(() => client.status().inFlight === 1);
  client.setAccounts([newAccount]);
  const next = start();
  await until(() => apns.total === 2);
  await clock.advanceAsync(500);
  t.is((await next).kind, 'accepted');
  t.is((await underWay).kind, 'accepted');
  await until(() => apns.connections.length === 1);
  t.is(client.status().connections.length, 1);
});

test('the same key read again changes nothing', async (t) => {
  const { apns, client, push } = await setUp(t);
  await push();
  client.setAccounts([{ ...oldAccount, key: signingKey.export({ type: 'pkcs8', format: 'pem' }).toString() }]);
  await push();
  t.is(apns.connections.length, 1);
});

test('a wrong key is refused whole; the ones before stay', async (t) => {
  const { client, push } = await setUp(t);
  t.throws(() => client.setAccounts([oldAccount, { ...newAccount, keyId: 'short' }]), { instanceOf: ApnsKeyError });
  t.is((await push()).kind, 'accepted');
});

test('a revoked key gives way to the other one within the same push', async (t) => {
  const { apns, client, push } = await setUp(t);
  apns.registerKey({ teamId, keyId: newAccount.keyId, publicKey: newKey });
  client.setAccounts([oldAccount, newAccount]);
  await push();
  apns.script({ status: 403, reason: 'InvalidProviderToken' });
  t.like(await push(), { kind: 'accepted', attempts: 2 });
  t.like(await push(), { kind: 'accepted', attempts: 1 });
});

test('a key for one app is used for that app only', async (t) => {
  const { apns, client, push, connectionsUsed } = await setUp(t);
  apns.registerKey({ teamId, keyId: newAccount.keyId, publicKey: newKey, bundleIds: ['com.example.other'] });
  client.setAccounts([oldAccount, { ...newAccount, bundleIds: ['com.example.other'] }]);
  await push({ topic });
  await push({ topic: 'com.example.other.voip' });
  await push({ topic });
  t.deepEqual(connectionsUsed(), [1, 2, 1]);
  client.setAccounts([{ ...newAccount, bundleIds: ['com.example.other'] }]);
  t.like(await push({ topic }), { kind: 'refused', reason: 'NoAccount' });
});
