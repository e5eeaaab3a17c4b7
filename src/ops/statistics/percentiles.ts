/** Percentiles of a set of durations, in milliseconds; none of an empty one. */
export interface Percentiles {
  readonly count: number;
  readonly p50?: number;
  readonly p95?: number;
  readonly p99?: number;
}

/** The percentiles of some durations by the nearest-rank method. */
export function percentilesOf(durations: readonly number[], count = durations.length): Percentiles {
  if (durations.length === 0) return { count };
  const sorted = durations.toSorted((a, b) => a - b);
  const at = (part: number): number => Math.round(sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? 0);
  return { count, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
