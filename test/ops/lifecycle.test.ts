import test from 'ava';
import { Lifecycle, type LifecycleParts } from '../../src/ops/lifecycle.js';
import { MemoryStore } from '../../src/store/memory-store.js';
import { StoreAway } from '../../src/store/store.js';

class Away extends MemoryStore {
  override shared(): never {
    throw new StoreAway('away');
  }
}

const lifecycle = (parts: Partial<LifecycleParts>): Lifecycle =>
  new Lifecycle({
    intakes: [],
    waiting: () => 0,
    engine: { connected: true },
    store: { shared: async () => new Away().shared() },
    logging: { level: 'info' },
    ...parts,
  });

test('a node whose store is away is not ready, unless it goes on without', async (t) => {
  t.deepEqual(await lifecycle({}).missing(), ['the store can’t be read']);
  const accepting = lifecycle({ withoutStore: () => 'Redis is away (gone); 3 registrations wait for it' });
  t.deepEqual(await accepting.missing(), []);
  t.deepEqual(accepting.impaired(), ['Redis is away (gone); 3 registrations wait for it']);
});
