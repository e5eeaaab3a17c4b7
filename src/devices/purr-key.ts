import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';

/**
 * Reads the key of PURRs from the text of its file.
 * @throws Error when it isn't 64 hexadecimal digits.
 */
export function parsePurrKey(text: string): Uint8Array {
  if (!/^[0-9a-f]{64}\s*$/i.test(text))
    throw new Error('is no key: give 64 hexadecimal digits, or no file, to have it made');
  return Buffer.from(text.trim(), 'hex');
}

/**
 * The key of PURRs in that file, made there when the file doesn't exist yet.
 * @throws Error when the file can't be read or made, or holds something else.
 */
export function openPurrKey(path: string): Uint8Array {
  try {
    writeFileSync(path, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  return parsePurrKey(readFileSync(path, 'utf8'));
}
