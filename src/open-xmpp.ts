import type { Clock } from './clock/clock.js';
import type { Config } from './config/schema.js';
import type { Logger } from './log/logger.js';
import type { Notifier } from './messages/notification.js';
import { openXmpp, type XmppPush } from './messages/xmpp/open.js';
import type { AlarmBoard } from './ops/alarms/board.js';

export interface OpenXmppParts {
  readonly notifier: Notifier;
  readonly clock: Clock;
  readonly log: Logger;
  readonly alarms: AlarmBoard;
}

/** callwake's part at the XMPP server that the configuration names; undefined when it names none. */
export function openXmppOf(
  { xmpp, domains }: Pick<Config, 'xmpp' | 'domains'>,
  { alarms, ...parts }: OpenXmppParts,
): XmppPush | undefined {
  const { domain, secret, servers, ...rest } = xmpp;
  if (domain === undefined || secret === undefined) return undefined;
  return openXmpp({
    ...parts,
    settings: { ...rest, domain, secret, servers: servers.length > 0 ? servers : domains },
    onState: (why) => {
      if (why === undefined) alarms.clear('XMPPServerUnavailable', domain);
      else alarms.raiseOwn('XMPPServerUnavailable', domain, why);
    },
  });
}
