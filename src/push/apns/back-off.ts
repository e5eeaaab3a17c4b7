/** A number from 0 to below 1, as `Math.random` gives. */
export type Random = () => number;

export interface BackOffBounds {
  readonly minMs: number;
  readonly maxMs: number;
}

/**
 * How long to wait after the (n+1)-th failure in a row: doubling from `minMs` to `maxMs`, the upper half of it by chance,
 * so that many clients don't come back together. Never under `minMs`, never over `maxMs`.
 */
export function backOff(n: number, bounds: BackOffBounds, random: Random): number {
  const ceiling = Math.min(bounds.maxMs, bounds.minMs * 2 ** Math.min(n + 1, 30));
  return Math.max(bounds.minMs, ceiling * (0.5 + random() / 2));
}
