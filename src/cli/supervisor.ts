import type { Clock, Timer } from '../clock/clock.js';
import type { Logger } from '../log/logger.js';
import { Backoff } from './backoff.js';

/** A child process as far as it is watched over. */
export interface WatchedProcess {
  /** Settles with the exit code when the process has ended, 1 for one that was killed. */
  readonly exited: Promise<number>;
  /** Asks it to end in its own time (SIGTERM). */
  stop(): void;
  /** Ends it at once (SIGKILL). */
  kill(): void;
  /** Asks it to read again what may change while it runs: certificates, push keys (SIGHUP). */
  reload?(): void;
}

export interface SupervisorOptions {
  /** Starts the engine and settles once it is ready; undefined when the engine is somebody else's. */
  readonly startEngine?: () => Promise<WatchedProcess>;
  /** Starts the app against the engine that was started last. */
  readonly startApp: () => WatchedProcess;
  readonly clock: Clock;
  readonly log: Logger;
}

/** An app that lived this long has started well: calls wait for the next one, so that is started at once. */
const HEALTHY_APP = 1_500;

/** Exit code of a process that can't do better next time: its configuration is wrong. */
const FINAL = 2;

/**
 * Keeps an engine and an app running. The app may end as often as it likes: the engine lives on, and with it every SIP transaction.
 * When the engine ends, the app is ended too and both start anew.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  #engine: WatchedProcess | undefined;
  #app: WatchedProcess | undefined;
  #stopping = false;
  #wakeUp: (() => void) | undefined;

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

  /** Ends the app, which first finishes its held calls, then the engine. Said twice, it doesn't wait for held calls. */
  stop(): void {
    if (this.#stopping) this.#app?.kill();
    else this.#app?.stop();
    if (this.#app === undefined) this.#engine?.stop();
    this.#stopping = true;
    this.#wakeUp?.();
  }

  /** Lets the engine read its certificates again, and the app its push keys. */
  reload(): void {
    this.#engine?.reload?.();
    this.#app?.reload?.();
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
      this.#app?.kill();
      this.#wakeUp?.();
    });
    const code = await this.#keepApp(() => engineEnded);
    engine?.stop();
    await gone;
    return engineEnded && !this.#stopping && code === undefined ? undefined : (code ?? 0);
  }

  async #keepApp(engineEnded: () => boolean): Promise<number | undefined> {
    const { startApp, clock, log } = this.#options;
    const backoff = new Backoff(200, 10_000, HEALTHY_APP);
    while (!this.#stopping && !engineEnded()) {
      const started = clock.monotonic();
      this.#app = startApp();
      const code = await this.#app.exited;
      this.#app = undefined;
      if (code === FINAL || this.#stopping) return code;
      if (engineEnded()) return undefined;
      const waitMs = backoff.next(clock.monotonic() - started);
      log.error('app ended', { code, restartMs: waitMs });
      await this.#pause(waitMs);
    }
    return this.#stopping ? 0 : undefined;
  }

  #pause(ms: number): Promise<void> {
    if (ms === 0 || this.#stopping) return Promise.resolve();
    return new Promise((resolve) => {
      const timer: Timer = this.#options.clock.setTimeout(() => end(), ms);
      const end = (): void => {
        timer.cancel();
        this.#wakeUp = undefined;
        resolve();
      };
      this.#wakeUp = end;
    });
  }
}
