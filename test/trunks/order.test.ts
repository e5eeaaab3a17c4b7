import test from 'ava';
import fc from 'fast-check';
import { inOrder } from '../../src/trunks/order.js';

test('the lower priority comes first, whatever the weights', (t) => {
  const peers = [
    { name: 'backup', priority: 2, weight: 100 },
    { name: 'main', priority: 1, weight: 1 },
  ];
  t.deepEqual(
    inOrder(peers, () => 0.999).map(({ name }) => name),
    ['main', 'backup'],
  );
});

test('among equals the weight is the chance to be first', (t) => {
  const peers = [
    { name: 'a', priority: 1, weight: 3 },
    { name: 'b', priority: 1, weight: 1 },
  ];
  const firsts = [0, 0.1, 0.5, 0.74, 0.75, 0.9].map((draw) => inOrder(peers, () => draw)[0]?.name);
  t.deepEqual(firsts, ['a', 'a', 'a', 'a', 'b', 'b']);
});

test('weight 0 is drawn only when nothing else is left', (t) => {
  const peers = [
    { name: 'spare', priority: 1, weight: 0 },
    { name: 'main', priority: 1, weight: 1 },
  ];
  for (const draw of [0, 0.5, 0.999]) t.is(inOrder(peers, () => draw)[0]?.name, 'main');
});

test('every peer is tried exactly once, by priority', (t) => {
  const rank = fc.record({ priority: fc.nat(3), weight: fc.nat(10) });
  const draws = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.array(rank), draws, (ranks, draw) => {
      const peers = ranks.map(({ priority, weight }, id) => ({ id, priority, weight }));
      const order = inOrder(peers, () => draw);
      const ids = order.map(({ id }) => id);
      t.deepEqual(
        [...ids].sort((a, b) => a - b),
        peers.map(({ id }) => id),
      );
      for (const [index, { priority }] of order.entries()) t.true((order[index + 1]?.priority ?? 99) >= priority);
    }),
  );
});
