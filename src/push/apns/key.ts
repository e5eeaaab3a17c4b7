import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { PushEnvironment } from '../provider.js';

/** What is wrong with an account's signing key or its ids. */
export type ApnsKeyErrorCode = 'unreadable' | 'not-pem' | 'not-p256' | 'key-id' | 'team-id';

/** An account that can't sign: its message says what is wrong and what to do, without showing the key. */
export class ApnsKeyError extends Error {
  override readonly name = 'ApnsKeyError';
  readonly code: ApnsKeyErrorCode;

  constructor(code: ApnsKeyErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** One of Apple's authentication tokens signing keys (the `.p8` file) with the ids that go with it. */
export interface ApnsAccount {
  /** Ten characters, from the membership page. */
  readonly teamId: string;
  /** Ten characters, from the key's page; part of the file name `AuthKey_<key id>.p8`. */
  readonly keyId: string;
  /** PKCS#8 on P-256, as PEM text or parsed. */
  readonly key: KeyObject | string;
  /** For a key that is scoped to topics: its bundle ids. Default: every topic of the team. */
  readonly bundleIds?: readonly string[];
  /** For a key that is scoped to an environment. Default: both. */
  readonly environments?: readonly PushEnvironment[];
}

/** An account whose key was checked and parsed. */
export interface SigningAccount extends ApnsAccount {
  readonly key: KeyObject;
}

/**
 * Reads and checks a `.p8` file.
 * @throws {ApnsKeyError} `unreadable`, `not-pem` or `not-p256`
 */
export function loadSigningKey(path: string): KeyObject {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new ApnsKeyError(
      'unreadable',
      `APNs key file ${path} can't be read: ${codeOf(error)}. Check the path, and that callwake's user may read it`,
    );
  }
  return parseSigningKey(text, `APNs key file ${path}`);
}

/**
 * Checks a signing key, parsing it if it is PEM text.
 * @param what how messages name it
 * @throws {ApnsKeyError} `not-pem` or `not-p256`
 */
export function parseSigningKey(key: KeyObject | string, what = 'APNs key'): KeyObject {
  const parsed = typeof key === 'string' ? parsePem(key, what) : key;
  if (parsed.type !== 'private')
    throw new ApnsKeyError('not-p256', `${what} is a ${parsed.type} key, not a private one`);
  const curve = parsed.asymmetricKeyDetails?.namedCurve;
  if (parsed.asymmetricKeyType !== 'ec' || curve !== 'prime256v1') {
    const found = curve ? `an EC key on ${curve}` : `of type ${parsed.asymmetricKeyType ?? 'unknown'}`;
    throw new ApnsKeyError(
      'not-p256',
      `${what} is ${found}; Apple's keys are EC keys on P-256. Take the .p8 file that the developer account gave under Keys`,
    );
  }
  return parsed;
}

/**
 * Checks an account's ids and key.
 * @throws {ApnsKeyError}
 */
export function checkAccount(account: ApnsAccount): SigningAccount {
  if (!isTenCharacters(account.teamId)) {
    throw new ApnsKeyError(
      'team-id',
      `"${account.teamId}" is no Apple team id: ten letters and digits, as in A1B2C3D4E5`,
    );
  }
  if (!isTenCharacters(account.keyId)) {
    throw new ApnsKeyError(
      'key-id',
      `"${account.keyId}" is no APNs key id: ten letters and digits, as in AuthKey_<key id>.p8`,
    );
  }
  return { ...account, key: parseSigningKey(account.key, `APNs key ${account.keyId}`) };
}

function parsePem(text: string, what: string): KeyObject {
  if (!/-----BEGIN PRIVATE KEY-----[\s\S]+-----END PRIVATE KEY-----/.test(text)) {
    const label = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(text)?.[1];
    const found = label ? `holds a "${label}"` : 'holds no PEM block';
    throw new ApnsKeyError(
      'not-pem',
      `${what} ${found}; expected the .p8 file from Apple ("BEGIN PRIVATE KEY", PKCS#8)`,
    );
  }
  try {
    return createPrivateKey({ key: text, format: 'pem' });
  } catch {
    throw new ApnsKeyError(
      'not-pem',
      `${what} is damaged: its PKCS#8 content can't be parsed. Copy it again, or make a new key: Apple gives each only once`,
    );
  }
}

const isTenCharacters = (id: string): boolean => /^[A-Za-z0-9]{10}$/.test(id);

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
