import { isUtf8 } from 'node:buffer';
import type { SipMessage } from '../message/index.js';

/**
 * Marks a body that is not UTF-8 on its way to an app, and on its way back. The control protocol is text: drachtio-srf reads every frame as UTF-8 and would put
 * U+FFFD in place of such bytes. So each byte of that body becomes one character, U+0000 to U+00FF; a body that an app gives with this header is taken back to
 * bytes, and the header goes no further.
 */
export const BODY_ENCODING = 'X-Body-Encoding';

/** A message as an app gets to read it: always UTF-8. */
export function appText(message: SipMessage): Buffer {
  const bytes = message.toBuffer();
  if (isUtf8(bytes)) return bytes;
  const copy = message.clone();
  copy.encoding = 'utf8';
  if (!isUtf8(copy.body)) {
    copy.body = Buffer.from(copy.body.toString('latin1'), 'utf8');
    copy.set(BODY_ENCODING, 'latin1');
  }
  return copy.toBuffer();
}

/** The bytes of a body that an app gave with {@link BODY_ENCODING}; undefined when it has characters that are no bytes. */
export function bodyBytes(body: Buffer): Buffer | undefined {
  const text = body.toString('utf8');
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0xff) return undefined;
  return Buffer.from(text, 'latin1');
}
