import { createDecipheriv } from 'node:crypto';

/** Opens what a push carries sealed, as docs/app-contract.md tells app developers to. @throws {Error} with a wrong key or another push's ids */
export function opened(sealed: unknown, key: Uint8Array, about: string): unknown {
  const combined = Buffer.from(String(sealed), 'base64');
  const decipher = createDecipheriv('aes-256-gcm', key, combined.subarray(0, 12));
  decipher.setAAD(Buffer.from(about)).setAuthTag(combined.subarray(-16));
  const text = Buffer.concat([decipher.update(combined.subarray(12, -16)), decipher.final()]);
  return JSON.parse(text.toString('utf8'));
}

/** Whether a text ends between two characters of the text it was cut from, not in one. */
export function isCutBetweenCharacters(kept: string, whole: string): boolean {
  if (!whole.startsWith(kept)) return false;
  const ends = new Set([0, whole.length]);
  for (const { index } of new Intl.Segmenter().segment(whole)) ends.add(index);
  return ends.has(kept.length);
}
