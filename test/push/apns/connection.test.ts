import { randomInt } from 'node:crypto';
import http2 from 'node:http2';
import net from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../../src/clock/clock.js';
import type { PushAlarm } from '../../../src/push/apns/alarms.js';
import type { ApnsProviderOptions } from '../../../src/push/apns/options.js';
import type { PushRequest } from '../../../src/push/provider.js';
import type { ApnsSimulatorOptions } from '../../../src/sim/apns/simulator.js';
import { FakeClock } from '../../support/fake-clock.js';
import { certificate, newToken, outcomeOf, provider, simulator, until, voipPush } from '../support.js';

async function setUp(t: ExecutionContext, options: Partial<ApnsProviderOptions> = {}, sim: ApnsSimulatorOptions = {}) {
  const clock = new FakeClock();
  const apns = await simulator(t, { clock, ...sim });
  const alarms: PushAlarm[] = [];
  const client = provider(t, apns, { clock, connections: 1, onAlarm: (alarm) => void alarms.push(alarm), ...options });
  // Also when an assertion failed: closing waits for pushes under way, and these for their deadline.
  t.teardown(() => clock.advance(15_000));
  const start = (changes: Partial<PushRequest> = {}) => client.push(voipPush(clock, changes));
  const push = (changes: Partial<PushRequest> = {}) => outcomeOf(clock, client, start(changes));
  const many = (count: number) => Promise.all(Array.from({ length: count }, () => start()));
  const kinds = (outcomes: readonly { kind: string }[]) => [...new Set(outcomes.map(({ kind }) => kind))];
  return { clock, apns, client, start, push, many, kinds, alarms };
}

test('a burst before the first answer never breaks the one stream that Apple allows', async (t) => {
  const { client, many, kinds } = await setUp(t, {}, { firstStreams: 1, maxStreams: 1000 });
  t.deepEqual(kinds(await many(100)), ['accepted']);
  t.like(client.counters(), { attempts: 100, unanswered: 0, connectionsOpened: 1 });
});

test('the one stream is kept to even where SETTINGS allow more, until Apple took the provider token', async (t) => {
  const { apns, client, many, push } = await setUp(t, {}, { firstStreams: 1000 });
  apns.script({ hang: true, times: 0 });
  void many(10);
  await until(() => apns.total === 1);
  t.is(client.status().inFlight, 1);
  apns.scripts.clear();
  apns.closeConnections();
  t.is((await push()).kind, 'accepted');
});

test('when SETTINGS lower the limit, what is over it waits', async (t) => {
  const { apns, client, push, many, kinds } = await setUp(t, {}, { maxStreams: 50 });
  await push();
  apns.script({ maxStreams: 1 });
  await push();
  await push();
  const pushes = many(30);
  t.is(client.status().inFlight, 1);
  t.is(client.status().queued, 29);
  t.deepEqual(kinds(await pushes), ['accepted']);
  t.is(client.counters().attempts, 33);
});

test('pushes that a lowered limit caught under way are sent again at once', async (t) => {
  const { apns, push, many, kinds, client } = await setUp(t, {}, { maxStreams: 100 });
  await push();
  apns.script({ reset: 'REFUSED_STREAM', times: 10 });
  t.deepEqual(kinds(await many(50)), ['accepted']);
  t.like(client.counters(), { attempts: 61, unanswered: 0 });
});

test('a server that refuses every stream is not asked in a tight loop', async (t) => {
  const { apns, push, client } = await setUp(t);
  apns.script({ reset: 'REFUSED_STREAM', times: 0 });
  t.like(await push(), { kind: 'unreachable', reason: 'NotProcessed' });
  t.true(client.counters().attempts <= 20);
});

for (const processed of [true, false]) {
  test(`a TCP connection lost with a push under way: sent once more under the same apns-id (${processed ? '' : 'not '}accepted before)`, async (t) => {
    const { apns, push, client } = await setUp(t);
    await push();
    apns.script({ close: true, process: processed });
    t.like(await push(), { kind: 'accepted', attempts: 2 });
    const [, lost, repeated] = apns.received;
    t.is(lost?.apnsId, repeated?.apnsId);
    t.like(client.counters(), { unanswered: 1, connectionsOpened: 2 });
  });
}

test('all connections lost at once: no push is sent again over one that is dead as well', async (t) => {
  const apns = await simulator(t, { maxStreams: 20, latencyMs: 50 });
  const client = provider(t, apns);
  const push = (changes = {}) => client.push(voipPush(systemClock, changes));
  for (let round = 0; round < 2; round++) {
    await Promise.all(Array.from({ length: 200 }, () => push()));
    const tokens = Array.from({ length: 10 }, () => newToken());
    for (const token of tokens) apns.script({ token, hang: true });
    const received = apns.total;
    const pushed = tokens.map((token) => push({ token }));
    await until(() => apns.total >= received + 10);
    t.is(client.status().connections.length, 2);
    apns.closeConnections();
    for (const outcome of await Promise.all(pushed)) t.like(outcome, { kind: 'accepted', attempts: 2 });
  }
});

test('a push whose connection is lost twice is not sent a third time', async (t) => {
  const { apns, push } = await setUp(t);
  apns.script({ close: true, times: 0 });
  t.like(await push(), { kind: 'unreachable', reason: 'ConnectionLost', attempts: 2 });
  t.is(apns.total, 2);
});

test('GOAWAY: pushes under way are answered on the old connection, new ones go over a new one', async (t) => {
  const { clock, apns, push, start, client } = await setUp(t);
  await push();
  apns.script({ delayMs: 1_000 });
  const underWay = start();
  await until(() => client.status().inFlight === 1);
  await until(() => apns.scripts.list.length === 0);
  apns.goaway('Shutdown');
  await until(() => client.counters().goaways === 1);
  t.like(client.status().connections, [{ state: 'draining', streams: 1 }]);
  t.is((await start()).kind, 'accepted');
  await clock.advanceAsync(1_000);
  t.like(await underWay, { kind: 'accepted', attempts: 1 });
  t.deepEqual(
    apns.received.map(({ connection }) => connection),
    [1, 2, 1],
  );
  await until(() => client.status().connections.length === 1);
});

test('GOAWAY with an error: what may have been accepted is sent once more, on a new connection', async (t) => {
  const { apns, push, client } = await setUp(t);
  await push();
  apns.script({ goaway: 'Shutdown', goawayCode: 2, process: false });
  t.like(await push(), { kind: 'accepted', attempts: 2 });
  t.like(client.counters(), { goaways: 1, connectionsOpened: 2 });
});

test('GOAWAY: a push after the last stream was not processed, so its resend does not count as one', async (t) => {
  const { apns, push, client } = await setUp(t);
  await push();
  apns.script({ goaway: 'Shutdown', goawayBefore: true });
  apns.script({ close: true });
  t.like(await push(), { kind: 'accepted', attempts: 3 });
  t.is(client.counters().unanswered, 1);
});

test('GOAWAY between pushes: the next push does not notice', async (t) => {
  const { apns, push, client } = await setUp(t);
  for (let round = 1; round <= 5; round++) {
    t.like(await push(), { kind: 'accepted', attempts: 1 });
    apns.goaway('IdleTimeout');
    await until(() => client.counters().goaways === round);
  }
});

test('no answer: the connection has to answer a PING, and the push is sent once more with the same apns-id', async (t) => {
  const { clock, apns, push, start, client } = await setUp(t);
  await push();
  apns.script({ hang: true });
  const pushed = start();
  await until(() => apns.total === 2);
  await clock.advanceAsync(3_000);
  t.like(await pushed, { kind: 'accepted', attempts: 2 });
  t.is(apns.received[1]?.apnsId, apns.received[2]?.apnsId);
  t.is(client.counters().connectionsOpened, 1);
});

test('no answer twice: unreachable, told as an alarm', async (t) => {
  const { clock, apns, push, start, alarms } = await setUp(t);
  await push();
  apns.script({ hang: true, times: 0 });
  const pushed = start();
  await until(() => apns.total === 2);
  await clock.advanceAsync(3_000);
  await until(() => apns.total === 3);
  await clock.advanceAsync(3_000);
  t.like(await pushed, { kind: 'unreachable', reason: 'NoAnswer', attempts: 2 });
  t.like(alarms, [{ name: 'PushNotificationServiceUnavailable', reason: 'NoAnswer' }]);
});

test('a connection that died in silence is found by its missing PONG; all its pushes move', async (t) => {
  const { clock, apns, push, start, client } = await setUp(t, {}, { freezable: true });
  await push();
  apns.setFrozen('existing');
  const pushes = [start(), start(), start()];
  await until(() => client.status().inFlight === 3);
  await clock.advanceAsync(3_000);
  t.is(client.status().inFlight, 0);
  await clock.advanceAsync(2_000);
  for (const pushed of pushes) t.like(await outcomeOf(clock, client, pushed), { kind: 'accepted', attempts: 2 });
  t.is(client.counters().connectionsOpened, 2);
});

test('both connections died in silence: a push that got no answer over one is not sent again over the other', async (t) => {
  const { clock, apns, many, start, client } = await setUp(t, { connections: 2 }, { freezable: true, maxStreams: 20 });
  await many(200);
  t.is(client.status().connections.length, 2);
  apns.setFrozen('existing');
  const pushes = [];
  for (let count = 1; count <= 4; count++) {
    pushes.push(start());
    await until(() => client.status().inFlight === count);
    await clock.advanceAsync(20);
  }
  await clock.advanceAsync(3_000);
  t.is(client.status().inFlight, 0);
  await clock.advanceAsync(2_000);
  for (const pushed of pushes) t.like(await outcomeOf(clock, client, pushed), { kind: 'accepted', attempts: 2 });
  t.is(client.counters().unanswered, 4);
});

test('silence is broken by a PING: a live connection stays, a dead one is gone before a call needs it', async (t) => {
  const { clock, apns, push, client } = await setUp(t, {}, { freezable: true });
  await push();
  for (let hour = 0; hour < 3; hour++) {
    for (let minute = 0; minute < 60; minute++) {
      await clock.advanceAsync(60_000);
      await pong(client);
    }
  }
  t.like(client.counters(), { connectionsOpened: 1 });
  t.is(client.status().connections.length, 1);
  apns.setFrozen('existing');
  await clock.advanceAsync(62_000);
  t.is(client.status().connections.length, 0);
  t.like(await push(), { kind: 'accepted', attempts: 1 });

  async function pong(provider: typeof client): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
    t.is(provider.status().connections.length, 1);
  }
});

/** A port that is free and that nobody gets who asks for any: those come from the kernel's ephemeral range, 32768 and above. */
async function quietPort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 30_000);
    const server = net.createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
}

test('nobody there: ever longer pauses, told after the third failure, and good again when somebody is', async (t) => {
  const clock = new FakeClock();
  const free = await quietPort();
  const endpoint = { host: '127.0.0.1', port: free };
  const apns = await simulator(t, { clock });
  const alarms: string[] = [];
  const client = provider(t, apns, {
    clock,
    endpoints: { production: endpoint },
    onAlarm: ({ name, state }) => void alarms.push(`${state} ${name}`),
  });
  const outcome = await outcomeOf(clock, client, client.push(voipPush(clock, { deadline: clock.now() + 120_000 })));
  t.like(outcome, { kind: 'unreachable', reason: 'NoConnection', attempts: 0 });
  t.true(client.counters().connectionsFailed >= 3 && client.counters().connectionsFailed <= 10);
  t.deepEqual(alarms, ['raised PushNotificationServiceUnavailable']);
  t.regex(client.status().lastError?.text ?? '', /ECONNREFUSED|NoConnection/);
  const quick = await outcomeOf(clock, client, client.push(voipPush(clock)));
  t.like(quick, { kind: 'unreachable', reason: 'NoConnection' });

  const late = await simulator(t, { clock, port: free });
  await clock.advanceAsync(60_000);
  t.is((await outcomeOf(clock, client, client.push(voipPush(clock)))).kind, 'accepted');
  t.is(late.total, 1);
  t.is(alarms.at(-1), 'over PushNotificationServiceUnavailable');
});

test('a certificate that is not trusted is no connection, and is named', async (t) => {
  const { client, push } = await setUp(t, { ca: certificate.cert.replace(/[\s\S]*/, '') });
  t.like(await push(), { kind: 'unreachable', reason: 'NoConnection' });
  t.regex(client.status().lastError?.text ?? '', /self-signed|NoConnection/);
});

test('another service on the port is no connection', async (t) => {
  const { createServer } = await import('node:tls');
  const server = createServer({ ...certificate, ALPNProtocols: ['http/1.1'] }, (socket) =>
    socket.on('error', () => {}),
  );
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const { push } = await setUp(t, { endpoints: { production: { host: '127.0.0.1', port } } });
  t.like(await push(), { kind: 'unreachable', reason: 'NoConnection' });
});

test('a server that accepts and never speaks HTTP/2 is given up on in time', async (t) => {
  const silent = net.createServer((socket) => socket.on('error', () => {}));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  t.teardown(() => silent.close());
  const address = silent.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const { clock, client, start } = await setUp(t, { endpoints: { production: { host: '127.0.0.1', port } } });
  const pushed = start();
  await until(() => client.status().connections.length === 1);
  await clock.advanceAsync(13_000);
  t.like(await pushed, { kind: 'unreachable', reason: 'NoConnection' });
});

test('nothing is sent before SETTINGS, not even a first push', async (t) => {
  let streams = 0;
  const server = http2.createSecureServer({ ...certificate, settings: { maxConcurrentStreams: 0 } });
  server.on('stream', () => streams++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const { clock, client, start } = await setUp(t, { endpoints: { production: { host: '127.0.0.1', port } } });
  t.teardown(() => server.close());
  const pushed = start();
  await until(() => client.status().connections.some(({ state }) => state === 'probing'));
  await clock.advanceAsync(13_000);
  t.like(await pushed, { kind: 'unreachable', attempts: 0 });
  t.is(streams, 0);
});
