import type { Clock, Timer } from '../../clock/clock.js';
import type { Ban, Bans } from '../../guard/bans.js';
import type { AlarmBoard } from './board.js';
import type { OwnAlarmName } from './catalogue.js';

/** How long a budget must not have refused anything until its alarm is over, in milliseconds. */
const QUIET = 60_000;
/** More alarms at once than that would say no more. */
const MAX_SUBJECTS = 50;

/** Takes what the guard refuses into the board. Each alarm is over by itself. */
export class GuardAlarms {
  readonly #board: AlarmBoard;
  readonly #clock: Clock;
  readonly #timers = new Map<string, Timer>();

  constructor(board: AlarmBoard, clock: Clock) {
    this.#board = board;
    this.#clock = clock;
  }

  /** A budget has refused something to a subject. */
  budget(budget: string, subject: string): void {
    const about = `limits.${budget}: ${subject}`;
    this.#until('AbuseBudgetReached', about, 'more than the configuration allows', QUIET);
  }

  /** An address was banned; `bans` has all of them. */
  banned(ban: Ban, bans: Bans): void {
    const { length } = bans.list;
    const reason = `${length} ${length === 1 ? 'address' : 'addresses'}, the last ${ban.address}: ${ban.reason}`;
    this.#until('SIPSourcesBanned', 'sip', reason, ban.until - this.#clock.now());
  }

  close(): void {
    for (const timer of this.#timers.values()) timer.cancel();
  }

  #until(name: OwnAlarmName, subject: string, reason: string, ms: number): void {
    const key = `${name} ${subject}`;
    if (!this.#timers.has(key) && this.#timers.size >= MAX_SUBJECTS) return;
    this.#board.raiseOwn(name, subject, reason);
    this.#timers.get(key)?.cancel();
    const over = (): void => {
      this.#timers.delete(key);
      this.#board.clear(name, subject);
    };
    this.#timers.set(key, this.#clock.setTimeout(over, ms));
  }
}
