import type { Device } from '../devices/types.js';
import type { PushProviderStatus } from '../push/provider.js';
import type { PeerStatus } from '../trunks/types.js';
import type { AlarmBoard } from './alarms/board.js';
import type { Changes } from './changes.js';
import type { Statistics } from './statistics/statistics.js';
import type { CallMessage } from './timeline/call-messages.js';
import type { TimelineRecorder } from './timeline/recorder.js';
import type { CallSummary } from './timeline/summary.js';
import type { WakeTests } from './wake-test/wake-test.js';
import type { CallListener } from './watch.js';

/** A trunk as an operator sees it. */
export interface TrunkView {
  readonly name: string;
  /** Calls that wait for an answer, and answered ones, both directions. */
  readonly held: number;
  readonly active: number;
  readonly peers: readonly PeerStatus[];
}

/** What those who run callwake may look at and do; the HTTP API, the dashboard and the commands are made of it. */
export interface Operations {
  /** This machine's name. */
  readonly node: string;
  readonly version: string;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly recorder: TimelineRecorder;
  /** The SIP messages of a call; empty where they are not kept. */
  messagesOf(call: CallSummary): readonly CallMessage[];
  readonly statistics: Statistics;
  readonly alarms: AlarmBoard;
  readonly changes: Changes;
  readonly wakeTests: WakeTests;
  trunks(): readonly TrunkView[];
  push(): PushProviderStatus;
  /** The configuration in force as YAML, secrets hidden. */
  configuration(): string;
  /** Calls `listener` for each event of a call from now on. */
  onCallEvent(listener: CallListener): void;
  /** Calls `listener` for each device that a REGISTER has (re-)registered from now on. */
  onRegistered(listener: (device: Device) => void): void;
}
