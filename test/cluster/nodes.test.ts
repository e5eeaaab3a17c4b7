import test from 'ava';
import { Nodes } from '../../src/cluster/nodes.js';
import { DEFAULT_REDIS } from '../../src/store/redis/options.js';
import { RedisStore } from '../../src/store/redis/redis-store.js';
import { FakeClock } from '../support/fake-clock.js';
import { freePort } from '../support/redis.js';

/** A clock that may go on while its timers stand still, as a process does that is stopped. */
class StoppableClock extends FakeClock {
  stopped = 0;

  override monotonic(): number {
    return super.monotonic() + this.stopped;
  }
}

test('a process knows that it stood still, before and after its timers do', async (t) => {
  const clock = new StoppableClock();
  const urls = [`redis://127.0.0.1:${await freePort()}`];
  const store = new RedisStore({ redis: { ...DEFAULT_REDIS, urls }, clock, node: 'a', cache: 1 });
  const nodes = new Nodes({ store, clock, facts: { engine: 'e' }, onGone: () => t.fail() });
  t.teardown(async () => {
    await nodes.close();
    const closed = store.close();
    clock.advance(1_000);
    await closed;
  });
  clock.advance(2_000);
  t.is(nodes.sinceStall, Number.POSITIVE_INFINITY);
  clock.stopped = 1_000;
  t.is(nodes.sinceStall, 0);
  clock.advance(400);
  clock.advance(100);
  t.true(nodes.sinceStall > 0 && nodes.sinceStall <= 500);
});
