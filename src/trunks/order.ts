/** Where a peer stands among those of its trunk (RFC 2782: lower priority first, more weight more often). */
export interface Rank {
  readonly priority: number;
  readonly weight: number;
}

/**
 * The order in which peers are tried (RFC 2782): by priority; among equals each next one is drawn with a chance in proportion to its
 * weight, those with weight 0 last. `random` gives numbers from 0 (inclusive) to 1 (exclusive).
 */
export function inOrder<T extends Rank>(peers: readonly T[], random: () => number): T[] {
  const priorities = [...new Set(peers.map(({ priority }) => priority))].sort((a, b) => a - b);
  return priorities.flatMap((priority) =>
    drawn(
      peers.filter((peer) => peer.priority === priority),
      random,
    ),
  );
}

function drawn<T extends Rank>(peers: readonly T[], random: () => number): T[] {
  const left = [...peers];
  const order: T[] = [];
  while (left.length > 0) {
    const total = left.reduce((sum, { weight }) => sum + weight, 0);
    let draw = random() * total;
    let index = left.findIndex(({ weight }) => {
      draw -= weight;
      return draw < 0;
    });
    if (index < 0) index = 0;
    order.push(...left.splice(index, 1));
  }
  return order;
}
