import { arch, cpus, platform, totalmem } from 'node:os';
import type { HeapChange } from './heap.js';
import { MEASURES, type MeasuredProcess } from './processes.js';
import type { SoakResult } from './run.js';

/** The report of a run as people read it. */
export function reportOf({ options, actions, faults, sums, counted, processes, kept, findings }: SoakResult): string {
  const { duration, seed, rate, phones, edge, transport } = options;
  const machine = `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GB`;
  return [
    `${Math.round(duration / 1000)} s, seed ${seed}, ${rate} actions/s on average, ${phones} phones, edge in ${edge} mode, ${transport}`,
    `${machine}, ${platform()} ${arch()}, node ${process.version}`,
    '',
    `done:       ${listed(actions)}`,
    `faults:     ${listed(faults)}`,
    '',
    `INVITEs:    ${sums.invites}`,
    `callers:    ${listed(sums.outcomes)}`,
    `timelines:  ${listed(sums.told)}`,
    `last app:   ${counted.begun} calls begun, ${counted.ended} ended by its metrics, ${counted.logged} by its log`,
    `otherwise than planned, for a fault: ${listed(sums.explained)}`,
    `unexplained: ${sums.unexplained.length}`,
    '',
    ...processes.flatMap((process) =>
      tableOf(
        process,
        kept.some(({ role }) => role === process.role),
      ),
    ),
    ...kept.flatMap(changeOf),
    findings.length === 0 ? 'Nothing found.' : `FOUND:\n${findings.map((text) => `  ${text}`).join('\n')}`,
  ].join('\n');
}

/** @param compared the heap was looked at from inside, which says more than its slope */
function tableOf({ role, seconds, measures }: MeasuredProcess, compared: boolean): string[] {
  return [
    `${role}, over ${seconds} s${measures.some(({ trend }) => trend !== undefined) ? '' : ' (too short for slopes)'}`,
    `  ${'measure'.padEnd(28)}${['begin', 'first', 'last', 'max', 'rest'].map((name) => name.padStart(9)).join('')}   slope per hour (95 %)`,
    ...measures.map(({ measure, begin, first, last, max, rest, trend, grows }) => {
      const { name, unit } = MEASURES[measure];
      const slope =
        trend === undefined
          ? ''
          : `${signed(trend.perHour)} (${signed(trend.low)} to ${signed(trend.high)})${grows && !(compared && measure === 'heap') ? ' GROWS' : ''}`;
      const label = unit === '' ? name : `${name}, ${unit}`;
      return `  ${label.padEnd(28)}${[begin, first, last, max, rest].map(fixed).join('')}   ${slope}`.trimEnd();
    }),
    '',
  ];
}

function changeOf({ role, before, after, actions, grown, leaks }: HeapChange): string[] {
  const gained = after.own - before.own;
  const each = (gained / Math.max(actions, 1)).toFixed(1);
  const machinery = `${signed((after.machinery - before.machinery) / KB)} KB to ${fixed(after.machinery / MB).trim()} MB`;
  return [
    `${role}, kept from one rest to the next, ${actions} actions later${leaks ? ': LEAKS' : ''}`,
    `  objects, strings, arrays, closures: ${signed(gained / KB)} KB to ${fixed(after.own / MB).trim()} MB, ${each} bytes an action`,
    `  V8's own (code, types, shapes):     ${machinery}`,
    `  grown most: ${grown.map(({ name, count, bytes }) => `${name} ${count > 0 ? '+' : ''}${count} (${signed(bytes / KB)} KB)`).join(', ')}`,
    '',
  ];
}

const KB = 2 ** 10;
const MB = 2 ** 20;

const fixed = (value: number): string => value.toFixed(1).padStart(9);
const signed = (value: number): string => `${value < 0 ? '' : '+'}${value.toFixed(1)}`;

function listed(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts).sort(([, a], [, b]) => b - a);
  return entries.length === 0 ? 'none' : entries.map(([name, count]) => `${name} ${count}`).join(', ');
}
