import test, { type ExecutionContext } from 'ava';
import { check, type Verdict } from './check.js';
import { type FaultyRunOptions, runFaulty, storyOf } from './run.js';

/** Plays a run of which nothing bad may be seen; gives the figures. */
async function play(t: ExecutionContext, options: FaultyRunOptions): Promise<Partial<Verdict>> {
  t.timeout(240_000);
  const run = await runFaulty(options);
  const { calls, rang, answered, invitedAgain, ...bad } = check(run.history);
  const suspects = Object.values(bad).flat();
  if (suspects.length > 0) for (const line of storyOf(run, suspects)) t.log(line);
  t.log({ calls, rang, answered, invitedAgain });
  t.deepEqual(bad, { lost: [], invitedTwice: [], pushedTwice: [], unanswered: [], failedInCalm: [] });
  t.deepEqual(run.said, []);
  return { calls, rang, answered, invitedAgain };
}

test.serial(
  'calls while nodes and Redis fail: no registration lost, nobody invited or pushed twice, every caller hears',
  async (t) => {
    await play(t, { seed: 1, nodes: 2, lines: 10, rate: 4, faults: 6 });
  },
);

test.serial('one node after the other is drained and replaced: every call is answered', async (t) => {
  const { calls, ...seen } = await play(t, { seed: 2, nodes: 2, lines: 10, rate: 4, faults: 'upgrade' });
  t.deepEqual(seen, { rang: calls, answered: calls, invitedAgain: 0 });
});
