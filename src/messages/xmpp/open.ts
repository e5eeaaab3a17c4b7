import type { Clock } from '../../clock/clock.js';
import type { Device } from '../../devices/types.js';
import type { Logger } from '../../log/logger.js';
import type { Notifier } from '../notification.js';
import { ComponentLink } from './component-link.js';
import { PushNodes } from './nodes.js';
import { PushService, type PushServiceSettings } from './push-service.js';

/** Where the XMPP server is and what callwake is there. */
export interface XmppSettings extends PushServiceSettings {
  readonly host: string;
  readonly port: number;
  /** The component's secret at the server. */
  readonly secret: string;
  /** What nodes are made of; default the component's secret. */
  readonly nodeSecret?: string;
  /** Header in which a phone is told its node. */
  readonly header: string;
  /** Characters of one stanza. */
  readonly maxStanza: number;
}

export interface XmppParts {
  readonly settings: XmppSettings;
  readonly notifier: Notifier;
  readonly clock: Clock;
  readonly log: Logger;
  /** The server took the handshake (undefined), or can't be reached, with the reason. */
  readonly onState: (why: string | undefined) => void;
}

/** callwake as the push service of an XMPP server. */
export interface XmppPush {
  start(): void;
  /** The headers in which the 200 to a REGISTER tells a phone its node: one for each device that can be alerted. */
  headersFor(devices: readonly Device[]): readonly (readonly [string, string])[];
  close(): Promise<void>;
}

const MAX_DEPTH = 32;

export function openXmpp({ settings, notifier, clock, log, onState }: XmppParts): XmppPush {
  const { host, port, domain, secret, nodeSecret, header, maxStanza } = settings;
  const nodes = new PushNodes(nodeSecret ?? secret);
  const service = new PushService({ settings, nodes, notifier, clock, log });
  const server = `${host}:${port}`;
  let lastWhy: string | undefined;
  const link = new ComponentLink({
    host,
    port,
    domain,
    secret,
    bounds: { maxStanza, maxDepth: MAX_DEPTH },
    clock,
    onStanza: (stanza) => {
      void service.handle(stanza).then((answer) => {
        if (answer !== undefined) link.send(answer);
      });
    },
    onOnline: () => {
      lastWhy = undefined;
      log.info('xmpp connected', { server, domain });
      onState(undefined);
    },
    onOffline: (why, retryMs) => {
      log[why === lastWhy ? 'debug' : 'warn']('xmpp connection lost', { server, domain, why, retryMs });
      lastWhy = why;
      onState(why);
    },
  });
  return {
    start: () => link.start(),
    headersFor: (devices) =>
      devices
        .filter(({ tokens }) => tokens.some(({ kind }) => kind === 'alert'))
        .map(({ aor, id }) => {
          const { node, secret: shared } = nodes.nodeOf({ aor, deviceId: id });
          return [header, `${domain};node=${node};secret=${shared}`] as const;
        }),
    close: () => link.close(),
  };
}
