import { isLoopback } from './api.js';
import { asksForCertificate } from './certificate.js';
import { formatDuration } from './duration.js';
import type { Config } from './schema.js';

/** Cisco's own limit for a call that waits for a phone to wake. */
const CISCO_HOLD = 13_000;

/** CUCM's SIP Expires timer as it comes. */
const CUCM_EXPIRES = 180_000;

/** A setting that is allowed and will probably disappoint. */
export interface Advice {
  /** The setting, such as `trunks[0].hold`. */
  readonly path: string;
  readonly text: string;
}

/** What an engineer should hear of a valid configuration before calls find it out. */
export function advise(config: Config): readonly Advice[] {
  return [
    ...aboutEngine(config),
    ...aboutTrunks(config),
    ...aboutEdges(config),
    ...aboutState(config),
    ...aboutApi(config),
  ];
}

function aboutEngine({ engine: { control, mode } }: Config): Advice[] {
  if (mode !== 'external' || control.tls || isLoopback(control.host)) return [];
  const text = `the secret, and every message, go in clear to ${control.host}; let the engine speak TLS there and set true`;
  return [{ path: 'engine.control.tls', text }];
}

function aboutTrunks({ trunks }: Config): Advice[] {
  return trunks.flatMap((trunk, index) => {
    const at = (name: string, text: string): Advice => ({ path: `trunks[${index}].${name}`, text });
    const found: Advice[] = [];
    if (trunk.hold > CISCO_HOLD) {
      found.push(
        at(
          'hold',
          `${formatDuration(trunk.hold)} is longer than Cisco's own ${formatDuration(CISCO_HOLD)}: CUCM's Forward No Answer timer must leave room for it and for the person who answers`,
        ),
      );
    }
    if (trunk.ringback !== 'none' && trunk.ringbackAfter >= trunk.hold) {
      found.push(
        at('ringbackAfter', `not before the hold of ${formatDuration(trunk.hold)} ends: the caller hears nothing`),
      );
    }
    if (trunk.ring > CUCM_EXPIRES) {
      found.push(
        at('ring', `CUCM gives up after ${formatDuration(CUCM_EXPIRES)}, unless its SIP Expires timer is longer`),
      );
    }
    return found;
  });
}

function aboutEdges({ engine, edges, directPhones, registrar }: Config): Advice[] {
  const found: Advice[] = [];
  if (directPhones.allow && registrar.mode === 'local' && registrar.digest.usersFile === undefined) {
    found.push({
      path: 'directPhones.allow',
      text: 'there is no users file, so anybody who reaches the SIP port may register as any user',
    });
  }
  edges.forEach((edge, index) => {
    const everybody = edge.addresses.some((range) => range.endsWith('/0'));
    const open = everybody && !edge.digest;
    const certified = engine.tls.clientCertificates === true || asksForCertificate(edge);
    if (open && edge.transport === 'tls' && engine.mode === 'embedded' && !certified) {
      found.push({
        path: `edges[${index}].transport`,
        text: 'everybody who connects over TLS counts as this edge and may register as any user, unless engine.tls.clientCertificates is true or it has certificateNames',
      });
    } else if (open && edge.transport !== 'tls') {
      found.push({
        path: `edges[${index}].addresses`,
        text: 'everybody counts as this edge and may register as any user; name its addresses, or ask for transport: tls or digest: true',
      });
    }
  });
  return found;
}

function aboutState({ store, push }: Config): Advice[] {
  const found: Advice[] = [];
  if (store.kind === 'memory') {
    found.push({ path: 'store.kind', text: 'memory: registrations, tokens and held calls are lost when the app ends' });
  }
  if (push.provider === 'apns' && (push.endpoints.production ?? push.endpoints.sandbox) !== undefined) {
    found.push({ path: 'push.endpoints', text: "pushes do not go to Apple's servers" });
  }
  return found;
}

function aboutApi({ api }: Config): Advice[] {
  if (!api.enabled || isLoopback(api.host)) return [];
  const found: Advice[] = [];
  if (api.tls.keyFile === undefined) {
    found.push({
      path: 'api.tls',
      text: `tokens and answers go in clear to whoever reaches ${api.host}; give keyFile`,
    });
  }
  if (api.jwt.secret === undefined && api.jwt.publicKeyFile === undefined) {
    found.push({ path: 'api.jwt', text: 'without secret or publicKeyFile the API tells nothing but its health' });
  }
  return found;
}
