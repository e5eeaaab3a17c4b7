import { Buffer } from 'node:buffer';

/**
 * The bytes of a message that waits to be sent again. As a string of latin1 they take a third of the memory of a Buffer of their own,
 * and don't hold on to the 8 KiB block that small Buffers are cut from.
 */
export type KeptBytes = string;

export function keepBytes(data: Buffer): KeptBytes {
  return data.toString('latin1');
}

/** The same text without the message that it was cut out of, which it would keep in memory. */
export function detached(text: string): string {
  return Buffer.from(text).toString();
}

export function keptBytes(kept: KeptBytes): Buffer {
  return Buffer.from(kept, 'latin1');
}
