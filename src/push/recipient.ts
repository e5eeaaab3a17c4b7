/**
 * What a push may tell in the clear. Apple, and whoever reads the phone's notifications, sees it.
 * `clear`: all there is; `sender`: who calls or writes, but not what; `nothing`: only that there is something; `encrypted`: all, sealed with
 * the device's key, and `nothing` to a device that has given none.
 */
export type PushContent = 'clear' | 'sender' | 'nothing' | 'encrypted';

/** A key that a device gave, for AES-256-GCM. */
export interface DeviceKey {
  /** 32 bytes. Secret. */
  readonly bytes: Uint8Array;
  /** The device's own name for it. */
  readonly id?: string;
}

/** For whom a payload is made. */
export interface Recipient {
  readonly content: PushContent;
  readonly key?: DeviceKey;
  /** SIP URI of the node that a woken phone is to register to, where that isn't its usual server's choice. */
  readonly registerTo?: string;
}

/** To an app without settings of its own. */
export const anyRecipient: Recipient = { content: 'clear' };

const KEY_BYTES = 32;
const KEY_ID_LIMIT = 64;

/**
 * Reads a device's key.
 * @param text 32 bytes in base64url (base64 is taken as well)
 * @returns undefined for anything else
 */
export function deviceKey(text: string | undefined, id?: string): DeviceKey | undefined {
  if (text === undefined || !/^[\w+/-]{43}=?$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.length !== KEY_BYTES) return undefined;
  return { bytes, ...(id === undefined || id === '' ? {} : { id: id.slice(0, KEY_ID_LIMIT) }) };
}
