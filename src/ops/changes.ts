import type { Clock, Timer } from '../clock/clock.js';
import type { Alarm } from './alarms/board.js';

/** What a listener hears: the calls that something happened to since it last heard of calls, or an alarm. */
export type Change =
  | { readonly kind: 'calls'; readonly callUuids: readonly string[]; readonly more: boolean }
  | { readonly kind: 'alarm'; readonly alarm: Alarm };

const INTERVAL = 250;
const MAX_NAMED = 50;

/** Tells of changes to whoever looks on: of calls at most four times a second, however many there are. Does nothing while nobody listens. */
export class Changes {
  readonly #clock: Clock;
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #calls = new Set<string>();
  #more = false;
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** Gives what ends it. */
  listen(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.close();
    };
  }

  call(callUuid: string): void {
    if (this.#listeners.size === 0) return;
    if (this.#calls.size < MAX_NAMED) this.#calls.add(callUuid);
    else if (!this.#calls.has(callUuid)) this.#more = true;
    this.#timer ??= this.#clock.setTimeout(() => this.#flush(), INTERVAL);
  }

  alarm(alarm: Alarm): void {
    this.#tell({ kind: 'alarm', alarm });
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#calls.clear();
    this.#more = false;
  }

  #flush(): void {
    this.#timer = undefined;
    const change: Change = { kind: 'calls', callUuids: [...this.#calls], more: this.#more };
    this.#calls.clear();
    this.#more = false;
    this.#tell(change);
  }

  #tell(change: Change): void {
    for (const listener of [...this.#listeners]) listener(change);
  }
}
