import type { Clock, Timer } from '../clock/clock.js';
import type { Logger } from '../log/logger.js';
import { Backoff } from './backoff.js';
import { workerEnded } from './sibling.js';

/** A child process as far as it is watched over. */
export interface WatchedProcess {
  /** Settles with the exit code when the process has ended, 1 for one that was killed. */
  readonly exited: Promise<number>;
  /** Asks it to end in its own time (SIGTERM). */
  stop(): void;
  /** Ends it at once (SIGKILL). */
  kill(): void;
  readonly pid?: number;
  /** Says a line to it. */
  tell?(line: string): void;
  /** Asks it to read again what may change while it runs: certificates, push keys (SIGHUP). */
  reload?(): void;
}

export interface SupervisorOptions {
  /** Starts the engine and settles once it is ready; undefined when the engine is somebody else's. */
  readonly startEngine?: () => Promise<WatchedProcess>;
  /** Starts an app against the engine that was started last. Of several each has a number, from 1. */
  readonly startApp: (worker: number) => WatchedProcess;
  /** How many apps run; default 1. */
  readonly workers?: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** An app that lived this long has started well: calls wait for the next one, so that is started at once. */
const HEALTHY_APP = 1_500;

/** Exit code of a process that can't do better next time: its configuration is wrong. */
const FINAL = 2;

/**
 * Keeps an engine and an app, or several, running. An app may end as often as it likes: the engine lives on, and with it every SIP
 * transaction. When the engine ends, the apps are ended too and all start anew.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  #engine: WatchedProcess | undefined;
  readonly #apps = new Map<number, WatchedProcess>();
  #stopping = false;
  readonly #pauses = new Set<() => void>();

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** Runs until {@link stop} or until the app says that its configuration is wrong. Rejects if the engine doesn't start the first time. */
  async run(): Promise<number> {
    const { clock, log } = this.#options;
    const backoff = new Backoff();
    for (let first = true; !this.#stopping; first = false) {
      const started = clock.monotonic();
      let code: number | undefined;
      try {
        code = await this.#generation();
      } catch (error) {
        if (first) throw error;
        log.error('engine not started', { error });
      }
      if (code !== undefined) return code;
      await this.#pause(backoff.next(clock.monotonic() - started));
    }
    return 0;
  }

  /** Ends the apps, which first finish their held calls, then the engine. Said twice, it doesn't wait for held calls. */
  stop(): void {
    for (const app of this.#apps.values()) {
      if (this.#stopping) app.kill();
      else app.stop();
    }
    if (this.#apps.size === 0) this.#engine?.stop();
    this.#stopping = true;
    this.#wakeUp();
  }

  /** Lets the engine read its certificates again, and the app its push keys. */
  reload(): void {
    this.#engine?.reload?.();
    for (const app of this.#apps.values()) app.reload?.();
  }

  /** One engine's life. Gives the exit code when all is over, undefined when the engine ended and all has to start again. */
  async #generation(): Promise<number | undefined> {
    const { startEngine, log } = this.#options;
    const engine = await startEngine?.();
    this.#engine = engine;
    if (this.#stopping) {
      engine?.stop();
      await engine?.exited;
      return 0;
    }
    let engineEnded = false;
    const gone = engine?.exited.then((code) => {
      engineEnded = true;
      this.#engine = undefined;
      if (!this.#stopping) log.error('engine ended', { code });
      for (const app of this.#apps.values()) app.kill();
      this.#wakeUp();
    });
    const workers = Array.from({ length: this.#options.workers ?? 1 }, (_, index) => index + 1);
    const codes = await Promise.all(workers.map((worker) => this.#keepApp(worker, () => engineEnded)));
    const code = codes.find((candidate) => candidate !== undefined && candidate !== 0) ?? codes[0];
    engine?.stop();
    await gone;
    return engineEnded && !this.#stopping && code === undefined ? undefined : (code ?? 0);
  }

  async #keepApp(worker: number, engineEnded: () => boolean): Promise<number | undefined> {
    const { startApp, clock, log } = this.#options;
    const backoff = new Backoff(200, 10_000, HEALTHY_APP);
    while (!this.#stopping && !engineEnded()) {
      const started = clock.monotonic();
      const app = startApp(worker);
      this.#apps.set(worker, app);
      const code = await app.exited;
      this.#apps.delete(worker);
      if (!engineEnded() && app.pid !== undefined) this.#tellOthers(workerEnded({ worker, pid: app.pid }));
      if (code === FINAL && !this.#stopping && this.#apps.size > 0) this.stop();
      if (code === FINAL || this.#stopping) return code;
      if (engineEnded()) return undefined;
      const waitMs = backoff.next(clock.monotonic() - started);
      log.error('app ended', { code, restartMs: waitMs, ...(this.#options.workers !== undefined && { worker }) });
      await this.#pause(waitMs);
    }
    return this.#stopping ? 0 : undefined;
  }

  /** Another app goes on with the calls of one that ended, as soon as it knows. */
  #tellOthers(line: string): void {
    for (const app of this.#apps.values()) app.tell?.(line);
  }

  #pause(ms: number): Promise<void> {
    if (ms === 0 || this.#stopping) return Promise.resolve();
    return new Promise((resolve) => {
      const timer: Timer = this.#options.clock.setTimeout(() => end(), ms);
      const end = (): void => {
        timer.cancel();
        this.#pauses.delete(end);
        resolve();
      };
      this.#pauses.add(end);
    });
  }

  #wakeUp(): void {
    for (const end of [...this.#pauses]) end();
  }
}
