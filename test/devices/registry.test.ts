import test from 'ava';
import { DeviceRegistry } from '../../src/devices/registry.js';
import type { Device } from '../../src/devices/types.js';
import { LmdbStore } from '../../src/store/lmdb-store.js';
import { MemoryStore } from '../../src/store/memory-store.js';
import { collect, temporaryFolder } from '../store/support.js';
import { FakeClock, settle } from '../support/fake-clock.js';
import { AOR, apns, bench, INSTANCE, INSTANCE_2, iphone, OTHER, request, VOIP, values } from './support.js';

test('what was registered is there after a restart', async (t) => {
  const path = temporaryFolder(t);
  const clock = new FakeClock();
  const first = new LmdbStore({ path });
  const before = new DeviceRegistry({ store: first, clock });
  t.is((await before.register(request([iphone()]))).status, 200);
  const known = await before.devicesOf(AOR);
  await first.close();
  const second = new LmdbStore({ path });
  t.teardown(() => second.close());
  const after = new DeviceRegistry({ store: second, clock });
  t.deepEqual(await after.devicesOf(AOR), known);
  t.is((await after.register(request([iphone('sip:2001@192.0.2.2:5060')]))).status, 500, 'its CSeq still counts');
});

test('a store that fails makes 500, and nobody hears of a registration', async (t) => {
  const warned: string[] = [];
  const store = new MemoryStore();
  const log = { info: () => {}, warn: (message: string) => void warned.push(message) };
  const registry = new DeviceRegistry({ store, clock: new FakeClock(), log });
  registry.onRegistered(() => t.fail());
  store.putDevices = () => Promise.reject(new Error('disk full'));
  const answer = await registry.register(request([iphone()]));
  t.is(answer.status, 500);
  t.deepEqual(answer.registered, []);
  t.is(warned.length, 1);
});

test('the next REGISTER of an AOR is served after one that failed', async (t) => {
  const store = new MemoryStore();
  const registry = new DeviceRegistry({ store, clock: new FakeClock() });
  const put = store.putDevices.bind(store);
  store.putDevices = () => {
    store.putDevices = put;
    return Promise.reject(new Error('disk full'));
  };
  const statuses = await Promise.all([registry.register(request([iphone()])), registry.register(request([iphone()]))]);
  t.deepEqual(
    statuses.map(({ status }) => status),
    [500, 200],
  );
});

test('a flood of REGISTERs on one AOR gets 503 with Retry-After; others are served', async (t) => {
  const { registry } = bench({ maxQueuedPerAor: 4 });
  const flood = Array.from({ length: 10 }, (_, n) => registry.register({ ...request([iphone()]), cseq: n }));
  const other = registry.register({ ...request([iphone()]), aor: 'sip:2002@corp.example' });
  const answers = await Promise.all(flood);
  t.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200, 200, 503, 503, 503, 503, 503, 503],
  );
  t.deepEqual(values(answers[9] ?? (await other), 'Retry-After'), ['1']);
  t.is((await other).status, 200);
  t.is((await registry.register({ ...request([iphone()]), cseq: 99 })).status, 200, 'and the AOR itself afterwards');
});

test('listeners hear each device that was registered, also when one of them fails, until they stop', async (t) => {
  const { register, registry } = bench();
  const heard: string[] = [];
  registry.onRegistered(() => {
    throw new Error('a bad listener');
  });
  const stop = registry.onRegistered(({ id }) => heard.push(id));
  t.is((await register([iphone(), iphone('sip:b@192.0.2.2', '', INSTANCE_2)])).status, 200);
  t.deepEqual(heard, [INSTANCE, INSTANCE_2]);
  await register([iphone()], { expires: 0 });
  stop();
  await register([iphone()]);
  t.deepEqual(heard, [INSTANCE, INSTANCE_2]);
});

test('an AOR is known while something of it can be reached', async (t) => {
  const { register, registry, clock } = bench({ tokenOutlivesBinding: false });
  t.false(await registry.knownAor(AOR));
  await register([iphone()]);
  t.true(await registry.knownAor(AOR));
  clock.advance(3_600_000);
  t.false(await registry.knownAor(AOR));
});

test('notes about devices that are not there are passed over', async (t) => {
  const { registry, store } = bench();
  await registry.noteAsleep(AOR, 'nobody', 'no answer');
  await registry.noteAwake(AOR, 'nobody');
  await registry.tokenVerdict(AOR, 'nobody', { token: VOIP, verdict: 'dead', at: 0 });
  t.deepEqual(await collect(store.eachAor()), []);
});

test('a 410 older than the last REGISTER leaves the token', async (t) => {
  const { register, registry, device, clock } = bench();
  await register([iphone()]);
  await registry.tokenVerdict(AOR, INSTANCE, { token: VOIP, verdict: 'dead', at: clock.now() - 1 });
  t.is((await device()).tokens.length, 1);
  await registry.tokenVerdict(AOR, INSTANCE, { token: VOIP, verdict: 'dead', at: clock.now() });
  t.is((await device()).tokens.length, 0);
});

test('a token of the wrong environment is tried in the other, and ends when neither takes it', async (t) => {
  const { register, registry, device, clock } = bench();
  await register([iphone()]);
  const verdict = (environment?: 'production' | 'sandbox') =>
    registry.tokenVerdict(AOR, INSTANCE, {
      token: VOIP,
      verdict: 'wrong-environment',
      at: clock.now(),
      ...(environment && { environment }),
    });
  await verdict();
  t.is((await device()).tokens[0]?.environment, 'sandbox');
  await register([iphone()]);
  t.is((await device()).tokens[0]?.environment, 'sandbox', 'a REGISTER does not make it forget');
  await verdict('sandbox');
  t.deepEqual((await device()).tokens, []);
});

test('a push that was accepted settles the environment', async (t) => {
  const { register, registry, device, clock } = bench();
  await register([iphone()]);
  await registry.tokenVerdict(AOR, INSTANCE, {
    token: VOIP,
    verdict: 'wrong-environment',
    at: clock.now(),
    environment: 'production',
  });
  await registry.tokenVerdict(AOR, INSTANCE, { token: VOIP, verdict: 'keep', at: clock.now(), environment: 'sandbox' });
  const [token] = (await device()).tokens;
  t.is(token?.environment, 'sandbox');
  t.is(token?.refusedIn, undefined);
});

test('a token of the wrong topic is not pushed to again until it is named again', async (t) => {
  const { register, registry, device, clock } = bench();
  await register([iphone()]);
  await registry.tokenVerdict(AOR, INSTANCE, { token: VOIP, verdict: 'wrong-topic', at: clock.now() });
  t.deepEqual((await device()).tokens, []);
  await register([iphone()]);
  t.is((await device()).tokens.length, 1);
});

test('a device made by hand survives REGISTERs and unregisters without token, until it is forgotten', async (t) => {
  const { register, registry, device, devices } = bench();
  const token = { kind: 'voip', token: VOIP, teamId: 'ABCDE12345', bundleId: 'com.example.phone' } as const;
  await registry.provision(AOR, { id: INSTANCE, platform: 'iphone', tokens: [token] });
  await register([iphone('sip:a@192.0.2.1', '')]);
  await register([iphone('sip:a@192.0.2.1', '')], { expires: 0 });
  t.is((await device()).tokens[0]?.token, VOIP);
  t.is(registry.stateOf(await device()).state, 'unregistered');
  t.true(await registry.forget(AOR, INSTANCE));
  t.false(await registry.forget(AOR, INSTANCE));
  t.deepEqual(await devices(), []);
});

test('what has run out is cleared from the store, by one timer', async (t) => {
  const { register, registry, store, clock } = bench({ tokenRetention: 7_200_000 });
  const stored = async () => (await collect(store.eachAor())).map(([, devices]) => devices.length);
  await register([iphone()], { aor: 'sip:1@a.example', expires: 600 });
  await registry.start();
  await register([iphone('sip:a@192.0.2.1', '')], { aor: 'sip:2@a.example', expires: 600 });
  t.is(clock.pending, 1);
  t.deepEqual(await stored(), [1, 1]);
  await clock.advanceAsync(700_000);
  t.deepEqual(await stored(), [1], 'the one without token is gone');
  await clock.advanceAsync(7_200_000);
  t.deepEqual(await stored(), []);
  t.is(clock.pending, 1);
  await registry.close();
  t.is(clock.pending, 0);
});

test('a sweep that fails is done again', async (t) => {
  const store = new MemoryStore();
  const { register, registry, clock } = bench({ tokenOutlivesBinding: false }, store);
  await registry.start();
  await register([iphone()], { expires: 600 });
  const put = store.putDevices.bind(store);
  let failures = 0;
  store.putDevices = (aor: string, devices: readonly Device[]) => {
    if (failures++ < 2) return Promise.reject(new Error('disk full'));
    return put(aor, devices);
  };
  await clock.advanceAsync(900_000);
  t.is(failures, 3);
  t.deepEqual(await collect(store.eachAor()), []);
  await registry.close();
});

test('a start looks at a page of the store only; the rest comes to light in a walk, and is cleared too', async (t) => {
  const { register, registry, store, clock } = bench({ tokenOutlivesBinding: false });
  const aors = Array.from({ length: 1200 }, (_, n) => `sip:${1000 + n}@a.example`);
  for (const aor of aors) await register([iphone()], { aor, expires: 600 });
  const devicesAfter = store.devicesAfter.bind(store);
  let seen = 0;
  store.devicesAfter = async (after, limit) => {
    const page = await devicesAfter(after, limit);
    seen += page.length;
    return page;
  };
  await registry.start();
  t.true(seen > 0 && seen < aors.length, `${seen} at the start`);
  await clock.advanceAsync(600_000 + 10 * registry.settings.sweepInterval);
  t.deepEqual(await collect(store.eachAor()), []);
  t.true(seen <= aors.length, 'each was seen once');
  await registry.close();
});

test('with ringBeforeStored off the disk has every registration before its 200, also when a call waits', async (t) => {
  const store = new MemoryStore();
  const settings = { ringBeforeStored: false };
  const registry = new DeviceRegistry({ store, clock: new FakeClock(), settings, isAwaited: () => true });
  await registry.register({ ...request([iphone()]), cseq: 1 });
  const moved = 'sip:2001@192.0.2.7:5060';
  await registry.register({ ...request([iphone(moved)]), cseq: 2 });
  t.is((await store.devicesOf(AOR))[0]?.bindings[0]?.uri, moved);
});

test('a phone that a call waits for is answered before the disk has it, if its token was stored before; what comes next waits', async (t) => {
  const store = new MemoryStore();
  const clock = new FakeClock();
  let awaited = false;
  const registry = new DeviceRegistry({ store, clock, isAwaited: () => awaited });
  await registry.register({ ...request([iphone()]), cseq: 1 });
  const put = store.putDevices.bind(store);
  let release: () => void = () => {};
  store.putDevices = async (aor, devices) => {
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    await put(aor, devices);
  };
  awaited = true;
  const moved = 'sip:2001@192.0.2.7:5060';
  const answer = await registry.register({ ...request([iphone(moved)]), cseq: 2 });
  t.is(answer.status, 200);
  t.is(answer.registered[0]?.bindings[0]?.uri, moved);
  t.is((await store.devicesOf(AOR))[0]?.bindings[0]?.uri, 'sip:2001@192.0.2.1:5060');
  const later = registry.devicesOf(AOR);
  await settle();
  release();
  t.is((await later)[0]?.bindings[0]?.uri, moved);

  let answered = false;
  const fresh = registry.register({ ...request([iphone(moved, apns(OTHER))]), cseq: 3 });
  void fresh.then(() => {
    answered = true;
  });
  await settle();
  t.false(answered, 'a new token is worth the wait');
  release();
  t.is((await fresh).status, 200);
});
