import type { ClaimedToken } from './push-params.js';
import type { Device, Platform, PushToken } from './types.js';

/** A device as an operator or an app server describes it. */
export interface Provision {
  /** Its id: the phone's instance UUID where it is known, so that its REGISTERs find it. */
  readonly id: string;
  readonly platform: Platform;
  /** Cisco's device name (`TCTALICE`): joins it with the phone that registers under that name. */
  readonly deviceName?: string;
  readonly tokens: readonly ClaimedToken[];
}

/** The devices of an AOR after one of them was made or changed by hand; its bindings stay as they are. */
export function provisionDevice(
  aor: string,
  known: readonly Device[],
  { id, platform, deviceName, tokens }: Provision,
  now: number,
): { devices: readonly Device[]; device: Device } {
  const before = known.find((device) => device.id === id || device.instance === id.toLowerCase());
  const given = tokens.map((token): PushToken => ({ ...token, seenAt: now, origin: 'api' }));
  const device: Device = {
    ...(before ?? { id, aor, bindings: [] }),
    platform,
    ...(deviceName !== undefined && { deviceName }),
    tokens: given,
    seenAt: now,
  };
  const devices = before === undefined ? [...known, device] : known.map((other) => (other === before ? device : other));
  return { devices, device };
}
