import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { stringify } from 'yaml';
import { TokenPush } from '../src/calls/token-push.js';
import { Waker } from '../src/calls/waker.js';
import { systemClock } from '../src/clock/clock.js';
import { parseConfig } from '../src/config/load.js';
import type { PushConfig } from '../src/config/schema.js';
import type { Device } from '../src/devices/types.js';
import { silentLogger } from '../src/log/logger.js';
import { apnsOptions, openPush, recipientOf, servedApps } from '../src/open-push.js';
import { MemoryStore } from '../src/store/memory-store.js';
import { opened } from './push/opened.js';
import { keyId, signingKey, simulator, teamId, until, voipPush } from './push/support.js';

function folderFor(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'callwake-push-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'key.p8'), signingKey.export({ type: 'pkcs8', format: 'pem' }));
  return folder;
}

function configure(folder: string, push: Record<string, unknown>, env = {}): PushConfig {
  const account = { teamId, keyId, keyFile: 'key.p8' };
  const config = {
    domains: ['corp.example'],
    trunks: [{ name: 'cucm', peers: [{ host: '192.0.2.10' }] }],
    directPhones: { allow: true },
    push: { provider: 'apns', accounts: [account], ...push },
  };
  return parseConfig(stringify(config), { file: join(folder, 'callwake.yaml'), env }).push;
}

test('without anything said it is Apple, port 443, no proxy', (t) => {
  const options = apnsOptions(configure(folderFor(t), {}));
  t.deepEqual(options.endpoints, {
    production: { host: 'api.push.apple.com', port: 443 },
    sandbox: { host: 'api.sandbox.push.apple.com', port: 443 },
  });
  t.is(options.proxy, undefined);
  t.deepEqual(Object.keys(options.accounts[0] ?? {}), ['teamId', 'keyId', 'key']);
});

test('endpoints, ports, proxy and scoped keys are taken over', (t) => {
  const folder = folderFor(t);
  const accounts = [
    { teamId, keyId, keyFile: 'key.p8', keyEnvironments: ['sandbox'], keyBundleIds: ['com.example.phone'] },
  ];
  const proxy = { url: 'http://[2001:db8::1]:3128', user: 'callwake' };
  const options = apnsOptions(
    configure(
      folder,
      { accounts, proxy, port: 2197, queueLimit: 7, endpoints: { production: 'https://[::1]:8443' } },
      { CALLWAKE_PUSH__PROXY__PASSWORD: 'secret' },
    ),
  );
  t.like(options, { queueLimit: 7 });
  t.deepEqual(options.endpoints, {
    production: { host: '::1', port: 8443 },
    sandbox: { host: 'api.sandbox.push.apple.com', port: 2197 },
  });
  t.deepEqual(options.proxy, {
    host: '2001:db8::1',
    port: 3128,
    tls: false,
    credentials: { username: 'callwake', password: 'secret' },
  });
  t.like(options.accounts[0], { environments: ['sandbox'], bundleIds: ['com.example.phone'] });
  t.like(apnsOptions(configure(folder, { proxy: { url: 'https://proxy.example' } })).proxy, { port: 443, tls: true });
});

test('what makes no sense is told with what is wanted', (t) => {
  const folder = folderFor(t);
  const wrong: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [{ proxy: { url: 'socks://x' } }, /push\.proxy\.url: .*http:\/\/proxy/],
    [{ proxy: { user: 'x' } }, /push\.proxy\.url: is missing/],
    [{ proxy: { url: 'http://p', user: 'x' } }, /push\.proxy\.password: is missing/],
    [
      { accounts: [{ teamId, keyId, keyFile: 'k', bundleIds: ['com.example.phone.voip'] }] },
      /bundleIds\[0\]: .*without \.voip/,
    ],
    [
      { accounts: [{ teamId, keyId, keyFile: 'k', keyBundleIds: ['com.example.a'], bundleIds: ['com.example.b'] }] },
      /bundleIds\[0\]: .*one of keyBundleIds \(com\.example\.a\)/,
    ],
    [{ apps: { 'com.example.phone': { content: 'some' } } }, /content: "some" .*clear, sender, nothing, encrypted/],
    [{ registerTo: 'node1' }, /push\.registerTo: "node1" .*SIP URI/],
    [{ accounts: [{ teamId, keyId: 'SHORT', keyFile: 'k' }] }, /keyId: "SHORT" .*ten capital letters and digits/],
  ];
  for (const [push, message] of wrong) t.throws(() => configure(folder, push), { message });
});

test('the apps of a key, and those whose phones may register for push', (t) => {
  const folder = folderFor(t);
  const served = (changes: Record<string, unknown>) =>
    servedApps(configure(folder, { accounts: [{ teamId, keyId, keyFile: 'key.p8', ...changes }] }))[0]?.bundleIds;
  const [one, two] = ['com.example.one', 'com.example.two'];
  t.deepEqual(served({}), []);
  t.deepEqual(served({ bundleIds: [one] }), [one]);
  t.deepEqual(served({ keyBundleIds: [one, two] }), [one, two]);
  t.deepEqual(served({ keyBundleIds: [one, two], bundleIds: [two] }), [two]);
  const { accounts } = apnsOptions(
    configure(folder, { accounts: [{ teamId, keyId, keyFile: 'key.p8', bundleIds: [one] }] }),
  );
  t.false('bundleIds' in (accounts[0] ?? {}), 'the key itself is for all of the team');
});

test('how an app is told things follows its settings and the device’s key', (t) => {
  const registerTo = 'sips:node1.corp.example';
  const config = configure(folderFor(t), {
    content: 'sender',
    apps: { 'com.example.a': { content: 'encrypted' } },
    registerTo,
  });
  const bytes = randomBytes(32);
  const device = { encryptionKey: bytes.toString('base64url'), encryptionKeyId: 'k1' };
  t.deepEqual(recipientOf(config, 'com.example.a', device), {
    content: 'encrypted',
    key: { bytes, id: 'k1' },
    registerTo,
  });
  t.deepEqual(recipientOf(config, 'com.example.b', {}), { content: 'sender', registerTo });
  t.is(recipientOf(config, 'com.example.b', { encryptionKey: 'short' }).key, undefined);
});

test('a key file that cannot be used is told with its name', (t) => {
  const folder = folderFor(t);
  const config = configure(folder, {});
  const wrong = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
  writeFileSync(join(folder, 'key.p8'), wrong.export({ type: 'pkcs8', format: 'pem' }));
  t.throws(() => apnsOptions(config), {
    message: /key\.p8 is an EC key on secp384r1; Apple's keys are EC keys on P-256/,
  });
});

test('it connects ahead, pushes, and takes another key when the configuration is read again', async (t) => {
  const folder = folderFor(t);
  const apns = await simulator(t);
  writeFileSync(join(folder, 'ca.pem'), apns.ca);
  const { host, port } = apns.endpoints.production;
  const next = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  writeFileSync(join(folder, 'next.p8'), next.export({ type: 'pkcs8', format: 'pem' }));
  apns.registerKey({ teamId, keyId: 'NEXTKEY123', publicKey: next });
  const account = { teamId, keyId, keyFile: 'key.p8', environment: 'production' };
  const common = { caFile: 'ca.pem', endpoints: { production: `https://${host}:${port}` } };
  const store = new MemoryStore();
  const opened = openPush(configure(folder, { ...common, accounts: [account] }), {
    clock: systemClock,
    log: silentLogger,
    store,
  });
  t.teardown(() => opened.provider.close());
  await until(() => apns.connections.length === 1);
  t.is((await opened.provider.push(voipPush(systemClock))).kind, 'accepted');
  t.is((await store.shared(`apns-token ${teamId} ${keyId}`)).version, 1);
  opened.reload(configure(folder, { ...common, accounts: [{ ...account, keyId: 'NEXTKEY123', keyFile: 'next.p8' }] }));
  t.is((await opened.provider.push(voipPush(systemClock))).kind, 'accepted');
  t.is((await store.shared(`apns-token ${teamId} NEXTKEY123`)).version, 1);
});

test('a phone that gave a key gets its call sealed, in the app’s way, over the wire', async (t) => {
  const folder = folderFor(t);
  const apns = await simulator(t);
  writeFileSync(join(folder, 'ca.pem'), apns.ca);
  const { host, port } = apns.endpoints.production;
  const config = configure(folder, {
    caFile: 'ca.pem',
    endpoints: { production: `https://${host}:${port}` },
    apps: { 'com.example.phone': { content: 'encrypted' } },
  });
  const { provider } = openPush(config, { clock: systemClock, log: silentLogger, store: new MemoryStore() });
  t.teardown(() => provider.close());
  const pushes = new TokenPush({
    provider,
    clock: systemClock,
    platforms: ['iphone'],
    environmentOf: () => 'production',
    recipientOf: (device, { bundleId }) => recipientOf(config, bundleId, device),
    onVerdict: async () => {},
  });
  const bytes = randomBytes(32);
  const device: Device = {
    id: 'phone-1',
    aor: 'sip:2001@corp.example',
    platform: 'iphone',
    bindings: [],
    tokens: [{ kind: 'voip', token: 'ab'.repeat(32), teamId, bundleId: 'com.example.phone', seenAt: 0 }],
    encryptionKey: bytes.toString('base64url'),
    seenAt: 0,
  };
  const outcome = await new Waker(pushes).wake({
    device,
    call: {
      callUuid: 'c-1',
      callerName: 'Ada Lovelace',
      calledNumber: '+49 30 2001',
      video: true,
      trunk: 'cucm',
      privacy: false,
    },
    deadline: Date.now() + 10_000,
    stillWanted: () => true,
  });
  t.is(outcome.kind, 'accepted');
  const [push] = apns.received;
  t.notRegex(JSON.stringify(push?.payload), /Ada Lovelace|\+49 30/);
  const { callwake } = (push?.payload ?? {}) as { callwake: { sealed: string } };
  t.like(opened(callwake.sealed, bytes, '1.call.c-1'), {
    callerName: 'Ada Lovelace',
    calledNumber: '+49 30 2001',
    video: true,
  });
});

test('provider none pushes nothing', async (t) => {
  const config = configure(folderFor(t), { provider: 'none', accounts: [] });
  const { provider } = openPush(config, { clock: systemClock, log: silentLogger, store: new MemoryStore() });
  t.like(await provider.push(voipPush(systemClock)), { kind: 'refused', reason: 'NoAccount' });
});
