import test from 'ava';
import { runChaos } from '../../src/demo/chaos.js';

test.serial(
  'wake calls while the app is killed again and again: every caller hears, phones ring, none rings twice',
  async (t) => {
    t.timeout(120_000);
    const result = await runChaos({ calls: 150, rate: 15, killEvery: 2_000, phones: 60 });
    t.log(result);
    t.true(result.kills >= 3);
    t.is(result.unanswered, 0);
    t.is(result.rangTwice, 0);
    t.is(result.pushedTwice, 0);
    t.true(result.rang >= 148, `${result.rang} of 150 phones rang`);
    t.is(result.leftUp, 0);
  },
);

test.serial('the same over TLS: nobody is turned away for a restart', async (t) => {
  t.timeout(60_000);
  const result = await runChaos({ calls: 60, rate: 15, killEvery: 2_000, phones: 40, transport: 'tls' });
  t.log(result);
  t.true(result.kills >= 1);
  t.like(result, { unanswered: 0, rangTwice: 0, pushedTwice: 0, leftUp: 0 });
  t.true(result.rang >= 59, `${result.rang} of 60 phones rang`);
  t.deepEqual(
    Object.keys(result.refusals).filter((cause) => cause.startsWith('503')),
    [],
  );
});
