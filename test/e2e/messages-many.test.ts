import test from 'ava';
import { stageFor } from './support.js';

const PHONES = 10;
/** For each phone. `CALLWAKE_TEST_MESSAGES=1000` makes it 10,000 in all. */
const MESSAGES = Number(process.env.CALLWAKE_TEST_MESSAGES ?? 200);

test.serial(
  'many stored messages: each phone gets all of its own in order, once, while calls go on as ever',
  async (t) => {
    const stage = await stageFor(t, { edge: 'path', transport: 'tcp' });
    const got: string[][] = [];
    const phones = await Promise.all(
      Array.from({ length: PHONES }, async (_, index) => {
        const phone = await stage.phone({ user: '2001' });
        got.push([]);
        phone.events.on('message', ({ body }) => got[index]?.push(body));
        await phone.background();
        return phone;
      }),
    );
    const caller = await stage.phone({ user: '2002', behaviour: { answerDelayMs: 0 } });
    const expected = Array.from({ length: MESSAGES }, (_, index) => `message ${index}`);
    for (const body of expected) {
      const { status } = await stage.cucm.send('MESSAGE', '2001', { contentType: 'text/plain', body });
      if (status !== 202) t.fail(`${status} to ${body}`);
    }
    const all = Promise.all(
      phones.map((phone) => phone.events.next('message', ({ body }) => body === expected.at(-1))),
    );
    await Promise.all(phones.map((phone) => phone.register()));
    let over = false;
    void all.then(() => {
      over = true;
    });
    const waits: number[] = [];
    while (!over) {
      const started = performance.now();
      const call = stage.cucm.call({ to: '2002' });
      await call.answered;
      waits.push(performance.now() - started);
      await call.hangup();
    }
    await all;
    for (const bodies of got) t.deepEqual(bodies, expected);
    t.true(waits.length > 1, 'a call that began during the deliveries was over before them');
    t.log(`${waits.length} calls meanwhile, the slowest answered after ${Math.round(Math.max(...waits))} ms`);
    t.true(caller.calls.length >= waits.length);
    t.deepEqual(stage.faults(), []);
  },
);
