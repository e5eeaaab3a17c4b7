import type { TimelineEvent } from '../calls/timeline.js';
import type { Clock } from '../clock/clock.js';
import type { Config } from '../config/schema.js';
import type { Logger } from '../log/logger.js';
import { AlarmBoard } from './alarms/board.js';
import { openWebhooks } from './alarms/open.js';
import { LimitAlarms } from './alarms/sources.js';
import { Changes } from './changes.js';
import { Statistics } from './statistics/statistics.js';
import { TimelineRecorder } from './timeline/recorder.js';

/** Keeps what operators will want to know: timelines, figures and alarms. */
export class Watch {
  readonly alarms: AlarmBoard;
  readonly limits: LimitAlarms;
  readonly changes: Changes;
  readonly statistics: Statistics;
  readonly recorder: TimelineRecorder;
  readonly #webhooks: { close(): void };

  constructor({ config, clock, log }: { readonly config: Config; readonly clock: Clock; readonly log: Logger }) {
    this.alarms = new AlarmBoard(clock);
    this.limits = new LimitAlarms(this.alarms, clock);
    this.changes = new Changes(clock);
    this.statistics = new Statistics(clock);
    this.recorder = new TimelineRecorder({
      calls: config.timeline.calls,
      onEvent: (event, before, call) => {
        this.statistics.record(event, before, call);
        this.changes.call(call.callUuid);
      },
    });
    this.#webhooks = openWebhooks(config.alarms.webhooks, { alarms: this.alarms, clock, log });
    this.alarms.onChange((alarm) => this.changes.alarm(alarm));
  }

  /** Takes what happened to a call. */
  call(event: TimelineEvent): void {
    this.recorder.record(event);
  }

  close(): void {
    this.limits.close();
    this.changes.close();
    this.#webhooks.close();
  }
}
