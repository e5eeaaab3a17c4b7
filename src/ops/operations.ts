import type { AnotherPush } from '../calls/leg-push.js';
import type { EndedPush } from '../calls/token-push.js';
import type { Device } from '../devices/types.js';
import type { EngineFigures } from '../engine-figures.js';
import type { Guard } from '../guard/guard.js';
import type { PushProviderStatus } from '../push/provider.js';
import type { PeerStatus } from '../trunks/types.js';
import type { AlarmBoard } from './alarms/board.js';
import type { AlarmHistory } from './alarms/history.js';
import type { KnownCertificate } from './certificates.js';
import type { Changes } from './changes.js';
import type { DeviceHistory } from './device-history.js';
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

/** What an operator may do to a call under way. */
export interface CallControl {
  /** Ends it: BYE to both sides when it is up, else 480 to the caller. False when nothing of it is in this process's hands. */
  end(callUuid: string): boolean;
  /** Pushes once more to the devices that it waits for, or to that one. Empty when it waits for none. */
  pushAgain(callUuid: string, deviceId?: string): readonly AnotherPush[];
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
  readonly alarmHistory: AlarmHistory;
  readonly changes: Changes;
  /** What was refused, and who is banned. */
  readonly guard: Pick<Guard, 'refusals' | 'bans'>;
  readonly wakeTests: WakeTests;
  readonly deviceHistory: DeviceHistory;
  readonly callControl: CallControl;
  trunks(): readonly TrunkView[];
  push(): PushProviderStatus;
  /** What waits to be written or sent besides pushes, by queue. */
  queues(): Readonly<Record<string, number>>;
  /** Certificates and when they end. */
  certificates(): readonly KnownCertificate[];
  /** How the SIP engine does; undefined of one that can't tell. */
  engine(): Promise<EngineFigures | undefined>;
  /** The configuration in force as YAML, secrets hidden. */
  configuration(): string;
  /** Calls `listener` for each event of a call from now on. */
  onCallEvent(listener: CallListener): void;
  /** Calls `listener` for each device that a REGISTER has (re-)registered from now on. */
  onRegistered(listener: (device: Device) => void): void;
  /** Calls `listener` with the status of each REGISTER that is refused from now on. */
  onRegisterRefused(listener: (status: number) => void): void;
  /** Calls `listener` with each push that ends from now on. */
  onPush(listener: (push: EndedPush) => void): void;
}
