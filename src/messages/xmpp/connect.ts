import { ComponentLink } from './component-link.js';
import type { PushNodes } from './nodes.js';
import type { XmppParts } from './open.js';
import { PushService } from './push-service.js';

const MAX_DEPTH = 32;

/** The push service, and its link to the server: tried until it is closed. */
export function connect({ settings, notifier, clock, log, onState }: XmppParts, nodes: PushNodes): ComponentLink {
  const { host, port, domain, secret, maxStanza } = settings;
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
  link.start();
  return link;
}
