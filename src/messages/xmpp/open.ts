import type { Clock } from '../../clock/clock.js';
import type { Device } from '../../devices/types.js';
import type { Logger } from '../../log/logger.js';
import type { Notifier } from '../notification.js';
import type { ComponentLink } from './component-link.js';
import { PushNodes } from './nodes.js';
import type { PushServiceSettings } from './push-service.js';

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

/** What phones are told is at hand at once; what speaks XMPP is loaded when it starts. */
export function openXmpp(parts: XmppParts): XmppPush {
  const { domain, secret, nodeSecret, header } = parts.settings;
  const nodes = new PushNodes(nodeSecret ?? secret);
  let link: Promise<ComponentLink> | undefined;
  return {
    start() {
      link ??= import('./connect.js').then(({ connect }) => connect(parts, nodes));
    },
    headersFor: (devices) =>
      devices
        .filter(({ tokens }) => tokens.some(({ kind }) => kind === 'alert'))
        .map(({ aor, id }) => {
          const { node, secret: shared } = nodes.nodeOf({ aor, deviceId: id });
          return [header, `${domain};node=${node};secret=${shared}`] as const;
        }),
    async close() {
      await (await link)?.close();
    },
  };
}
