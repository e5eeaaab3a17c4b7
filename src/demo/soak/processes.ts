import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Probed } from './probe.js';
import { grows, type Trend, trendOf } from './trend.js';

/** What is looked at over time, and in which unit it is told. */
export const MEASURES = {
  rss: { name: 'resident memory', unit: 'MB', per: 2 ** 20 },
  heap: { name: 'heap after collection', unit: 'MB', per: 2 ** 20 },
  outside: { name: 'buffers outside the heap', unit: 'MB', per: 2 ** 20 },
  files: { name: 'open files', unit: '', per: 1 },
  timers: { name: 'timers', unit: '', per: 1 },
  handles: { name: 'handles', unit: '', per: 1 },
} as const;

export type Measure = keyof typeof MEASURES;

/** One measure of one process. */
export interface Measured {
  readonly measure: Measure;
  /** When the process had just begun, and when all load was over. */
  readonly begin: number;
  readonly rest: number;
  /** At the first and last sample under load, warm-up left out, and between them. */
  readonly first: number;
  readonly last: number;
  readonly max: number;
  /** Undefined when the time was too short to tell. */
  readonly trend: Trend | undefined;
  /** The slope is beyond doubt, and what was gained was not given back at rest. */
  readonly grows: boolean;
  /** Every tenth sample. */
  readonly series: readonly number[];
}

export interface MeasuredProcess {
  readonly role: string;
  readonly pid: number;
  /** Seconds over which it was looked at, warm-up left out. */
  readonly seconds: number;
  readonly measures: readonly Measured[];
}

/** Before so much time nothing is said of slopes. */
const ENOUGH = 300_000;

/**
 * Reads what the processes have written of themselves (see `probe.ts`): the newest of each role, from the end of its warm-up, and
 * not before `from`, until the load ended.
 */
export function readProcesses(folder: string, warmUp: number, from: number, until: number): readonly MeasuredProcess[] {
  const newest = new Map<string, MeasuredProcess & { readonly at: number }>();
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.jsonl'))) {
    const [role = '', pid = ''] = name.replace('.jsonl', '').split('-');
    const all = readFileSync(join(folder, name), 'utf8').trimEnd().split('\n').map(parsed).filter(isDefined);
    const start = all[0]?.at ?? 0;
    const warm = all.filter(({ at }) => at >= Math.max(start + warmUp, from) && at <= until);
    const before = newest.get(role);
    if (warm.length === 0 || (before !== undefined && before.at > start)) continue;
    newest.set(role, { role, pid: Number(pid), at: start, ...figuresOf(warm, all) });
  }
  return [...newest.values()].map(({ at: _, ...rest }) => rest);
}

function figuresOf(samples: readonly Probed[], all: readonly Probed[]): Pick<MeasuredProcess, 'seconds' | 'measures'> {
  const length = (samples.at(-1)?.at ?? 0) - (samples[0]?.at ?? 0);
  const measures = (Object.keys(MEASURES) as Measure[]).map((measure): Measured => {
    const figure = (sample: Probed | undefined): number => (sample?.[measure] ?? 0) / MEASURES[measure].per;
    const values = samples.map((sample) => ({ at: sample.at, value: figure(sample) }));
    const trend = length >= ENOUGH ? trendOf(values) : undefined;
    return {
      measure,
      begin: figure(all[0]),
      rest: figure(all.at(-1)),
      first: values[0]?.value ?? 0,
      last: values.at(-1)?.value ?? 0,
      max: Math.max(...values.map(({ value }) => value)),
      trend,
      series: values.filter((_, index) => index % 10 === 0).map(({ value }) => Math.round(value * 100) / 100),
      grows: trend !== undefined && grows(trend) && figure(all.at(-1)) > (values[0]?.value ?? 0),
    };
  });
  return { seconds: Math.round(length / 1000), measures };
}

/** The last line may be cut: the process was killed. */
function parsed(line: string): Probed | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

const isDefined = <T>(value: T | undefined): value is T => value !== undefined;
