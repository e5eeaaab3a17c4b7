import { tokenHash } from '../../log/mask.js';
import type { DeviceSettings } from '../settings.js';
import { stateAt } from '../state.js';
import type { Device, DeviceState, Platform } from '../types.js';

/** Which devices are looked for. All that is said must hold. */
export interface DeviceFilter {
  /** Part of the address, id, device name, User-Agent or of a token's hash; case doesn't matter. A whole token finds its phone as well. */
  readonly text?: string;
  readonly state?: DeviceState;
  readonly platform?: Platform;
}

/** What of the settings decides a device's state. */
export type StateSettings = Pick<
  DeviceSettings,
  'awakeFor' | 'tokenRetention' | 'pushPlatforms' | 'tokenOutlivesBinding'
>;

/** The text as it is looked for: lower case, a whole token as its hash, without control characters. */
export function wantedText(text: string | undefined): string {
  const wanted = (text ?? '')
    .replace(/\p{Cc}/gu, '')
    .trim()
    .toLowerCase();
  return /^[0-9a-f]{64,}$/.test(wanted) ? tokenHash(wanted) : wanted;
}

/** Whether a device is one that is looked for. */
export function matchesDevice(device: Device, filter: DeviceFilter, now: number, settings: StateSettings): boolean {
  if (filter.platform !== undefined && device.platform !== filter.platform) return false;
  if (filter.state !== undefined && stateAt(device, now, settings).state !== filter.state) return false;
  const text = wantedText(filter.text);
  if (text === '') return true;
  const { aor, id, deviceName = '', userAgent = '' } = device;
  return (
    [aor, id, deviceName, userAgent].some((value) => value.toLowerCase().includes(text)) ||
    device.tokens.some(({ token }) => tokenHash(token).includes(text))
  );
}
