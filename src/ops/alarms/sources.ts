import type { Clock, Timer } from '../../clock/clock.js';
import type { PushAlarm } from '../../push/apns/alarms.js';
import type { PeerStatus } from '../../trunks/types.js';
import type { AlarmBoard } from './board.js';

/** Takes what the push client tells into the board. */
export function pushAlarmsTo(board: AlarmBoard): (alarm: PushAlarm) => void {
  return ({ name, severity, state, subject, reason, text }) => {
    if (state === 'over') board.clear(name, subject);
    else if (severity === 'alert') board.raise({ name, subject, severity, reason, text });
    else board.event({ name, subject, severity, reason, text });
  };
}

/** What the states of a trunk's peers mean for its alarms; call it at each change with all of them. */
export function trunkAlarm(board: AlarmBoard, trunk: string, peers: readonly PeerStatus[]): void {
  const out = peers.filter(({ state }) => state === 'out-of-service');
  const reason = out.map(({ peer, reason: why }) => `${peer} (${why})`).join(', ');
  const none = out.length > 0 && out.length === peers.length;
  if (none) board.raiseOwn('SIPTrunkOOS', trunk, reason);
  else board.clear('SIPTrunkOOS', trunk);
  if (out.length > 0 && !none) board.raiseOwn('SIPTrunkPartiallyISV', trunk, reason);
  else board.clear('SIPTrunkPartiallyISV', trunk);
}

/** How long a trunk's limit must not have refused a call until its alarm is over, in milliseconds. */
const QUIET = 60_000;

/** Takes refusals by a trunk's limits into the board; each is over a minute after the last one. */
export class LimitAlarms {
  readonly #board: AlarmBoard;
  readonly #clock: Clock;
  readonly #timers = new Map<string, Timer>();

  constructor(board: AlarmBoard, clock: Clock) {
    this.#board = board;
    this.#clock = clock;
  }

  refused(trunk: string, reason: string): void {
    this.#board.raiseOwn('CallLimitReached', trunk, reason);
    this.#timers.get(trunk)?.cancel();
    this.#timers.set(
      trunk,
      this.#clock.setTimeout(() => {
        this.#timers.delete(trunk);
        this.#board.clear('CallLimitReached', trunk);
      }, QUIET),
    );
  }

  close(): void {
    for (const timer of this.#timers.values()) timer.cancel();
  }
}
