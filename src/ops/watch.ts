import type { TimelineEvent } from '../calls/timeline.js';
import type { EndedPush } from '../calls/token-push.js';
import type { Clock } from '../clock/clock.js';
import type { Config } from '../config/schema.js';
import type { Logger } from '../log/logger.js';
import { AlarmBoard } from './alarms/board.js';
import { AlarmHistory, type HistoryStore } from './alarms/history.js';
import { openWebhooks, type Webhooks } from './alarms/open.js';
import { LimitAlarms } from './alarms/sources.js';
import { CertificateWatch, certificateFilesOf } from './certificates.js';
import { Changes } from './changes.js';
import { DeviceHistory } from './device-history.js';
import { Listeners } from './listeners.js';
import { Statistics } from './statistics/statistics.js';
import { arrowsOf, isSip } from './timeline/arrows.js';
import { CallLog } from './timeline/call-log.js';
import { CallMessages, correlationOf, type WireMessage } from './timeline/call-messages.js';
import { HepClient } from './timeline/hep-sender.js';
import { TimelineRecorder } from './timeline/recorder.js';
import type { CallSummary } from './timeline/summary.js';

const LEVELS = { alert: 'error', critical: 'error', error: 'error', warning: 'warn', cleared: 'info' } as const;

/** What is the same for each call: in its timeline, and in the log only for those who want all. */
const STEADY = new Set(['devices-read', 'journal-written', 'call-claimed', 'sip-received', 'sip-sent']);

/** Told of an event of a call, with the call before and after it. */
export type CallListener = (event: TimelineEvent, before: CallSummary | undefined, call: CallSummary) => void;

export interface WatchOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Logger;
  readonly store: HistoryStore;
  /** This machine's name. */
  readonly node: string;
}

/** Keeps what operators will want to know: timelines, figures and alarms. */
export class Watch {
  readonly alarms: AlarmBoard;
  readonly alarmHistory: AlarmHistory;
  readonly limits: LimitAlarms;
  readonly certificates: CertificateWatch;
  readonly changes: Changes;
  readonly statistics: Statistics;
  readonly deviceHistory: DeviceHistory;
  readonly recorder: TimelineRecorder;
  /** The SIP messages of calls, where they are wanted. */
  readonly messages: CallMessages | undefined;
  readonly pushes = new Listeners<EndedPush>();
  /** Statuses of REGISTERs that were refused. */
  readonly registersRefused = new Listeners<number>();
  readonly #webhooks: Webhooks;
  readonly #listeners = new Set<CallListener>();
  readonly #hep: HepClient | undefined;
  readonly #callLog: CallLog | undefined;
  readonly #clock: Clock;
  readonly #log: Logger;

  constructor({ config, clock, log, store, node }: WatchOptions) {
    this.#clock = clock;
    this.#log = log;
    const { messages, messageBytes, bodies, hep, folder, fileSize, retention } = config.timeline;
    const { host, ...collector } = hep;
    this.#hep =
      host === undefined
        ? undefined
        : new HepClient({ ...collector, host }, (why) => log.warn('homer not reached', { host, why }));
    if (messages || host !== undefined) {
      const collector = this.#hep;
      this.messages = new CallMessages({
        bytes: messageBytes,
        bodies,
        ...(collector && { onMessage: (message, id) => collector.send(message, id) }),
      });
    }
    this.#callLog =
      folder === undefined
        ? undefined
        : new CallLog({
            folder,
            fileSize,
            retention,
            clock,
            messagesOf: (call) => this.messages?.of(call) ?? [],
            onTrouble: (why) => log.error('calls not written', { folder, why }),
          });
    this.alarms = new AlarmBoard(clock);
    this.alarmHistory = new AlarmHistory({
      store,
      clock,
      node,
      ...config.alarms,
      onTrouble: (why) => log.error('alarm history not kept', { why }),
    });
    this.limits = new LimitAlarms(this.alarms, clock);
    this.changes = new Changes(clock);
    this.statistics = new Statistics(clock);
    this.deviceHistory = new DeviceHistory(clock);
    this.recorder = new TimelineRecorder({
      calls: config.timeline.calls,
      bytes: config.timeline.callBytes,
      onSip: (callUuid) => this.changes.call(callUuid),
      onEvent: (event, before, call) => {
        this.statistics.record(event, before, call);
        this.deviceHistory.call(event, call);
        this.changes.call(call.callUuid);
        for (const listener of this.#listeners) listener(event, before, call);
        if (call.state === 'over' && before?.state !== 'over') this.#ended(call.callUuid);
      },
    });
    const notice = config.alarms.certificateNotice;
    this.#webhooks = openWebhooks(config.alarms.webhooks, { alarms: this.alarms, clock, log });
    this.alarms.onChange((alarm) => {
      const { name, text, ...rest } = alarm;
      log[LEVELS[alarm.state === 'cleared' ? 'cleared' : alarm.severity]](`alarm ${alarm.state}`, {
        alarm: name,
        ...rest,
        ...(alarm.state !== 'cleared' && { text }),
      });
      this.alarmHistory.add(alarm);
      this.changes.alarm(alarm);
    });
    const { alarms } = this;
    this.certificates = new CertificateWatch({ clock, alarms, notice, files: certificateFilesOf(config) });
  }

  /** Calls `listener` for each event of a call from now on, with the call before and after it. */
  onCallEvent(listener: CallListener): void {
    this.#listeners.add(listener);
  }

  /** Reads what is kept of earlier times. Never rejects. */
  start(): Promise<void> {
    return this.alarmHistory.start();
  }

  /** Takes what happened to a call. */
  call(event: TimelineEvent): void {
    const { callUuid, sessionId, ms, type, fields } = event;
    const level = STEADY.has(type) ? 'debug' : 'info';
    if (this.#log.wants(level)) this.#log[level](type, { callUuid, sessionId, ms, ...fields });
    this.recorder.record(event);
    if (this.#hep !== undefined) this.#toHomer(event, this.#hep);
  }

  /** What isn't SIP, so that Homer shows it beside the messages. */
  #toHomer(event: TimelineEvent, hep: HepClient): void {
    const { callUuid, sessionId, at, ms, type, fields } = event;
    const summary = this.recorder.get(callUuid)?.summary;
    const [arrow] = arrowsOf({ summary: { direction: summary?.direction ?? 'to-phone' }, events: [event] });
    if (arrow === undefined || isSip(arrow)) return;
    const text = arrow.to === undefined ? arrow.label : `${arrow.from} -> ${arrow.to}: ${arrow.label}`;
    hep.log(at, JSON.stringify({ text, ms, type, callUuid, ...fields }), correlationOf({ callUuid, sessionId }));
  }

  /** What waits to be written or sent, by queue. */
  queues(): Readonly<Record<string, number>> {
    return { 'alarm-webhooks': this.#webhooks.waiting, 'call-files': this.#callLog?.waiting ?? 0 };
  }

  /** Takes a SIP message as it was on the wire. */
  sip({ text, meta, wayOf }: Omit<WireMessage, 'at'>): void {
    this.messages?.add({ at: this.#clock.now(), text, meta, wayOf });
  }

  #ended(callUuid: string): void {
    this.#callLog?.ended(callUuid, () => this.recorder.get(callUuid));
  }

  async close(): Promise<void> {
    this.#hep?.close();
    await this.#callLog?.close();
    this.limits.close();
    this.certificates.close();
    await this.alarmHistory.close();
    this.changes.close();
    this.#webhooks.close();
  }
}
