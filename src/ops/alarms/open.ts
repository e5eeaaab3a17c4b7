import { hostname } from 'node:os';
import type { Clock } from '../../clock/clock.js';
import type { Logger } from '../../log/logger.js';
import type { AlarmBoard } from './board.js';
import { Webhook, type WebhookTarget } from './webhook.js';

export interface WebhooksOptions {
  readonly alarms: AlarmBoard;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface Webhooks {
  /** Changes that have not been taken yet, by all of them. */
  readonly waiting: number;
  close(): void;
}

/** Tells each change of the board to the configured webhooks until closed. */
export function openWebhooks(targets: readonly WebhookTarget[], { alarms, clock, log }: WebhooksOptions): Webhooks {
  const webhooks = targets.map(
    (target) =>
      new Webhook({
        target,
        clock,
        node: hostname(),
        onLost: ({ name, subject }, why) =>
          log.warn('alarm not told', { alarm: name, subject, to: new URL(target.url).host, why }),
      }),
  );
  const stop = alarms.onChange((alarm) => {
    for (const webhook of webhooks) webhook.send(alarm);
  });
  return {
    get waiting() {
      return webhooks.reduce((sum, webhook) => sum + webhook.waiting, 0);
    },
    close() {
      stop();
      for (const webhook of webhooks) webhook.close();
    },
  };
}
