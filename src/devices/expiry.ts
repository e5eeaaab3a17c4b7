import { RegisterError } from './errors.js';
import type { DeviceSettings } from './settings.js';

type ExpirySettings = Pick<DeviceSettings, 'minExpires' | 'maxExpires' | 'defaultExpires' | 'expiresJitter'>;

/** The expiry that a Contact asks for, in seconds (RFC 3261 10.3 step 6): its parameter, the header, or the default. */
export function askedExpiry(contact: number | undefined, header: number | undefined, settings: ExpirySettings): number {
  if (contact !== undefined) return contact;
  if (header !== undefined && Number.isSafeInteger(header) && header >= 0) return header;
  return Math.floor(settings.defaultExpires / 1000);
}

/**
 * The expiry that it gets, in seconds; 0 ends the binding.
 * @param random from 0 (inclusive) to 1 (exclusive)
 * @throws RegisterError 423 with Min-Expires when it asks for less than the least.
 */
export function grantedExpiry(asked: number, settings: ExpirySettings, random: number): number {
  if (asked === 0) return 0;
  const least = Math.ceil(settings.minExpires / 1000);
  if (asked < least) throw new RegisterError(423, 'Interval Too Brief', [['Min-Expires', String(least)]]);
  const granted = Math.min(asked, Math.floor(settings.maxExpires / 1000));
  return Math.max(Math.min(least, granted), granted - Math.floor(granted * settings.expiresJitter * random), 1);
}
