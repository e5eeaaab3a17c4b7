import type { PhoneSimulatorOptions } from './types.js';

/** What a phone is known by, defaults filled in. */
export interface PhoneIdentity {
  /** `urn:uuid:...` */
  readonly instance: string;
  readonly voipToken: string | undefined;
  readonly alertToken: string | undefined;
  readonly teamId: string;
  readonly bundleId: string;
}

/**
 * The push parameters of a Contact URI (RFC 8599 sections 4.1.1 and 10): team, bundle id and service joined with dots. With an
 * alert token both tokens stand in one pn-prid, as Linphone writes them. Empty when the phone has no token.
 */
export function pushParams(who: PhoneIdentity): string {
  const { voipToken, alertToken, teamId, bundleId } = who;
  if (voipToken === undefined) return '';
  if (alertToken === undefined) return `;pn-provider=apns;pn-param=${teamId}.${bundleId}.voip;pn-prid=${voipToken}`;
  const both = `${voipToken}:voip&${alertToken}:remote`;
  return `;pn-provider=apns;pn-param=${teamId}.${bundleId}.voip&remote;pn-prid=${both}`;
}

/** Contact header parameters that tell who the phone is. */
export function contactParams(who: PhoneIdentity, options: PhoneSimulatorOptions): string {
  const regId = options.regId === undefined ? 1 : options.regId;
  const pnsreg = options.pnsreg ? ';+sip.pnsreg' : '';
  const device = options.deviceName === undefined ? '' : `;+u.sip!devicename.ccm.cisco.com="${options.deviceName}"`;
  const key = options.encryptionKey === undefined ? '' : `;app-key=${options.encryptionKey};app-key-id=k1`;
  return `;+sip.instance="<${who.instance}>"${regId === null ? '' : `;reg-id=${regId}`}${device}${pnsreg}${key}`;
}

/** `sip.pnspurr` and faults of the Feature-Caps in a REGISTER 2xx (RFC 8599 section 5.6.1, RFC 6809). */
export function readFeatureCaps(values: readonly string[]): { readonly purr?: string; readonly faults: string[] } {
  const faults: string[] = [];
  let purr: string | undefined;
  for (const value of values) {
    if (!/\+sip\.pns/i.test(value)) continue;
    if (!value.startsWith('*')) faults.push(`Feature-Caps does not begin with "*": ${value}`);
    if (!/\+sip\.pns\s*=\s*"/i.test(value)) faults.push(`Feature-Caps without sip.pns beside its indicators: ${value}`);
    purr = /\+sip\.pnspurr\s*=\s*"([^"]*)"/i.exec(value)?.[1] ?? purr;
  }
  return purr === undefined ? { faults } : { purr, faults };
}
