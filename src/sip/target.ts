import { readPurr } from '../devices/purr.js';
import type { Device } from '../devices/types.js';
import { parseNameAddr } from '../grammar/name-addr.js';
import { aorOf, parseUri, type SipUri, uriEquals } from '../grammar/uri.js';
import type { HeaderLines } from './header-lines.js';
import { aorFromPathUser } from './path-user.js';
import { listed } from './register-request.js';

export interface TargetOptions {
  readonly devicesOf: (aor: string) => Promise<readonly Device[]>;
  /** Domains whose AORs are ours, lower case, the first one first. */
  readonly domains: readonly string[];
  /** Key of PURRs, if they are given. */
  readonly purrKey?: Uint8Array;
}

/** Whom a request is for: all devices of an AOR, or one of them. */
export interface Target {
  readonly aor: string;
  readonly deviceId?: string;
}

/**
 * Finds whom a request is for: the device whose PURR stands in the Request-URI or a Route (RFC 8599 section 6.2.3); else, when it
 * came over callwake's own Path entry, the AOR that this names (RFC 3327), and of its devices the one with the Request-URI as
 * Contact; else the AOR of the Request-URI. CUCM puts the trunk's own address there: then the user part is looked for in each
 * of our domains. Undefined when nothing is known of it.
 */
export async function targetOf(options: TargetOptions, uri: string, lines: HeaderLines): Promise<Target | undefined> {
  const requestUri = parsed(uri);
  const routes = listed(lines, 'route').flatMap((value) => fromRoute(value) ?? []);
  for (const where of requestUri === undefined ? routes : [requestUri, ...routes]) {
    const purr = where.params.get('pn-purr');
    const named = purr && options.purrKey ? readPurr(options.purrKey, purr) : undefined;
    if (named !== undefined) return known(await options.devicesOf(named.aor), named);
  }
  if (requestUri === undefined) return undefined;
  const routed = aorFromPathUser(routes[0]?.user);
  if (routed !== undefined) {
    const devices = await options.devicesOf(routed);
    const device = devices.find(({ bindings }) => bindings.some((binding) => isSame(binding.uri, requestUri)));
    return known(devices, { aor: routed, ...(device && { deviceId: device.id }) });
  }
  return byRequestUri(options, requestUri);
}

async function byRequestUri({ domains, devicesOf }: TargetOptions, uri: SipUri): Promise<Target | undefined> {
  const aor = aorOf(uri);
  const user = aor.slice('sip:'.length, aor.lastIndexOf('@'));
  const candidates = domains.includes(uri.host) ? [aor] : domains.map((domain) => `sip:${user}@${domain}`);
  for (const candidate of candidates) if ((await devicesOf(candidate)).length > 0) return { aor: candidate };
  return undefined;
}

function known(devices: readonly Device[], target: Target): Target | undefined {
  const found = target.deviceId === undefined ? devices.length > 0 : devices.some(({ id }) => id === target.deviceId);
  return found ? target : undefined;
}

function parsed(uri: string): SipUri | undefined {
  try {
    return parseUri(uri);
  } catch {
    return undefined;
  }
}

function fromRoute(value: string): SipUri | undefined {
  try {
    return parseUri(parseNameAddr(value).uri);
  } catch {
    return undefined;
  }
}

function isSame(uri: string, other: SipUri): boolean {
  const own = parsed(uri);
  return own !== undefined && uriEquals(own, other);
}
