import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { z } from 'zod';
import type { PushEnvironment } from '../../push/provider.js';

/** A signing key as Apple knows it: its public half. */
export interface RegisteredKey {
  readonly teamId: string;
  readonly keyId: string;
  readonly publicKey: KeyObject;
  /** Bundle ids of a topic-scoped key; undefined for all of the team. */
  readonly bundleIds?: readonly string[];
  readonly environments?: readonly PushEnvironment[];
}

/** The reasons of a 403. */
export type TokenFault =
  | 'MissingProviderToken'
  | 'InvalidProviderToken'
  | 'ExpiredProviderToken'
  | 'BadEnvironmentKeyIdInToken';

const HOUR = 3_600_000;
/** How far ahead a provider's clock may be. */
const SKEW = 60_000;

const headerSchema = z.object({ alg: z.literal('ES256'), kid: z.string() });
const claimsSchema = z.object({ iss: z.string(), iat: z.number().int() });

/** A provider token that its key has signed. */
export interface SignedToken {
  readonly authorization: string;
  readonly key: RegisteredKey;
  /** Epoch milliseconds. */
  readonly issuedAt: number;
}

/**
 * Judges a provider token as Apple does ("Establishing a token-based connection to APNs").
 * @param authorization the header's value
 * @param keyOf finds the registered key by its id
 * @param before the last one of the connection: of the same one the signature is not checked again
 */
export function judgeProviderToken(
  authorization: string | undefined,
  keyOf: (keyId: string) => RegisteredKey | undefined,
  environment: PushEnvironment,
  now: number,
  before?: SignedToken,
): SignedToken | TokenFault {
  const isKnown =
    before?.authorization === authorization && before !== undefined && keyOf(before.key.keyId) === before.key;
  const signed = isKnown ? before : signedToken(authorization, keyOf);
  if (typeof signed === 'string') return signed;
  const age = now - signed.issuedAt;
  if (age > HOUR) return 'ExpiredProviderToken';
  if (age < -SKEW) return 'InvalidProviderToken';
  const { environments } = signed.key;
  if (environments && !environments.includes(environment)) return 'BadEnvironmentKeyIdInToken';
  return signed;
}

function signedToken(
  authorization: string | undefined,
  keyOf: (keyId: string) => RegisteredKey | undefined,
): SignedToken | TokenFault {
  const jwt = /^bearer ([\w-]+)\.([\w-]+)\.([\w-]+)$/i.exec(authorization ?? '');
  if (!authorization) return 'MissingProviderToken';
  const [, head = '', body = '', signature = ''] = jwt ?? [];
  const header = headerSchema.safeParse(decode(head));
  const claims = claimsSchema.safeParse(decode(body));
  if (!header.success || !claims.success) return 'InvalidProviderToken';
  const key = keyOf(header.data.kid);
  if (!key || key.teamId !== claims.data.iss) return 'InvalidProviderToken';
  if (!signatureFits(key.publicKey, `${head}.${body}`, Buffer.from(signature, 'base64url')))
    return 'InvalidProviderToken';
  return { authorization, key, issuedAt: claims.data.iat * 1000 };
}

/**
 * Reads a public key for registration.
 * @param pem the public key, or the private one it is part of
 * @throws {Error} if it is no EC key on P-256
 */
export function readPublicKey(pem: string | KeyObject): KeyObject {
  const key = typeof pem === 'string' || pem.type === 'private' ? createPublicKey(pem) : pem;
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new Error('an APNs key is an EC key on P-256');
  return key;
}

/** JWS wants R and S side by side (RFC 7518 section 3.4); Apple takes DER as well. */
function signatureFits(key: KeyObject, text: string, signature: Buffer): boolean {
  const data = Buffer.from(text);
  if (signature.length === 64) return verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, signature);
  return verify('sha256', data, key, signature);
}

function decode(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
