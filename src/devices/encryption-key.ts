/** Bytes of an AES-256 key. */
const KEY_BYTES = 32;
const KEY = /^[A-Za-z0-9_-]{43}=?$/;
const KEY_ID = /^[\x21\x23-\x5b\x5d-\x7e]{1,64}$/;

/**
 * The AES-256 key that a text holds: 32 bytes in base64url, with or without padding. Gives it without padding, in its one
 * canonical form; undefined for anything else.
 */
export function readEncryptionKey(text: string): string | undefined {
  if (!KEY.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  return bytes.length === KEY_BYTES ? bytes.toString('base64url') : undefined;
}

/** Whether a text can name a key: up to 64 visible ASCII characters without quote and backslash. */
export function isEncryptionKeyId(text: string): boolean {
  return KEY_ID.test(text);
}
