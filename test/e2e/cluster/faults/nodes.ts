import { readFileSync } from 'node:fs';
import { CallwakeProcess } from '../../../../src/demo/callwake-process.js';
import type { SipAddress } from '../../../../src/sim/address.js';
import { powerOff, type Wire } from '../site.js';

/** A node of a site, at an address of its own that it has again after a restart. */
export class FaultyNode {
  readonly sip: SipAddress;
  readonly #configFile: string;
  readonly #past: CallwakeProcess[] = [];
  #process: CallwakeProcess | undefined;
  #stopped: readonly number[] = [];
  #goesOff = (): void => {};
  /** Settles when it loses its power. */
  off: Promise<void> = Promise.resolve();

  constructor(
    readonly name: string,
    readonly address: string,
    readonly wire: Wire,
    configFile: string,
  ) {
    this.sip = { host: address, port: PORT, transport: 'tcp' };
    this.#configFile = configFile;
  }

  /** What a configuration has as `engine` for the node at `address`. */
  static engineAt(address: string): Readonly<Record<string, unknown>> {
    return { contacts: [`sip:${address}:${PORT};transport=udp,tcp`], control: { port: 0 }, shedding: false };
  }

  get up(): boolean {
    return this.#process !== undefined;
  }

  /** What its processes have logged, of all its runs. */
  get log(): CallwakeProcess['log'] {
    return this.#past.flatMap(({ log }) => log);
  }

  /** What they have written to standard error. */
  get errors(): readonly string[] {
    return this.#past.flatMap(({ errors }) => errors);
  }

  async start(): Promise<void> {
    this.off = new Promise((resolve) => {
      this.#goesOff = resolve;
    });
    const started = new CallwakeProcess(this.#configFile, {
      CALLWAKE_CLUSTER__NODE: this.name,
      CALLWAKE_STORE__REDIS__URLS: `["redis://127.0.0.1:${this.wire.port}"]`,
      CALLWAKE_ENGINE__CONTACTS: JSON.stringify(FaultyNode.engineAt(this.address).contacts),
    });
    this.#process = started;
    this.#past.push(started);
    await started.ready();
  }

  /** As an upgrade does it: drained with SIGTERM, then started anew. Edges see by its answers to OPTIONS that it goes. */
  async replace(): Promise<void> {
    const before = this.#process;
    this.#process = undefined;
    await before?.stop();
    await this.start();
  }

  powerOff(): void {
    if (this.#process === undefined) return;
    this.resume();
    powerOff(this.#process);
    this.#process = undefined;
    this.#goesOff();
  }

  /** `kill -9` of the app alone: the supervisor starts the next one. */
  killApp(): void {
    const pid = this.#process?.log.findLast(({ event }) => event === 'ready')?.pid;
    try {
      if (typeof pid === 'number') process.kill(pid, 'SIGKILL');
    } catch (error) {
      // The one before has just been killed, and the next is not ready yet.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  /** None of its processes does anything until {@link resume}. */
  pause(): void {
    const { pid } = this.#process ?? {};
    if (pid === undefined) return;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
    this.#stopped = [pid, ...children];
    for (const each of this.#stopped) process.kill(each, 'SIGSTOP');
  }

  resume(): void {
    for (const each of this.#stopped) process.kill(each, 'SIGCONT');
    this.#stopped = [];
  }

  async stop(): Promise<void> {
    this.resume();
    await this.#process?.stop();
    this.wire.close();
  }
}

const PORT = 5060;
