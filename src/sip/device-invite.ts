import { aorOf, parseUri, type SipUri } from '../grammar/uri.js';
import { claimedAor } from './caller-identity.js';
import type { SrfRequest } from './drachtio.js';
import type { HeaderLines } from './header-lines.js';
import { type AccessOptions, accessOf } from './register-access.js';
import { sourceOf } from './register-request.js';
import { type Target, type TargetOptions, targetOf } from './target.js';

/** A device's right to call. */
export type Caller =
  | { readonly kind: 'granted'; readonly aor: string; readonly deviceId?: string }
  | {
      readonly kind: 'refused';
      readonly status: number;
      readonly reason: string;
      readonly headers: HeaderLines;
      /** For the log. */
      readonly why: string;
    };

function forbidden(why: string): Caller {
  return { kind: 'refused', status: 403, reason: 'Forbidden', headers: [], why };
}

/**
 * Who calls, if he may: an AOR with a registered device, and the INVITE came through an edge, whose word counts, with the digest that
 * is asked for, or from where a device of that AOR registered.
 */
export async function callerOf(
  devicesOf: TargetOptions['devicesOf'],
  access: AccessOptions,
  req: SrfRequest,
  lines: HeaderLines,
): Promise<Caller> {
  const aor = claimedAor(lines);
  if (aor === undefined) return forbidden('no caller in From');
  const granted = await accessOf(access, req, lines, aor);
  if (granted.kind === 'refused') return granted;
  const devices = (await devicesOf(aor)).filter(({ bindings }) => bindings.length > 0);
  const source = sourceOf(req);
  const own = devices.filter(({ bindings }) => bindings.some((binding) => binding.source === source));
  const vouched = granted.fromEdge || access.digest !== undefined;
  const [device, another] = vouched ? devices : own;
  if (device === undefined) return forbidden(devices.length === 0 ? 'not registered' : 'registered from elsewhere');
  return { kind: 'granted', aor, ...(another === undefined && { deviceId: device.id }) };
}

/** Where a device's call goes. */
export type Destination =
  | { readonly kind: 'device'; readonly target: Target }
  | { readonly kind: 'trunk'; readonly number: string; readonly uri?: string };

export interface DestinationOptions extends TargetOptions {
  /** Whether callwake itself listens at that host. */
  readonly isOwnAddress: (host: string) => boolean;
}

/**
 * Reads the Request-URI of a device's INVITE: one of our AORs or devices, or else a number for the trunk. A URI of a domain that isn't
 * ours goes to the trunk as it is. Undefined: it can't be called.
 */
export async function destinationOf(
  options: DestinationOptions,
  requestUri: string,
  lines: HeaderLines,
): Promise<Destination | undefined> {
  let uri: SipUri;
  try {
    uri = parseUri(requestUri);
  } catch {
    return undefined;
  }
  if (uri.scheme === 'tel') {
    const number = aorOf(uri).slice('tel:'.length);
    return /^\+?[0-9*#A-D]{1,64}$/i.test(number) ? { kind: 'trunk', number: number.replaceAll('#', '%23') } : undefined;
  }
  if ((uri.scheme !== 'sip' && uri.scheme !== 'sips') || uri.user === undefined) return undefined;
  if (!options.domains.includes(uri.host) && !options.isOwnAddress(uri.host)) {
    return { kind: 'trunk', number: uri.user, uri: requestUri };
  }
  const target = await targetOf(options, requestUri, lines);
  return target === undefined ? { kind: 'trunk', number: uri.user } : { kind: 'device', target };
}
