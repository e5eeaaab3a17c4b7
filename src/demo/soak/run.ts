import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Random } from '../../sim/random.js';
import type { LogLine } from '../callwake-process.js';
import { type EdgeKind, Stage } from '../stage.js';
import { type Counted, readCounters } from './counters.js';
import { Faults } from './faults.js';
import type { HeapChange } from './heap.js';
import { Heaps } from './heaps.js';
import { Ledger, type Sums } from './ledger.js';
import { Load } from './load.js';
import { PROBE_EVERY, PROBE_FOLDER } from './probe.js';
import { type MeasuredProcess, readProcesses } from './processes.js';

export interface SoakOptions {
  /** Milliseconds of load. */
  readonly duration: number;
  readonly seed: number;
  /** Actions a second: calls, messages, registrations. */
  readonly rate: number;
  readonly phones: number;
  readonly edge: Exclude<EdgeKind, 'direct'>;
  readonly transport: 'udp' | 'tcp' | 'tls';
  /** A file for callwake's log. */
  readonly log?: string;
  /** A folder for the snapshots of heaps. */
  readonly heapSnapshots?: string;
  readonly write: (line: string) => void;
}

/** What was seen in a run. */
export interface SoakResult {
  readonly options: Omit<SoakOptions, 'write' | 'log' | 'heapSnapshots'>;
  readonly actions: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
  readonly sums: Sums;
  /** Calls that the last app counted, and that its log tells of. */
  readonly counted: Counted & { readonly logged: number };
  readonly processes: readonly MeasuredProcess[];
  /** What processes have kept from the first rest to the last; empty for a short run. */
  readonly kept: readonly HeapChange[];
  /** Lines on standard error, and faults in the log. */
  readonly complaints: readonly string[];
  /** What is wrong; empty is right. */
  readonly findings: readonly string[];
}

const LONGEST_TALK = 20_000;
/** How long calls may take to come to their end once no new ones are made. */
const DRAIN = 90_000;
/** Until what the last calls left is gone, and has been looked at. */
const REST = 3_000;
/** In a long run, in which heaps are compared at rest, until the engine has forgotten the last transactions (64*T1) too. */
const LONG = 300_000;
/** Until caches are full, and the code that runs often is compiled. */
const WARM_UP = 180_000;
/** After a rest, until as much is under way as before. */
const SETTLED = 30_000;
const LONG_REST = 70_000;
const TELL_EVERY = 60_000;

/** Lives with callwake for a while, under load and faults, and keeps the books. */
export async function runSoak(options: SoakOptions): Promise<SoakResult> {
  const { duration, seed, rate, phones, edge, transport, log, heapSnapshots, write } = options;
  const folder = mkdtempSync(join(tmpdir(), 'callwake-soak-'));
  const ledger = new Ledger();
  const random = new Random(seed);
  const sampleEvery = Math.min(5_000, Math.max(1_000, duration / 200));
  const stage = await Stage.start({
    edge,
    transport,
    limits: 'default',
    env: {
      NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import ${new URL('./probe.js', import.meta.url)}`.trim(),
      [PROBE_FOLDER]: folder,
      [PROBE_EVERY]: String(sampleEvery),
    },
    config: {
      api: { enabled: true, port: 0, loopbackWithoutToken: true },
      // Memory that fills up to a limit should have done so before it is watched.
      timeline: { calls: 100 },
    },
  });
  try {
    const complaints: string[] = [];
    const lives = new Lives(stage, ledger);
    stage.callwake.onLine((line) => {
      if (log !== undefined) appendFileSync(log, `${JSON.stringify(line)}\n`);
      ledger.read(line);
      lives.read(line);
      if (COMPLAINTS.has(line.event)) complaints.push(JSON.stringify(line).slice(0, 500));
    });
    const faults = new Faults(stage, random, ledger);
    // Whom CUCM called for a phone that got lost hangs up in the end.
    stage.cucm.behaviour = { hangupAfterMs: LONGEST_TALK };
    const load = new Load(stage, new Random(seed + 1), ledger, faults, () => lives.api);
    await load.prepare(phones);
    const started = performance.now();
    const ticker = setInterval(() => {
      const minutes = Math.round((performance.now() - started) / 60_000);
      write(`${minutes} min: ${ledger.calls} calls, ${JSON.stringify(faults.counts)}`);
    }, TELL_EVERY);
    const stretch = async (ms: number, killsUntil: number): Promise<void> => {
      const enough = new AbortController();
      const times = {
        connectionEvery: Math.max(10_000, duration / 60),
        edgeEvery: Math.max(15_000, duration / 20),
        killEvery: Math.max(8_000, duration / 24),
        killsUntil,
      };
      const running = [load.run(rate, enough.signal), faults.run(times, enough.signal)];
      await pause(ms);
      enough.abort();
      await Promise.all(running);
    };
    const long = duration >= LONG;
    const heaps = new Heaps(stage, folder, heapSnapshots);
    const done = (): number => Object.values(load.counts).reduce((sum, count) => sum + count, 0);
    let from = 0;
    let before = 0;
    if (long) {
      await stretch(duration / 5 + WARM_UP, duration / 5);
      await lives.atRest(DRAIN);
      await pause(LONG_REST);
      await heaps.look();
      await pause(REST);
      before = done();
      from = Date.now() + SETTLED;
      await stretch((4 * duration) / 5 - WARM_UP, 0);
    } else {
      // Long enough for one kill.
      await stretch(duration, Math.max(duration / 3, 13_000));
    }
    clearInterval(ticker);
    const until = Date.now();
    const counted = await lives.atRest(DRAIN);
    await pause(long ? LONG_REST : REST);
    const processes = readProcesses(folder, Math.min(WARM_UP, duration / 4), from, until);
    if (long) await heaps.look();
    const kept = heaps.changes(done() - before);
    const sums = ledger.sums();
    complaints.push(...stage.callwake.errors.filter((line) => !EXPECTED_ERRORS.test(line)));
    const { write: _, log: __, heapSnapshots: ___, ...given } = options;
    const { counts: actions } = load;
    const seen = { options: given, actions, faults: faults.counts, sums, counted, processes, kept, complaints };
    return { ...seen, findings: findingsOf(seen) };
  } finally {
    await stage.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Log lines that tell of a defect. */
const COMPLAINTS: ReadonlySet<string> = new Set(['fault', 'crash', 'engine ended']);
/** What is said of each app that was killed. */
const EXPECTED_ERRORS = /^callwake engine: (503 to a request|.*(connection|app|application).*)/;

/** Follows the apps that come one after the other. */
class Lives {
  api = '';
  #endsLogged = 0;

  constructor(
    readonly stage: Stage,
    readonly ledger: Ledger,
  ) {
    this.api = String(stage.callwake.log.findLast(({ event }) => event === 'api listening')?.url ?? '');
  }

  read({ event, url }: LogLine): void {
    if (event === 'end') this.#endsLogged++;
    if (event === 'ready') this.#endsLogged = 0;
    if (event === 'api listening') this.api = String(url);
  }

  /** Waits until no call is left; gives what the last app has counted. */
  async atRest(patience: number): Promise<SoakResult['counted']> {
    const deadline = performance.now() + patience;
    for (;;) {
      const counted = await readCounters(this.api);
      const logged = this.#endsLogged;
      // A call leaves the gauges a moment before its end is counted and logged.
      const settled = counted.held + counted.active + this.ledger.open === 0 && counted.ended === logged;
      if (settled || performance.now() > deadline) return { ...counted, logged };
      await pause(250);
    }
  }
}

function findingsOf(seen: Omit<SoakResult, 'findings'>): readonly string[] {
  const { options, sums, counted, processes, kept, complaints } = seen;
  const total = (of: Readonly<Record<string, number>>): number => Object.values(of).reduce((sum, n) => sum + n, 0);
  const findings: string[] = [...sums.unexplained.map((text) => `unexplained: ${text}`)];
  const check = (right: boolean, text: string): void => {
    if (!right) findings.push(text);
  };
  check(sums.invites > 0, 'no call was made');
  check((sums.outcomes.none ?? 0) === 0, `${sums.outcomes.none} INVITE(s) without a final response`);
  check(
    total(sums.outcomes) === sums.invites && total(sums.told) === sums.invites,
    `${sums.invites} INVITEs, but ${total(sums.outcomes)} outcomes at callers and ${total(sums.told)} in timelines`,
  );
  check(
    counted.ended === counted.logged && counted.held === 0 && counted.active === 0,
    `the last app counts ${JSON.stringify(counted)}`,
  );
  for (const { role, measures } of processes) {
    for (const { measure, begin, rest, grows } of measures) {
      const compared = measure === 'heap' && kept.some((heap) => heap.role === role);
      check(!grows || compared, `${measure} of ${role} grows`);
      const counts = measure === 'files' || measure === 'handles' || (measure === 'timers' && options.duration >= LONG);
      const most = begin + Math.max(20, sums.invites / 10);
      check(!counts || rest <= most, `${role} has ${rest} ${measure} at rest, ${begin} when it began`);
    }
  }
  for (const { role, leaks, before, after, actions } of kept) {
    check(!leaks, `${role} keeps ${after.own - before.own} bytes of ${actions} actions`);
  }
  findings.push(...complaints);
  return findings;
}
