/** A value at a moment, in milliseconds. */
export interface Sample {
  readonly at: number;
  readonly value: number;
}

/** How a value moves: its slope by least squares, with the bounds between which it lies with 95 % confidence, per hour. */
export interface Trend {
  readonly mean: number;
  readonly perHour: number;
  readonly low: number;
  readonly high: number;
}

/** Neighbouring samples resemble each other, which would make the bounds too narrow: means of so many blocks are taken instead. */
const BLOCKS = 20;
const MIN_BLOCKS = 10;
const HOUR = 3_600_000;

/** Student's t at 97.5 %, for 8 degrees of freedom and more. */
const STUDENT = [2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11, 2.101];

/** The trend of samples that are spread over their time; undefined for too few of them. */
export function trendOf(samples: readonly Sample[]): Trend | undefined {
  const points = blocks(samples);
  const degrees = points.length - 2;
  if (points.length < MIN_BLOCKS) return undefined;
  const at = mean(points.map((point) => point.at));
  const value = mean(points.map((point) => point.value));
  const spread = sum(points.map((point) => (point.at - at) ** 2));
  const slope = sum(points.map((point) => (point.at - at) * (point.value - value))) / spread;
  const rest = sum(points.map((point) => (point.value - value - slope * (point.at - at)) ** 2));
  const error = Math.sqrt(rest / degrees / spread) * (STUDENT[degrees - 8] ?? 2.101);
  return { mean: value, perHour: slope * HOUR, low: (slope - error) * HOUR, high: (slope + error) * HOUR };
}

/**
 * Whether a value grows beyond doubt: the lower bound of its slope would add more than `share` of its mean in an hour. What
 * only wavers, or grows by less than that, is flat.
 */
export function grows({ mean: level, low }: Trend, share = 0.05): boolean {
  return low > share * Math.max(level, 1);
}

function blocks(samples: readonly Sample[]): readonly Sample[] {
  const first = samples[0]?.at ?? 0;
  const length = (samples.at(-1)?.at ?? 0) - first + 1;
  const filled = Array.from({ length: BLOCKS }, (): Sample[] => []);
  for (const sample of samples) filled[Math.floor(((sample.at - first) * BLOCKS) / length)]?.push(sample);
  return filled
    .filter((block) => block.length > 0)
    .map((block) => ({ at: mean(block.map(({ at }) => at)), value: mean(block.map(({ value }) => value)) }));
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;
