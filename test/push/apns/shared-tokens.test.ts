import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../../src/clock/clock.js';
import type { SharedTokens } from '../../../src/push/apns/token.js';
import { storeTokens } from '../../../src/push/store-tokens.js';
import { CachedStore } from '../../../src/store/cached-store.js';
import { LmdbStore } from '../../../src/store/lmdb-store.js';
import { MemoryStore } from '../../../src/store/memory-store.js';
import { temporaryFolder } from '../../store/support.js';
import { FakeClock } from '../../support/fake-clock.js';
import { outcomeOf, provider, signingKey, simulator, voipPush } from '../support.js';
import type { SiteProcess } from './site-process.js';

const MINUTE = 60_000;

/** Several processes of a site, as far as Apple can tell. */
async function site(t: ExecutionContext, sharedTokens: SharedTokens, nodes = 3) {
  const clock = new FakeClock();
  const apns = await simulator(t, { clock });
  const clients = Array.from({ length: nodes }, () => provider(t, apns, { clock, sharedTokens, connections: 1 }));
  const pushFromAll = () =>
    Promise.all(clients.map((client) => outcomeOf(clock, client, client.push(voipPush(clock)))));
  const tokensSeen = () => new Set(apns.received.map(({ providerToken }) => providerToken)).size;
  return { clock, apns, clients, pushFromAll, tokensSeen };
}

test('Apple sees one provider token of all processes, also when it is renewed', async (t) => {
  const { clock, pushFromAll, tokensSeen } = await site(t, storeTokens(new MemoryStore()));
  for (let hour = 1; hour <= 4; hour++) {
    for (const { kind } of await pushFromAll()) t.is(kind, 'accepted');
    t.is(tokensSeen(), hour);
    await clock.advanceAsync(51 * MINUTE);
  }
});

test('through a store on disk as well', async (t) => {
  const store = new CachedStore(new LmdbStore({ path: temporaryFolder(t) }), 10);
  t.teardown(() => store.close());
  // Stands still: however slow the disk, nobody loses patience with it.
  const clock = new FakeClock();
  const apns = await simulator(t, { clock });
  const clients = [1, 2, 3].map(() => provider(t, apns, { clock, sharedTokens: storeTokens(store) }));
  const outcomes = await Promise.all(clients.map((client) => client.push(voipPush(clock))));
  t.deepEqual(new Set(outcomes.map(({ kind }) => kind)), new Set(['accepted']));
  t.is(new Set(apns.received.map(({ providerToken }) => providerToken)).size, 1);
});

test('two processes over one store on disk: one provider token, and one after it was renewed', async (t) => {
  let ahead = 0;
  const clock = {
    setTimeout: (fn: () => void, ms: number) => systemClock.setTimeout(fn, ms),
    now: () => systemClock.now() + ahead,
    monotonic: () => systemClock.monotonic() + ahead,
  };
  const apns = await simulator(t, { clock });
  const told: SiteProcess = {
    ...apns.endpoints.production,
    folder: temporaryFolder(t),
    key: signingKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    ca: apns.ca,
  };
  const processes = [1, 2].map(() => {
    const child = spawn(process.execPath, ['build/test/push/apns/site-process.js'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    t.teardown(() => child.kill('SIGKILL'));
    child.stdin.write(`${JSON.stringify(told)}\n`);
    return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
  });
  const fromAll = () => Promise.all(processes.map(async ({ lines }) => (await lines.next()).value));
  t.deepEqual(await fromAll(), ['ready', 'ready']);
  for (let tokens = 1; tokens <= 3; tokens++) {
    for (const { child } of processes) child.stdin.write(`${ahead}\n`);
    t.deepEqual(await fromAll(), ['accepted', 'accepted']);
    t.is(new Set(apns.received.map(({ providerToken }) => providerToken)).size, tokens);
    ahead += 51 * MINUTE;
  }
  for (const { child } of processes) child.stdin.end();
  await Promise.all(processes.map(({ child }) => once(child, 'exit')));
});

test('a process that starts later goes on with the token that is there', async (t) => {
  const shared = storeTokens(new MemoryStore());
  const { clock, apns, pushFromAll, tokensSeen } = await site(t, shared, 1);
  await pushFromAll();
  await clock.advanceAsync(10 * MINUTE);
  const late = provider(t, apns, { clock, sharedTokens: shared });
  t.is((await outcomeOf(clock, late, late.push(voipPush(clock)))).kind, 'accepted');
  t.is(tokensSeen(), 1);
});

test('a store that fails or is silent costs no call its push', async (t) => {
  const broken: SharedTokens[] = [
    { get: () => Promise.reject(new Error('down')), put: () => Promise.reject(new Error('down')) },
    { get: async () => ({ token: undefined, version: 0 }), put: () => Promise.reject(new Error('down')) },
    { get: () => new Promise(() => {}), put: () => new Promise(() => {}) },
    { get: async () => ({ token: { jwt: 'old', issuedAt: 0 }, version: 1 }), put: async () => undefined },
  ];
  for (const shared of broken) {
    const { pushFromAll } = await site(t, shared, 1);
    t.deepEqual(
      (await pushFromAll()).map(({ kind }) => kind),
      ['accepted'],
    );
  }
});

test('a shared token that Apple refuses is replaced for all, once', async (t) => {
  const { apns, pushFromAll, tokensSeen } = await site(t, storeTokens(new MemoryStore()));
  await pushFromAll();
  apns.script({ status: 403, reason: 'ExpiredProviderToken', times: 3 });
  for (const { kind } of await pushFromAll()) t.is(kind, 'accepted');
  t.is(tokensSeen(), 2);
});

test('what else is found under its name is no token', async (t) => {
  const store = new MemoryStore();
  await store.putShared('apns-token TEAM KEY', { jwt: 7 }, 0);
  t.deepEqual(await storeTokens(store).get('TEAM KEY'), { token: undefined, version: 1 });
});
