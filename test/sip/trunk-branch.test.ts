import test from 'ava';
import type { Branch, BranchEvents, BranchResponse } from '../../src/calls/port.js';
import { TrunkBranch } from '../../src/sip/trunk-branch.js';
import { Trunk } from '../../src/trunks/trunk.js';
import type { PeerChange } from '../../src/trunks/types.js';
import { FakeClock, settle } from '../support/fake-clock.js';

/** An INVITE at one peer; the test plays the peer. */
class PeerBranch implements Branch {
  cancelled: string | undefined;

  constructor(
    readonly id: string,
    readonly events: BranchEvents,
  ) {}

  cancel(reason: string): void {
    this.cancelled = reason;
  }

  drop(reason: string): void {
    this.cancelled = reason;
  }

  fails(status: number, local = false): void {
    this.events.failed({ status, reason: `status ${status}`, local });
  }

  rings(): void {
    this.events.provisional({ status: 180, reason: 'Ringing' });
  }

  answers(): void {
    this.events.answered({ status: 200, reason: 'OK' });
  }
}

/** A call over a trunk of peers a, b, c. */
class Bench {
  readonly clock = new FakeClock();
  readonly invites: PeerBranch[] = [];
  readonly tried: string[] = [];
  readonly heard: BranchResponse[] = [];
  readonly changes: PeerChange[] = [];
  readonly trunk: Trunk;
  readonly branch: TrunkBranch<PeerBranch>;

  constructor({ peers = ['a', 'b', 'c'], failoverAfter = 8_000 } = {}) {
    this.trunk = new Trunk({
      name: 'cucm',
      peers: peers.map((host, priority) => ({ host, port: 5060, transport: 'udp', priority, weight: 1 })),
      settings: { interval: 0, retry: 120_000 },
      clock: this.clock,
      ping: async () => 200,
      onChange: (change) => this.changes.push(change),
    });
    this.branch = new TrunkBranch(
      {
        clock: this.clock,
        peers: this.trunk.route(),
        failoverAfter,
        invite: (peer, events) => {
          const invite = new PeerBranch(peer.options.host, events);
          this.invites.push(invite);
          return invite;
        },
      },
      {
        trying: (peer) => this.tried.push(peer),
        provisional: (response) => this.heard.push(response),
        answered: (response) => this.heard.push(response),
        failed: (response) => this.heard.push(response),
      },
    );
  }

  get statuses(): number[] {
    return this.heard.map(({ status }) => status);
  }

  get out(): string[] {
    return this.changes.filter(({ state }) => state === 'out-of-service').map(({ peer }) => peer);
  }
}

test('503 sends the call to the next peer, and leaves the first in service', (t) => {
  const bench = new Bench();
  bench.invites[0]?.fails(503);
  t.deepEqual(bench.tried, ['udp/a:5060', 'udp/b:5060']);
  bench.invites[1]?.rings();
  bench.invites[1]?.answers();
  t.deepEqual(bench.statuses, [180, 200]);
  t.is(bench.branch.invite, bench.invites[1]);
  t.is(bench.branch.id, 'b');
  t.deepEqual(bench.out, []);
  t.is(bench.clock.pending, 0);
});

for (const [status, local, reason] of [
  [503, true, 'INVITE: not reachable'],
  [408, true, 'INVITE: no answer'],
  [408, false, 'INVITE: no answer'],
] as const) {
  test(`${status}${local ? ' made here' : ''}: the next peer, and the first is out of service`, (t) => {
    const bench = new Bench();
    bench.invites[0]?.fails(status, local);
    t.is(bench.invites.length, 2);
    t.deepEqual(bench.out, ['udp/a:5060']);
    t.is(bench.changes[0]?.reason, reason);
    t.deepEqual(bench.statuses, []);
  });
}

test('any other final response is the call’s: nobody else is asked', (t) => {
  for (const status of [302, 404, 480, 486, 500, 603]) {
    const bench = new Bench();
    bench.invites[0]?.fails(status);
    t.deepEqual(bench.statuses, [status]);
    t.is(bench.invites.length, 1);
    t.is(bench.clock.pending, 0);
  }
});

test('408 after ringing is the person’s, not the peer’s', (t) => {
  const bench = new Bench();
  bench.invites[0]?.rings();
  bench.invites[0]?.fails(408);
  t.deepEqual(bench.statuses, [180, 408]);
  t.deepEqual(bench.out, []);
});

test('a silent peer is cancelled and left for the next one; what it says later is not heard', (t) => {
  const bench = new Bench();
  bench.clock.advance(8_000);
  t.regex(bench.invites[0]?.cancelled ?? '', /cause=408/);
  t.is(bench.invites.length, 2);
  bench.invites[0]?.answers();
  bench.invites[1]?.rings();
  bench.clock.advance(60_000);
  t.deepEqual(bench.statuses, [180]);
  t.is(bench.invites.length, 2);
});

test('the last peer has all the time that its transaction has', (t) => {
  const bench = new Bench({ peers: ['a'] });
  bench.clock.advance(60_000);
  t.is(bench.invites[0]?.cancelled, undefined);
  t.is(bench.clock.pending, 0);
});

test('all have failed: the last answer is the call’s; none in service: 503', async (t) => {
  const bench = new Bench();
  for (const index of [0, 1, 2]) bench.invites[index]?.fails(503);
  await settle();
  t.deepEqual(bench.statuses, [503]);
  const none = new Bench({ peers: [] });
  t.deepEqual(none.statuses, []);
  await settle();
  t.deepEqual(none.statuses, [503]);
  t.true(none.heard[0]?.local);
});

test('a cancelled call goes nowhere any more', (t) => {
  const bench = new Bench();
  bench.branch.cancel('Q.850;cause=16');
  t.is(bench.invites[0]?.cancelled, 'Q.850;cause=16');
  bench.invites[0]?.fails(503);
  bench.clock.advance(60_000);
  t.is(bench.invites.length, 1);
  t.deepEqual(bench.statuses, []);
});
