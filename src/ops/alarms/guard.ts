import type { Clock } from '../../clock/clock.js';
import type { Ban, Bans } from '../../guard/bans.js';
import type { AlarmBoard } from './board.js';
import { LapsingAlarms } from './lapsing.js';

/** How long a budget must not have refused anything until its alarm is over, in milliseconds. */
const QUIET = 60_000;
/** More alarms at once than that would say no more. */
const MAX_SUBJECTS = 50;

/** Takes what the guard refuses into the board. Each alarm is over by itself. */
export class GuardAlarms {
  readonly #clock: Clock;
  readonly #alarms: LapsingAlarms;

  constructor(board: AlarmBoard, clock: Clock) {
    this.#clock = clock;
    this.#alarms = new LapsingAlarms(board, clock, MAX_SUBJECTS);
  }

  /** A budget has refused something to a subject. */
  budget(budget: string, subject: string): void {
    const about = `limits.${budget}: ${subject}`;
    this.#alarms.raise('AbuseBudgetReached', about, 'more than the configuration allows', QUIET);
  }

  /** An address was banned; `bans` has all of them. */
  banned(ban: Ban, bans: Bans): void {
    const { length } = bans.list;
    const reason = `${length} ${length === 1 ? 'address' : 'addresses'}, the last ${ban.address}: ${ban.reason}`;
    this.#alarms.raise('SIPSourcesBanned', 'sip', reason, ban.until - this.#clock.now());
  }

  close(): void {
    this.#alarms.close();
  }
}
