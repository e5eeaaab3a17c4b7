import test from 'ava';
import type { PushOutcome } from '../../../src/push/provider.js';
import type { ReceivedPush } from '../../../src/sim/apns/connection.js';
import type { ScriptInput } from '../../../src/sim/apns/scripts.js';
import { FakeClock, settle } from '../../support/fake-clock.js';
import { newToken, provider, simulator, until, voipPush } from '../support.js';

/** A seeded generator (mulberry32): the same seed, the same troubles. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const troubles: readonly ((random: () => number) => ScriptInput)[] = [
  (random) => ({ delayMs: random() * 4_000 }),
  () => ({ hang: true }),
  (random) => ({ hang: true, process: random() < 0.5 }),
  () => ({ reset: 'REFUSED_STREAM' }),
  (random) => ({ reset: 'INTERNAL_ERROR', process: random() < 0.5 }),
  (random) => ({ close: true, process: random() < 0.5 }),
  () => ({ goaway: 'Shutdown' }),
  () => ({ goaway: 'Shutdown', goawayBefore: true }),
  (random) => ({ goaway: 'IdleTimeout', goawayCode: 2, process: random() < 0.5 }),
  (random) => ({ maxStreams: 1 + Math.floor(random() * 50) }),
  () => ({ status: 503, reason: 'ServiceUnavailable' }),
  () => ({ status: 500, reason: 'InternalServerError', times: 2 }),
  () => ({ status: 503, reason: 'Shutdown' }),
  (random) => ({ status: 429, reason: 'TooManyRequests', retryAfter: Math.ceil(random() * 5) }),
  () => ({ status: 410, reason: 'Unregistered', timestamp: 1 }),
  () => ({ status: 400, reason: 'BadDeviceToken' }),
];

const runs = [
  { seed: 1, pushes: 4_000 },
  { seed: 2, pushes: 3_000 },
  { seed: 3, pushes: 3_000 },
];

for (const { seed, pushes } of runs) {
  test.serial(`chaos, seed ${seed}: ${pushes} pushes, each with exactly one outcome in time`, async (t) => {
    const random = seeded(seed);
    const clock = new FakeClock();
    const apns = await simulator(t, { clock, maxStreams: 50, remember: 100_000 });
    const client = provider(t, apns, {
      clock,
      random,
      timing: { reconnect: { minMs: 20, maxMs: 200 }, openings: { count: 20, withinMs: 100 } },
    });
    const ended: {
      readonly outcome: PushOutcome;
      readonly at: number;
      readonly deadline: number;
      readonly token: string;
    }[] = [];
    let started = 0;
    const start = () => {
      const token = newToken();
      if (random() < 0.25) {
        const trouble = troubles[Math.floor(random() * troubles.length)];
        if (trouble) apns.script({ token, ...trouble(random) });
      }
      const deadline = clock.now() + 500 + random() * 20_000;
      const over = random() < 0.02 ? clock.now() + random() * 1_000 : Number.POSITIVE_INFINITY;
      started++;
      client
        .push(voipPush(clock, { token, deadline, stillWanted: () => clock.now() < over }))
        .then((outcome) => ended.push({ outcome, at: clock.now(), deadline, token }));
    };
    while (ended.length < pushes) {
      for (let burst = random() * 40; burst > 0 && started < pushes; burst--) start();
      await settle(2);
      await clock.advanceAsync(random() * 40);
    }

    t.is(ended.length, pushes);
    for (const { at, deadline } of ended) t.true(at <= deadline);

    const seen = new Map<string, ReceivedPush[]>();
    for (const received of apns.received) seen.set(received.token, [...(seen.get(received.token) ?? []), received]);
    let twice = 0;
    for (const { outcome, token } of ended) {
      const requests = seen.get(token) ?? [];
      const taken = requests.filter(({ fate }) => fate !== 'refused').length;
      t.true(new Set(requests.map(({ apnsId }) => apnsId)).size <= 1, 'every attempt of a push has the same apns-id');
      t.true(requests.length <= outcome.attempts);
      t.true(taken <= 2);
      if (taken === 2) twice++;
      if (outcome.kind === 'accepted') t.true(taken >= 1, 'accepted means that Apple has it');
    }
    const counters = client.counters();
    const { requested, accepted, refused, unreachable, withdrawn, unanswered } = counters;
    t.is(requested, pushes);
    t.is(accepted + refused + unreachable + withdrawn, pushes);
    t.true(twice <= unanswered, 'a push arrives twice only after an attempt of unknown fate');
    t.true(accepted > pushes * 0.75);
    t.true(unanswered > 10 && counters.goaways > 3 && refused > 10, 'there was chaos');

    await client.close();
    await until(() => apns.connections.length === 0);
    t.deepEqual(client.status(), { ...client.status(), queued: 0, inFlight: 0, connections: [] });
    t.is(clock.pending, 0, 'no timer is left');
  });
}
