import test from 'ava';
import fc from 'fast-check';
import { settle } from '../support/fake-clock.js';
import { World } from './world.js';

/** What may happen, in any order. Answers are to the attempt that waits the longest. */
const step = fc.oneof(
  { weight: 4, arbitrary: fc.constant('send') },
  { weight: 3, arbitrary: fc.constant('wakes') },
  { weight: 1, arbitrary: fc.constant('sleeps') },
  { weight: 5, arbitrary: fc.constant('200') },
  { weight: 1, arbitrary: fc.constant('480') },
  { weight: 1, arbitrary: fc.constant('486') },
  { weight: 1, arbitrary: fc.constant('time') },
);

test('whatever happens: every message that had its 202 or 200 is delivered or waits, in order, and none is delivered twice', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const world = new World(['a'], { settings: { maxRefusals: 1000 } });
      const accepted: string[] = [];
      const delivered: string[] = [];
      const sending: Promise<void>[] = [];
      let answered = 0;
      const answer = async (status: number): Promise<void> => {
        const attempt = world.attempts[answered];
        if (attempt === undefined) return;
        answered++;
        if (status === 200) delivered.push(attempt.delivery.message.body);
        await attempt.answer(status);
      };
      for (const [index, what] of steps.entries()) {
        if (what === 'send') {
          const body = String(index).padStart(3, '0');
          const sent = world.send(body).then((status) => {
            if (status < 300) accepted.push(body);
          });
          sending.push(sent);
          await settle();
        } else if (what === 'wakes') await world.wakes('a');
        else if (what === 'sleeps') world.states.set('a', 'suspended');
        else if (what === 'time') {
          // what is not answered in time is answered late, as not taken
          while (answered < world.attempts.length) await answer(480);
          await world.clock.advanceAsync(31_000);
        } else await answer(Number(what));
      }
      for (let round = 0; round < 200 && (world.mailbox.total > 0 || answered < world.attempts.length); round++) {
        await world.wakes('a');
        await answer(200);
      }
      await Promise.all(sending);
      await settle();
      t.deepEqual(world.faults, []);
      t.is(world.mailbox.total, 0);
      t.deepEqual(delivered, [...delivered].sort());
      t.is(new Set(delivered).size, delivered.length);
      for (const body of accepted) t.true(delivered.includes(body), `${body} of ${delivered}`);
      world.messages.close();
    }),
    { numRuns: 150 },
  );
});
