import { Params, parseParams, unquote } from '../grammar/params.js';
import { RegisterError } from './errors.js';

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

/** A key that an app gave, and its name for it. */
export interface GivenKey {
  readonly encryptionKey: string;
  readonly encryptionKeyId?: string;
}

/**
 * The key in a Contact's parameters, or its URI's.
 * @param name of the parameter; the key's own name stands in `<name>-id`
 * @throws RegisterError 400 when it is malformed; the message doesn't hold it.
 */
export function keyInParams(name: string, ...places: readonly Params[]): GivenKey | undefined {
  for (const params of places) {
    const key = params.get(name);
    if (key !== undefined) return given(unquote(key), params.get(`${name}-id`));
  }
  return undefined;
}

/** The key in a header: `<key>` or `<key>;id=<name>`. @throws RegisterError 400 as {@link keyInParams}. */
export function keyInHeader(value: string): GivenKey {
  const semicolon = value.indexOf(';');
  if (semicolon < 0) return given(value.trim(), undefined);
  let params = new Params();
  try {
    params = parseParams(value, semicolon, value.length);
  } catch {
    throw malformed();
  }
  return given(value.slice(0, semicolon).trim(), params.get('id'));
}

/** Takes the key and its name out of a Contact's or URI's parameters. */
export function dropKey(params: Params, name: string): void {
  for (const each of [name, `${name}-id`]) if (params.has(each)) params.delete(each);
}

function given(text: string, id: string | undefined): GivenKey {
  const encryptionKey = readEncryptionKey(text);
  if (encryptionKey === undefined) throw malformed();
  if (id === undefined) return { encryptionKey };
  const name = unquote(id);
  if (!isEncryptionKeyId(name)) throw malformed();
  return { encryptionKey, encryptionKeyId: name };
}

function malformed(): RegisterError {
  return new RegisterError(400, 'Malformed Encryption Key');
}
