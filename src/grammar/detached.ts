import { Buffer } from 'node:buffer';

/**
 * The same text as a string of its own. What is cut out of a text keeps all of that in memory as long as it lives: for texts that are cut out of messages
 * and kept for long.
 */
export function detached(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le');
}
