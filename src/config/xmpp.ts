import { z } from 'zod';
import { flag, host, oneOf, pattern, text, whole } from './fields.js';

const TOKEN = /^[\w.!%*+`'~-]+$/;

/** callwake as the push service (XEP-0357) of an XMPP server, as a component of it (XEP-0114). Off without a domain. */
export const xmpp = z
  .strictObject({
    /** The server's port for components. */
    host: host().prefault('127.0.0.1'),
    port: whole(1, 65535).default(5347),
    /** The component's own domain. */
    domain: host().exactOptional(),
    /** The component's secret at the server. */
    secret: text("the component's secret at the XMPP server").exactOptional(),
    /** What nodes are made of; default the component's secret. */
    nodeSecret: text('a secret of at least one character').exactOptional(),
    /** Domains whose servers may publish; default the phones' domains. */
    servers: z.array(host(), { error: 'a list of domains' }).default([]),
    /** The header of the 200 to a REGISTER in which a phone is told its node. */
    header: pattern(TOKEN, 'the name of a header').default('X-XMPP-Push'),
    alertFor: oneOf(['text', 'sender', 'all']).default('text'),
    /** The server's message count goes to the app's icon. */
    badge: flag().default(false),
    maxPerSecond: whole(1, 100_000).default(100),
    maxPending: whole(1, 100_000).default(1000),
    /** Characters of one stanza; a server that sends a longer one is disconnected. */
    maxStanza: whole(1024, 10_000_000).default(262_144),
  })
  .superRefine(({ domain, secret }, context) => {
    if (domain !== undefined && secret === undefined) {
      const message = "the component's secret at the XMPP server (needed with a domain)";
      context.addIssue({ code: 'custom', path: ['secret'], message });
    }
    if (domain === undefined && secret !== undefined) {
      const message = "the component's domain, such as push.corp.example (needed with a secret)";
      context.addIssue({ code: 'custom', path: ['domain'], message });
    }
  });
