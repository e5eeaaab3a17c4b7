import type { Clock, Timer } from '../../clock/clock.js';
import type { PushAlarm } from '../../push/apns/alarms.js';
import type { PeerStatus } from '../../trunks/types.js';
import type { AlarmBoard } from './board.js';
import { LapsingAlarms } from './lapsing.js';

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

/** A store across the network, as far as its state goes. */
export interface WatchedStore {
  readonly state: 'up' | 'away';
  readonly why: string;
  onState(listener: (state: 'up' | 'away', why: string) => void): void;
}

/** How long a store may be away before that is an alarm, in milliseconds: a start or a reconnect is none. */
const STORE_PATIENCE = 2_000;

/** Takes the state of a store into the board. Gives the way to stop that. */
export function storeAlarm(board: AlarmBoard, clock: Clock, subject: string, store: WatchedStore): () => void {
  let timer: Timer | undefined;
  const look = (): void => {
    timer?.cancel();
    timer = undefined;
    if (store.state === 'up') board.clear('StoreUnavailable', subject);
    else {
      timer = clock.setTimeout(() => {
        if (store.state === 'away') board.raiseOwn('StoreUnavailable', subject, store.why);
      }, STORE_PATIENCE);
    }
  };
  store.onState(look);
  look();
  return () => timer?.cancel();
}

/** How long a trunk's limit must not have refused a call until its alarm is over, in milliseconds. */
const QUIET = 60_000;

/** Takes refusals by a trunk's limits into the board; each is over a minute after the last one. */
export class LimitAlarms {
  readonly #alarms: LapsingAlarms;

  constructor(board: AlarmBoard, clock: Clock) {
    this.#alarms = new LapsingAlarms(board, clock);
  }

  refused(trunk: string, reason: string): void {
    this.#alarms.raise('CallLimitReached', trunk, reason, QUIET);
  }

  close(): void {
    this.#alarms.close();
  }
}
