import test from 'ava';
import { MemoryStore } from '../../src/store/memory-store.js';
import { AOR, bench, iphone, VOIP } from './support.js';

/** A store whose writes wait until the test lets them go. */
class SlowStore extends MemoryStore {
  readonly waiting: (() => void)[] = [];

  override putDevices(...args: Parameters<MemoryStore['putDevices']>): Promise<void> {
    return new Promise((resolve) => this.waiting.push(() => resolve(super.putDevices(...args))));
  }
}

test('a call sees what was decided before it came, even while that is being written', async (t) => {
  const store = new SlowStore();
  const { register, registry, clock } = bench({}, store);
  const registering = register([iphone()]);
  await new Promise(setImmediate);
  store.waiting.shift()?.();
  const [device] = (await registering).registered;
  const verdict = registry.tokenVerdict(AOR, device?.id ?? '', { token: VOIP, verdict: 'dead', at: clock.now() });
  await new Promise(setImmediate);
  const reading = registry.devicesOf(AOR);
  await new Promise(setImmediate);
  store.waiting.shift()?.();
  t.deepEqual((await reading)[0]?.tokens, []);
  await verdict;
});
