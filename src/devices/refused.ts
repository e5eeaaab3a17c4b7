import { parseContact } from './contact.js';
import { RegisterError } from './errors.js';
import type { DeviceSettings } from './settings.js';
import type { Device, RegisterRequest } from './types.js';

/**
 * Whether a refusal says that the phone won't come: not when another REGISTER is to be expected, with credentials (401, 407),
 * with a longer expiry (423) or later (408, 5xx) (RFC 8599 section 5.6.2).
 */
export function isRefusedForGood(status: number): boolean {
  return status >= 400 && status < 500 && ![401, 407, 408, 423].includes(status);
}

/**
 * The devices that a refused REGISTER was about: those whose push token it names, since that is secret. A stranger's REGISTER,
 * which only knows the address, must not end anybody's call.
 */
export function devicesNamedBy(
  request: RegisterRequest,
  devices: readonly Device[],
  settings: DeviceSettings,
): readonly Device[] {
  const tokens = new Set<string>();
  for (const text of request.contacts) {
    try {
      const { push } = parseContact(text, settings);
      if (push.kind === 'tokens') for (const { token } of push.tokens) tokens.add(token);
    } catch (error) {
      if (!(error instanceof RegisterError)) throw error;
    }
  }
  return devices.filter((device) => device.tokens.some(({ token }) => tokens.has(token)));
}
