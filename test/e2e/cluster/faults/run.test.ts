import test from 'ava';
import { check } from './check.js';
import { runFaulty, storyOf } from './run.js';

test('calls while nodes and Redis fail, then while nodes are replaced: no registration lost, nobody invited or pushed twice, every caller hears', async (t) => {
  t.timeout(240_000);
  const run = await runFaulty({ seed: 1, nodes: 2, lines: 8, rate: 4, faults: 6, upgrade: true });
  const { calls, rang, answered, invitedAgain, pushedAgain, ...bad } = check(run.history);
  const suspects = Object.values(bad).flat();
  if (suspects.length > 0) for (const line of storyOf(run, suspects)) t.log(line);
  t.log({ calls, rang, answered, invitedAgain, pushedAgain });
  t.deepEqual(bad, { lost: [], invitedTwice: [], pushedTwice: [], unanswered: [], failedInCalm: [] });
  t.deepEqual(run.said, []);
});
