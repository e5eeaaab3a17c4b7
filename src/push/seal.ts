import { createCipheriv, createHmac, randomBytes } from 'node:crypto';
import type { DeviceKey } from './recipient.js';

/** What stands in a payload in place of what was sealed. */
export interface Sealed {
  /** Base64 of nonce (12 bytes), ciphertext and tag (16 bytes): CryptoKit's "combined" form. */
  readonly sealed: string;
  /** The device's name for the key, if it gave one. */
  readonly keyId?: string;
}

/**
 * Seals a value as JSON with AES-256-GCM (NIST SP 800-38D) and a fresh random nonce.
 * @param about authenticated, not encrypted: what the sealed part belongs to, so that it can't be put into another push
 */
export function seal(value: unknown, about: string, { bytes, id }: DeviceKey): Sealed {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', bytes, nonce).setAAD(Buffer.from(about, 'utf8'));
  const text = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()]);
  return {
    sealed: Buffer.concat([nonce, text, cipher.getAuthTag()]).toString('base64'),
    ...(id === undefined ? {} : { keyId: id }),
  };
}

/** A name that stays the same for one device and tells nobody else what it stands for. */
export function pseudonym(name: string, { bytes }: DeviceKey): string {
  return createHmac('sha256', bytes).update(`thread ${name}`, 'utf8').digest('base64url').slice(0, 22);
}
