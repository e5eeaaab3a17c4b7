import test from 'ava';
import { Idempotency } from '../../../src/ops/http/idempotency.js';
import { MemoryStore } from '../../../src/store/memory-store.js';
import { FakeClock } from '../../support/fake-clock.js';

test('an answer is given again for its time, then the work is done again', async (t) => {
  const clock = new FakeClock();
  const kept = new Idempotency({ store: new MemoryStore(), clock, keep: 1000 });
  let done = 0;
  const ask = () => kept.once({ subject: 'me', key: 'k', body: { a: 1 } }, async () => ++done);
  t.deepEqual(await ask(), { answer: 1, replayed: false });
  clock.advance(999);
  t.deepEqual(await ask(), { answer: 1, replayed: true });
  clock.advance(1);
  t.deepEqual(await ask(), { answer: 2, replayed: false });
});

test('what fails may be tried again; what is under way may not', async (t) => {
  const kept = new Idempotency({ store: new MemoryStore(), clock: new FakeClock() });
  const request = { subject: 'me', key: 'k', body: 1 };
  await t.throwsAsync(
    kept.once(request, async () => Promise.reject(new Error('no'))),
    { message: 'no' },
  );
  let end = (_: string): void => {};
  const first = kept.once(request, () => new Promise<string>((resolve) => (end = resolve)));
  await t.throwsAsync(
    kept.once(request, async () => 'twice'),
    { message: /under way/ },
  );
  await new Promise((resolve) => setImmediate(resolve));
  end('once');
  t.deepEqual(await first, { answer: 'once', replayed: false });
});

test('not more than the limit is kept: the oldest make room, also of a process before', async (t) => {
  const clock = new FakeClock();
  const store = new MemoryStore();
  const stored = async () => (await store.recordsAfter('idempotency', '', 1000)).length;
  for (let index = 0; index < 30; index++) {
    const kept = new Idempotency({ store, clock, limit: 10 });
    await kept.once({ subject: 'me', key: `${index}`, body: 1 }, async () => index);
    clock.advance(1);
  }
  t.is(await stored(), 10);
  const kept = new Idempotency({ store, clock, limit: 10 });
  t.like(await kept.once({ subject: 'me', key: '29', body: 1 }, async () => 'again'), { answer: 29, replayed: true });
  t.like(await kept.once({ subject: 'me', key: '1', body: 1 }, async () => 'again'), { replayed: false });
});
