import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { stringify } from 'yaml';
import { systemClock } from '../src/clock/clock.js';
import { parseConfig } from '../src/config/load.js';
import type { PushConfig } from '../src/config/schema.js';
import { silentLogger } from '../src/log/logger.js';
import { apnsOptions, openPush } from '../src/open-push.js';
import { MemoryStore } from '../src/store/memory-store.js';
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
    { teamId, keyId, keyFile: 'key.p8', keyEnvironments: ['sandbox'], bundleIds: ['com.example.phone'] },
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
    [{ accounts: [{ teamId, keyId: 'SHORT', keyFile: 'k' }] }, /keyId: "SHORT" .*ten capital letters and digits/],
  ];
  for (const [push, message] of wrong) t.throws(() => configure(folder, push), { message });
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

test('provider none pushes nothing', async (t) => {
  const config = configure(folderFor(t), { provider: 'none', accounts: [] });
  const { provider } = openPush(config, { clock: systemClock, log: silentLogger, store: new MemoryStore() });
  t.like(await provider.push(voipPush(systemClock)), { kind: 'refused', reason: 'NoAccount' });
});
