import { appendFileSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { getHeapCodeStatistics, setFlagsFromString, writeHeapSnapshot } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';

/** What a process looks like from inside, a line of its file. */
export interface Probed {
  /** Epoch milliseconds. */
  readonly at: number;
  /** Bytes. */
  readonly rss: number;
  /** Bytes in use after a full collection, without code: that is compiled as it is used, for hours. */
  readonly heap: number;
  /** Bytes of buffers and of what else lies outside the heap. */
  readonly outside: number;
  /** Open file descriptors. */
  readonly files: number;
  /** Timers, and other things that node waits for. */
  readonly timers: number;
  readonly handles: number;
}

/** Where samples are to be written, and how often, in milliseconds. */
export const PROBE_FOLDER = 'CALLWAKE_PROBE_FOLDER';
export const PROBE_EVERY = 'CALLWAKE_PROBE_EVERY';

/** The commands that run for long. */
const ROLES = new Set(['start', 'engine', 'app']);

// Preloaded (`--import`) by every process of a callwake whose environment asks for it.
const { [PROBE_FOLDER]: folder, [PROBE_EVERY]: every } = process.env;
const role = process.argv[2] ?? '';
if (folder !== undefined && isMainThread && ROLES.has(role)) {
  probe(join(folder, `${role}-${process.pid}.jsonl`));
  snapshots(join(folder, `${role}-${process.pid}`));
}

/** At each SIGUSR2 a file with all that is in the heap, whole as soon as it is there under its name. */
function snapshots(path: string): void {
  let written = 0;
  process.on('SIGUSR2', () => {
    renameSync(writeHeapSnapshot(`${path}.part`), `${path}.${written++}.heapsnapshot`);
  });
}

function probe(file: string): void {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  setInterval(() => {
    collect();
    const { rss, heapUsed, external } = process.memoryUsage();
    const { code_and_metadata_size: code, bytecode_and_metadata_size: bytecode } = getHeapCodeStatistics();
    const resources = process.getActiveResourcesInfo();
    const timers = resources.filter((name) => name === 'Timeout').length;
    const probed: Probed = {
      at: Date.now(),
      rss,
      heap: heapUsed - code - bytecode,
      outside: external,
      files: readdirSync('/proc/self/fd').length,
      timers,
      handles: resources.length - timers,
    };
    appendFileSync(file, `${JSON.stringify(probed)}\n`);
  }, Number(every)).unref();
}
