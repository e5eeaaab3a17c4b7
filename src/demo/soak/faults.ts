import { setTimeout as pause } from 'node:timers/promises';
import type { ScriptInput } from '../../sim/apns/scripts.js';
import type { Random } from '../../sim/random.js';
import { killApp } from '../app-process.js';
import type { Stage } from '../stage.js';
import type { Ledger } from './ledger.js';

/** What Apple does to one push instead of answering it as usual. */
const PUSH_FAULTS: readonly (readonly [name: string, script: ScriptInput])[] = [
  ['503', { status: 503, reason: 'ServiceUnavailable' }],
  ['500', { status: 500, reason: 'InternalServerError' }],
  ['429', { status: 429, reason: 'TooManyRequests', retryAfter: 1 }],
  ['410', { status: 410, reason: 'Unregistered' }],
  ['403', { status: 403, reason: 'ExpiredProviderToken' }],
  ['slow', { delayMs: 2_500 }],
  ['unanswered', { hang: true, process: true }],
  ['lost answer', { reset: 'CANCEL', process: true }],
  ['REFUSED_STREAM', { reset: 'REFUSED_STREAM' }],
  ['GOAWAY before it', { goaway: 'Shutdown', goawayBefore: true }],
  ['connection lost', { close: true }],
];

export interface FaultTimes {
  /** Milliseconds from one to the next, on average. */
  readonly connectionEvery: number;
  readonly edgeEvery: number;
  readonly killEvery: number;
  /** The app is killed until then, and lives on afterwards, so that what it gathers can be seen. */
  readonly killsUntil: number;
}

/** Nothing may be lost for those. */
const HARMLESS: ReadonlySet<string> = new Set(['GOAWAY', 'one stream', 'streams again']);

/** How long after trouble a call may still suffer from it, milliseconds. */
const AFTER = 2_000;
/** The API comes a little later than calls. */
const AFTER_KILL = 5_000;

/** Makes trouble between callwake and what it works with, and writes down when. */
export class Faults {
  readonly counts: Record<string, number> = {};
  readonly #stage: Stage;
  readonly #random: Random;
  readonly #ledger: Ledger;

  constructor(stage: Stage, random: Random, ledger: Ledger) {
    this.#stage = stage;
    this.#random = random;
    this.#ledger = ledger;
  }

  /** Prepares trouble for the next push to that token; gives its name. */
  forPush(token: string): string {
    const [name, script] = this.#random.pick(PUSH_FAULTS);
    this.#stage.apple.script({ ...script, token });
    this.#count(`push ${name}`);
    return `Apple: ${name}`;
  }

  /** Whether trouble still waits for a push to that token. */
  pendingFor(token: string): boolean {
    return this.#stage.apple.scripts.list.some((script) => script.token === token);
  }

  /** Makes trouble until the signal says that it is enough. */
  async run(times: FaultTimes, enough: AbortSignal): Promise<void> {
    const started = performance.now();
    const kills = async (): Promise<void> => this.#kill();
    await Promise.all([
      this.#every(times.connectionEvery, enough, () => this.#connection()),
      this.#every(times.edgeEvery, enough, () => this.#edge()),
      this.#every(times.killEvery, enough, kills, () => performance.now() - started < times.killsUntil),
    ]);
  }

  async #every(
    ms: number,
    signal: AbortSignal,
    make: () => Promise<void>,
    wanted: () => boolean = () => true,
  ): Promise<void> {
    while (!signal.aborted) {
      const next = ms * (0.5 + this.#random.next());
      const waited = await pause(next, true, { signal }).catch(() => false);
      if (!waited || !wanted()) return;
      await make();
    }
  }

  async #connection(): Promise<void> {
    const { apple } = this.#stage;
    const [name, make] = this.#random.pick([
      ['GOAWAY', () => apple.goaway('Shutdown')],
      ['GOAWAY with an error', () => apple.goaway('InternalServerError', 2)],
      ['connections cut', () => apple.closeConnections()],
      ['one stream', () => apple.setMaxStreams(1)],
      ['streams again', () => apple.setMaxStreams(1000)],
    ] as const);
    make();
    if (HARMLESS.has(name)) this.#count(`Apple: ${name}`);
    else this.#note(`Apple: ${name}`, Date.now());
  }

  async #edge(): Promise<void> {
    const from = Date.now();
    if (this.#random.chance(0.3)) {
      this.#stage.edge?.cutFlows();
      this.#note('edge: flows cut', from);
      return;
    }
    await this.#stage.restartEdge(500);
    this.#note('edge restarted', from);
  }

  async #kill(): Promise<void> {
    const from = Date.now();
    await killApp(this.#stage);
    this.#note('app killed', from, AFTER_KILL, true);
  }

  #note(fault: string, from: number, after = AFTER, silent = false): void {
    this.#count(fault);
    this.#ledger.trouble({ fault, from, to: Date.now() + after, silent });
  }

  #count(name: string): void {
    this.counts[name] = (this.counts[name] ?? 0) + 1;
  }
}
