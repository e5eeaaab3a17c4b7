/**
 * What the pushes of an app tell. `clear`: all there is; `sender`: who calls or writes, but not what; `nothing`: only that there is something;
 * `encrypted`: all, but only sealed. To a device that has given a key everything but `nothing` goes sealed; to one that hasn't, `encrypted`
 * tells nothing.
 */
export type PushContent = 'clear' | 'sender' | 'nothing' | 'encrypted';

/** How much is told, unsealed or within what is sealed. */
export type Told = Exclude<PushContent, 'encrypted'>;

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

/** How much a recipient is told, and the key that it is sealed with, if it is. */
export function tellingOf({ content, key }: Recipient): { readonly told: Told; readonly key?: DeviceKey } {
  if (content === 'nothing') return { told: content };
  if (key === undefined) return { told: content === 'encrypted' ? 'nothing' : content };
  return { told: content === 'encrypted' ? 'clear' : content, key };
}

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
