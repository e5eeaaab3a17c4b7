import test from 'ava';
import { Sweeper } from '../../src/devices/sweeper.js';
import { FakeClock } from '../support/fake-clock.js';

test('more AORs than are noted are all looked at when they are due: the walk comes by again', async (t) => {
  const clock = new FakeClock();
  const due = new Map(Array.from({ length: 40 }, (_, n) => [`sip:${100 + n}@a.example`, clock.now() + 600_000]));
  const swept: string[] = [];
  const early: string[] = [];
  const sweeper = new Sweeper({
    clock,
    interval: 30_000,
    hurried: false,
    maxNoted: 10,
    sweep: async (aor) => {
      if (clock.now() < (due.get(aor) ?? 0)) early.push(aor);
      due.delete(aor);
      swept.push(aor);
      return undefined;
    },
    page: async (after, limit) => [...due].filter(([aor]) => aor > after).slice(0, limit),
  });
  await sweeper.start();
  await clock.advanceAsync(900_000);
  await sweeper.stop();
  t.deepEqual(early, []);
  t.is(new Set(swept).size, 40);
  t.is(due.size, 0);
});
