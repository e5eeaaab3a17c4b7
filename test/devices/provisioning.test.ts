import { createHash } from 'node:crypto';
import test from 'ava';
import { ProvisionError, Provisioning } from '../../src/devices/provisioning.js';
import type { DeviceSettings } from '../../src/devices/settings.js';
import { StoredUsers, UserError } from '../../src/devices/stored-users.js';
import { LmdbStore } from '../../src/store/lmdb-store.js';
import { temporaryFolder } from '../store/support.js';
import { ALERT, AOR, apns, INSTANCE, instance, iphone, OTHER, VOIP, bench as withRegistry } from './support.js';

const REALM = 'corp.example';
const KEY = Buffer.alloc(32, 7).toString('base64url');
const TOKEN = { kind: 'voip', token: VOIP, teamId: 'ABCDE12345', bundleId: 'com.example.phone' } as const;
const PHONE = { id: INSTANCE, platform: 'iphone', tokens: [TOKEN] } as const;

function bench(settings: Partial<DeviceSettings> = {}) {
  const inner = withRegistry(settings);
  const { registry, store } = inner;
  const users = new StoredUsers(store);
  const domains = ['corp.example', 'a.example'];
  return { ...inner, users, provisioning: new Provisioning({ registry, store, users, domains, realm: REALM }) };
}

test('a device made by hand can be woken, is shown without secrets, and its phone is found by its instance', async (t) => {
  const { provisioning, register, device } = bench();
  const id = `urn:uuid:${INSTANCE.toUpperCase()}`;
  const view = await provisioning.provision('sip:2001@CORP.example', {
    ...PHONE,
    id,
    encryptionKey: `${KEY}=`,
    encryptionKeyId: 'k1',
  });
  t.like(view, { id: INSTANCE, aor: AOR, platform: 'iphone', encrypted: true, encryptionKeyId: 'k1' });
  t.is(view.state.state, 'unregistered');
  t.is((await device()).encryptionKey, KEY);
  await register([`<sip:2001@192.0.2.1;x=${ALERT}>${instance()}`]);
  const [shown, ...others] = await provisioning.devicesOf(AOR);
  t.deepEqual(others, []);
  t.is(shown?.bindings.length, 1);
  t.like(shown?.tokens[0], { kind: 'voip', bundleId: 'com.example.phone', origin: 'api' });
  t.is((await device()).encryptionKey, KEY, 'a REGISTER without a key leaves it');
  const text = JSON.stringify([view, { ...shown, bindings: [] }]);
  for (const secret of [VOIP, KEY]) t.false(text.includes(secret));
});

test('the Contact of a phone, which holds its tokens, is not shown', async (t) => {
  const { provisioning, register } = bench();
  await register([iphone()]);
  const text = JSON.stringify(await provisioning.devicesOf(AOR));
  t.true(text.includes('192.0.2.1'));
  t.false(text.includes(VOIP));
});

test('a second provisioning replaces what it names and leaves the rest, and what Apple told of a token', async (t) => {
  const { provisioning, registry, register, device, clock } = bench();
  await register([
    iphone('sip:a@192.0.2.1', apns(`${VOIP}:voip&${ALERT}:remote`, 'ABCDE12345.com.example.phone.voip&remote')),
  ]);
  await registry.tokenVerdict(AOR, INSTANCE, { token: VOIP, verdict: 'keep', at: clock.now(), environment: 'sandbox' });
  await provisioning.provision(AOR, { ...PHONE, encryptionKey: KEY, encryptionKeyId: 'k1' });
  const first = await device();
  t.deepEqual(
    first.tokens.map(({ kind, origin, environment }) => [kind, origin, environment]),
    [
      ['voip', 'api', 'sandbox'],
      ['alert', 'register', undefined],
    ],
  );
  t.is(first.bindings.length, 1);
  await provisioning.provision(AOR, { ...PHONE, tokens: [{ ...TOKEN, token: OTHER.toUpperCase() }] });
  t.like(await device(), {
    tokens: [{ kind: 'voip', token: OTHER }, { kind: 'alert' }],
    encryptionKey: KEY,
    encryptionKeyId: 'k1',
  });
  await provisioning.provision(AOR, { ...PHONE, encryptionKey: null });
  const last = await device();
  t.deepEqual([last.encryptionKey, last.encryptionKeyId], [undefined, undefined]);
});

for (const [what, aor, change, field] of [
  ['an AOR that is none', '2001', {}, 'aor'],
  ['an AOR of another domain', 'sip:2001@elsewhere.example', {}, 'aor'],
  ['an id with spaces', AOR, { id: 'my phone' }, 'id'],
  ['a platform that is none', AOR, { platform: 'nokia' as 'other' }, 'platform'],
  ['a token that is not hexadecimal', AOR, { tokens: [{ ...TOKEN, token: 'secret-token' }] }, 'tokens[0]'],
  ['a second token of a kind', AOR, { tokens: [TOKEN, { ...TOKEN, token: OTHER }] }, 'tokens[1].kind'],
  ['a bundle id that is none', AOR, { tokens: [{ ...TOKEN, bundleId: 'a b' }] }, 'tokens[0]'],
  ['a foreign team', AOR, { tokens: [{ ...TOKEN, teamId: 'FOREIGN123' }] }, 'tokens[0].bundleId'],
  ['a foreign topic', AOR, { tokens: [{ ...TOKEN, bundleId: 'com.example.other' }] }, 'tokens[0].bundleId'],
  ['a key that is too short', AOR, { encryptionKey: KEY.slice(4) }, 'encryptionKey'],
  ['a key id with a line end', AOR, { encryptionKey: KEY, encryptionKeyId: 'k\r\n' }, 'encryptionKeyId'],
] as const) {
  test(`${what} is refused by name, and nothing is stored`, async (t) => {
    const { provisioning, store } = bench({ apps: [{ teamId: 'ABCDE12345', bundleIds: ['com.example.phone'] }] });
    const error = await t.throwsAsync(provisioning.provision(aor, { ...PHONE, ...change }), {
      instanceOf: ProvisionError,
    });
    t.is(error?.field, field);
    for (const secret of [VOIP, 'secret-token', KEY.slice(4)]) t.false(error?.message.includes(secret));
    t.deepEqual(await store.devicesAfter('', 9), []);
  });
}

test('an AOR takes only so many devices; those it has can still be changed', async (t) => {
  const { provisioning } = bench({ maxContacts: 2 });
  await provisioning.provision(AOR, { ...PHONE, id: 'a' });
  await provisioning.provision(AOR, { ...PHONE, id: 'b' });
  await t.throwsAsync(provisioning.provision(AOR, { ...PHONE, id: 'c' }), { message: /2 devices already/ });
  await provisioning.provision(AOR, { ...PHONE, id: 'b', platform: 'ipad' });
  t.deepEqual(
    (await provisioning.devicesOf(AOR)).map(({ id, platform }) => [id, platform]),
    [
      ['a', 'iphone'],
      ['b', 'ipad'],
    ],
  );
});

test('devices are listed a page at a time, without what has run out', async (t) => {
  const { provisioning, register, clock } = bench({ tokenOutlivesBinding: false });
  await register([iphone()], { aor: 'sip:2@a.example', expires: 600 });
  clock.advance(700_000);
  for (const n of [3, 1]) await provisioning.provision(`sip:${n}@a.example`, PHONE);
  const first = await provisioning.list('', 2);
  t.deepEqual(
    first.items.map(({ aor, devices }) => [aor, devices.length]),
    [['sip:1@a.example', 1]],
  );
  const second = await provisioning.list(first.next ?? '', 2);
  t.deepEqual(
    second.items.map(({ aor }) => aor),
    ['sip:3@a.example'],
  );
  t.is(second.next, undefined);
});

test('a deleted device is gone with its bindings; a deleted user with devices and credentials', async (t) => {
  const { provisioning, register, users, devices } = bench();
  await users.setPassword('2001', REALM, 'secret');
  await register([iphone()]);
  await provisioning.provision(AOR, { ...PHONE, id: 'other', tokens: [{ ...TOKEN, token: OTHER }] });
  t.true(await provisioning.deleteDevice(AOR, INSTANCE.toUpperCase()));
  t.false(await provisioning.deleteDevice(AOR, INSTANCE));
  t.deepEqual(
    (await devices()).map(({ id }) => id),
    ['other'],
  );
  t.deepEqual(await provisioning.deleteUser(AOR), { credentials: 1, devices: true });
  t.deepEqual(await devices(), []);
  t.is(await users.find('2001', REALM), undefined);
  t.deepEqual(await provisioning.deleteUser(AOR), { credentials: 0, devices: false });
});

test('users of digest are kept as HA1, also over a restart, and listed without it', async (t) => {
  const path = temporaryFolder(t);
  const first = new LmdbStore({ path });
  const before = new StoredUsers(first);
  await before.setPassword('2001', REALM, 'secret');
  await before.setSecrets('2002', REALM, { MD5: 'AB'.repeat(16) });
  await first.close();
  const second = new LmdbStore({ path });
  t.teardown(() => second.close());
  const users = new StoredUsers(second);
  const ha1 = (name: string): string => createHash(name).update('2001:corp.example:secret').digest('hex');
  t.deepEqual(await users.find('2001', REALM), { 'SHA-256': ha1('sha256'), MD5: ha1('md5') });
  t.is(await users.find('2001', 'other.example'), undefined);
  const page = await users.list('', 1);
  t.deepEqual(page.users, [{ username: '2001', realm: REALM, algorithms: ['SHA-256', 'MD5'] }]);
  t.deepEqual((await users.list(page.next ?? '', 5)).users, [{ username: '2002', realm: REALM, algorithms: ['MD5'] }]);
  t.true(await users.remove('2002', REALM));
  t.false(await users.remove('2002', REALM));
});

test('a user that can’t be is refused without a word of the secret', async (t) => {
  const { users, store } = bench();
  for (const attempt of [
    users.setPassword('20:01', REALM, 'hunter2'),
    users.setPassword('2001', 'a\nb', 'hunter2'),
    users.setPassword('2001', REALM, ''),
    users.setSecrets('2001', REALM, {}),
    users.setSecrets('2001', REALM, { 'SHA-256': 'hunter2' }),
  ]) {
    const error = await t.throwsAsync(attempt, { instanceOf: UserError });
    t.false(error?.message.includes('hunter2'));
  }
  t.deepEqual(await store.recordsAfter('digest-users', '', 9), []);
});
