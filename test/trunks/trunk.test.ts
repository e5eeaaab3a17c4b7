import test from 'ava';
import { Trunk } from '../../src/trunks/trunk.js';
import type { PeerChange, PeerOptions, PingSettings } from '../../src/trunks/types.js';
import { FakeClock, settle } from '../support/fake-clock.js';

const peer = (host: string, over: Partial<PeerOptions> = {}): PeerOptions => ({
  host,
  port: 5060,
  transport: 'tcp',
  priority: 1,
  weight: 1,
  ...over,
});

/** A trunk whose peers answer pings as the test says. */
class Bench {
  readonly clock = new FakeClock();
  readonly pings: string[] = [];
  readonly changes: PeerChange[] = [];
  readonly answers = new Map<string, number | undefined>();
  readonly trunk: Trunk;

  constructor(peers: readonly PeerOptions[], settings: Partial<PingSettings> = {}) {
    this.trunk = new Trunk({
      name: 'cucm',
      peers,
      settings: { interval: 60_000, retry: 120_000, ...settings },
      clock: this.clock,
      ping: ({ host }) => {
        this.pings.push(host);
        return Promise.resolve(this.answers.has(host) ? this.answers.get(host) : 200);
      },
      onChange: (change) => this.changes.push(change),
      random: () => 0,
    });
  }

  route(): string[] {
    return this.trunk.route().map(({ options }) => options.host);
  }
}

test('a peer is pinged at once, then every 60 s while it is in service', async (t) => {
  const bench = new Bench([peer('a')]);
  bench.trunk.start();
  await settle();
  t.like(bench.changes[0], { trunk: 'cucm', peer: 'tcp/a:5060', before: 'unknown', state: 'in-service' });
  t.is(bench.changes[0]?.reason, 'OPTIONS: 200');
  await bench.clock.advanceAsync(59_999);
  t.is(bench.pings.length, 1);
  await bench.clock.advanceAsync(1);
  t.is(bench.pings.length, 2);
  t.is(bench.changes.length, 1);
  bench.trunk.close();
  t.is(bench.clock.pending, 0);
});

for (const status of [408, 503]) {
  test(`${status} to OPTIONS takes a peer out of service; it is asked again after 120 s`, async (t) => {
    const bench = new Bench([peer('a'), peer('b', { priority: 2 })]);
    bench.answers.set('a', status);
    bench.trunk.start();
    await settle();
    t.deepEqual(bench.route(), ['b']);
    t.like(bench.trunk.status[0], {
      state: 'out-of-service',
      reason: status === 408 ? 'OPTIONS: no answer' : 'OPTIONS: 503',
    });
    bench.answers.set('a', 200);
    await bench.clock.advanceAsync(119_999);
    t.deepEqual(bench.route(), ['b']);
    await bench.clock.advanceAsync(1);
    t.deepEqual(bench.route(), ['a', 'b']);
    t.is(bench.changes.at(-1)?.state, 'in-service');
  });
}

for (const status of [200, 403, 404, 405, 481, 483, 500, 501, 603]) {
  test(`${status} to OPTIONS means in service`, async (t) => {
    const bench = new Bench([peer('a')]);
    bench.answers.set('a', status);
    bench.trunk.start();
    await settle();
    t.is(bench.trunk.status[0]?.state, 'in-service');
  });
}

test('without an engine to send pings nothing is learnt, and they are tried again soon', async (t) => {
  const bench = new Bench([peer('a')]);
  bench.answers.set('a', undefined);
  bench.trunk.start();
  await settle();
  t.deepEqual(bench.route(), ['a']);
  t.is(bench.changes.length, 0);
  bench.answers.set('a', 200);
  await bench.clock.advanceAsync(5_000);
  t.is(bench.trunk.status[0]?.state, 'in-service');
});

test('a failed call takes a peer out until its ping is answered, an answered one brings it back', async (t) => {
  const bench = new Bench([peer('a')]);
  bench.trunk.start();
  await settle();
  const [first] = bench.trunk.route();
  first?.failed('no answer');
  t.deepEqual(bench.route(), []);
  t.is(bench.changes.at(-1)?.reason, 'INVITE: no answer');
  await bench.clock.advanceAsync(120_000);
  t.deepEqual(bench.route(), ['a']);
  first?.failed('503');
  first?.answered();
  t.deepEqual(bench.route(), ['a']);
});

test('with pings switched off a failed call counts for the retry time only', async (t) => {
  const bench = new Bench([peer('a')], { interval: 0 });
  bench.trunk.start();
  await settle();
  t.deepEqual(bench.pings, []);
  t.deepEqual(bench.route(), ['a']);
  bench.trunk.route()[0]?.failed('503');
  t.deepEqual(bench.route(), []);
  await bench.clock.advanceAsync(120_000);
  t.deepEqual(bench.route(), ['a']);
  t.deepEqual(bench.pings, []);
});
