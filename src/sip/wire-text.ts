import type { HeaderRecord } from './header-lines.js';

/** A SIP message as the engine takes it: what belongs to hop and transaction is the engine's to add. */
export function sipText(start: string, headers: readonly HeaderRecord[], body: string): string {
  let text = `${start}\r\n`;
  for (const record of headers) for (const name in record) text += `${name}: ${record[name]}\r\n`;
  return `${text}Content-Length: ${body === '' ? 0 : Buffer.byteLength(body)}\r\n\r\n${body}`;
}
