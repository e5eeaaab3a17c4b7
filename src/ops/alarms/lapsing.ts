import type { Clock, Timer } from '../../clock/clock.js';
import type { AlarmBoard } from './board.js';
import type { OwnAlarmName } from './catalogue.js';

/** Alarms that nobody clears: each is over by itself, some time after it was last raised. */
export class LapsingAlarms {
  readonly #board: AlarmBoard;
  readonly #clock: Clock;
  readonly #most: number;
  readonly #timers = new Map<string, Timer>();

  /** @param most active at once; beyond, a new one is passed over. */
  constructor(board: AlarmBoard, clock: Clock, most = Number.POSITIVE_INFINITY) {
    this.#board = board;
    this.#clock = clock;
    this.#most = most;
  }

  /** Raises it, or raises it again, for `ms` milliseconds. */
  raise(name: OwnAlarmName, subject: string, reason: string, ms: number): void {
    const key = `${name} ${subject}`;
    if (!this.#timers.has(key) && this.#timers.size >= this.#most) return;
    this.#board.raiseOwn(name, subject, reason);
    this.#timers.get(key)?.cancel();
    const over = (): void => {
      this.#timers.delete(key);
      this.#board.clear(name, subject);
    };
    this.#timers.set(key, this.#clock.setTimeout(over, ms));
  }

  close(): void {
    for (const timer of this.#timers.values()) timer.cancel();
  }
}
