// What benchmarks ask of the machine: processor time, memory, clocks, quantiles. Linux only.
import { readdirSync, readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** These processes and all their children. */
export function tree(roots) {
  const children = new Map();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'latin1');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
    } catch {
      // The process has ended meanwhile.
    }
  }
  const found = [];
  const todo = [...roots];
  while (todo.length > 0) {
    const pid = todo.pop();
    found.push(pid);
    todo.push(...(children.get(pid) ?? []));
  }
  return found;
}

/** The command line of a process. */
export function argumentsOf(pid) {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
}

/** Processor seconds that these processes have used so far, all threads. */
export function cpuSeconds(pids) {
  let nanoseconds = 0;
  for (const pid of pids) {
    try {
      for (const task of readdirSync(`/proc/${pid}/task`)) {
        nanoseconds += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1').split(' ')[0]);
      }
    } catch {
      // The process has ended meanwhile.
    }
  }
  return nanoseconds / 1e9;
}

/** Processor seconds that the whole machine has been busy. */
export function machineSeconds() {
  const fields = readFileSync('/proc/stat', 'latin1').split('\n')[0].trim().split(/\s+/).slice(1).map(Number);
  const total = fields.slice(0, 8).reduce((sum, value) => sum + value, 0);
  return (total - fields[3] - fields[4]) / 100;
}

/** Resident memory in MB: all of it, the process's own, and pages of files it has mapped (which the kernel takes back at need). */
export function memory(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const of = (name) => Math.round(Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) / 1024);
  return { rss: of('VmRSS'), own: of('RssAnon'), files: of('RssFile') };
}

/** Median and others of some numbers, three decimals. */
export function quantiles(numbers) {
  const sorted = Float64Array.from(numbers).sort();
  const at = (part) =>
    Math.round((sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN) * 1000) / 1000;
  return { n: sorted.length, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}

/** Machine and moment, for the head of a table. */
export function where() {
  const { model } = cpus()[0] ?? { model: 'unknown' };
  const kernel = readFileSync('/proc/sys/kernel/osrelease', 'latin1').trim();
  return `${new Date().toISOString()}, ${cpus().length} x ${model}, ${Math.round(totalmem() / 2 ** 30)} GB, Linux ${kernel}, node ${process.version}`;
}

/** How many cores others than `ours` kept busy between two samples of {@link load}. */
export function load(ours) {
  return { at: performance.now(), machine: machineSeconds(), ours: cpuSeconds(ours) };
}

export function cores(before, after) {
  const seconds = (after.at - before.at) / 1000;
  const round = (value) => Math.round((value / seconds) * 100) / 100;
  const ours = after.ours - before.ours;
  return { ours: round(ours), others: round(Math.max(0, after.machine - before.machine - ours)) };
}
