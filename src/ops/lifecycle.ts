import type { LogLevel } from '../log/logger.js';
import type { Control } from './http/control-routes.js';
import type { Readiness } from './http/health.js';

/** Calls of one direction, as far as taking them goes. */
interface Intake {
  /** Takes no new calls; settles when none waits for an answer any more. */
  drain(): Promise<void>;
  /** Takes new calls again. */
  undrain(): void;
}

export interface LifecycleParts {
  readonly intakes: readonly Intake[];
  /** Calls that are not answered yet. */
  readonly waiting: () => number;
  readonly engine: { readonly connected: boolean };
  readonly store: { shared(key: string): Promise<unknown> };
  /** What is wrong with the store though calls go on without it, in words; undefined: nothing, or they don't. */
  readonly withoutStore?: () => string | undefined;
  /** Whose level operators may change. */
  readonly logging: { level: LogLevel };
}

/** Whether the process takes calls, and what operators may do about it. */
export class Lifecycle implements Control, Readiness {
  readonly #parts: LifecycleParts;
  #draining = false;

  constructor(parts: LifecycleParts) {
    this.#parts = parts;
  }

  get logLevel(): LogLevel {
    return this.#parts.logging.level;
  }

  set logLevel(level: LogLevel) {
    this.#parts.logging.level = level;
  }

  async drain(): Promise<void> {
    this.#draining = true;
    await Promise.all(this.#parts.intakes.map((intake) => intake.drain()));
  }

  resume(): void {
    this.#draining = false;
    for (const intake of this.#parts.intakes) intake.undrain();
  }

  draining(): { readonly draining: boolean; readonly waiting: number } {
    return { draining: this.#draining, waiting: this.#parts.waiting() };
  }

  impaired(): readonly string[] {
    const trouble = this.#parts.withoutStore?.();
    return trouble === undefined ? [] : [trouble];
  }

  async missing(): Promise<readonly string[]> {
    const { engine, store } = this.#parts;
    const stored =
      this.impaired().length > 0 ||
      (await store.shared('ready').then(
        () => true,
        () => this.impaired().length > 0,
      ));
    return [
      ...(engine.connected ? [] : ['no connection to the SIP engine']),
      ...(stored ? [] : ['the store can’t be read']),
      ...(this.#draining ? ['it is draining'] : []),
    ];
  }
}
