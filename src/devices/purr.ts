import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/**
 * A PURR (RFC 8599 section 6.2.1, P32): names a device toward those it talks to, in a `pn-purr` parameter. It is the AOR and
 * device id sealed with AES-256-GCM under a key that all nodes share: nobody can forge, read or link two of them, each
 * REGISTER gives a new one, and old ones work for as long as the key does, with nothing to remember.
 * @param key 32 bytes
 */
export function createPurr(key: Uint8Array, aor: string, deviceId: string): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const sealed = [nonce, cipher.update(`${aor}\n${deviceId}`, 'utf8'), cipher.final(), cipher.getAuthTag()];
  return Buffer.concat(sealed).toString('base64url');
}

/** The device that a PURR names; undefined for anything that {@link createPurr} didn't make under this key. */
export function readPurr(key: Uint8Array, purr: string): { aor: string; deviceId: string } | undefined {
  const bytes = purr.length > 2048 ? Buffer.alloc(0) : Buffer.from(purr, 'base64url');
  if (bytes.length < 12 + 16 + 1) return undefined;
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12));
    decipher.setAuthTag(bytes.subarray(-16));
    const text = Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString('utf8');
    const [aor, deviceId] = text.split('\n', 2);
    return aor === undefined || deviceId === undefined ? undefined : { aor, deviceId };
  } catch {
    return undefined;
  }
}
