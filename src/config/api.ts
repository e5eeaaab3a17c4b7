import type { KeyObject } from 'node:crypto';
import { BlockList, isIP } from 'node:net';
import { z } from 'zod';
import { flag, host, oneOf, text, whole } from './fields.js';

/** As many bytes as HS256's own hash has (RFC 7518 section 3.2). */
const MIN_SECRET = 32;

const secret = `at least ${MIN_SECRET} characters, such as "openssl rand -base64 32" prints`;

const jwt = z
  .strictObject({
    /** Signs and checks tokens with HS256. */
    secret: z.string({ error: secret }).min(MIN_SECRET, { error: secret }).exactOptional(),
    /** Checks tokens that somebody else signed: an RSA or EC public key, PEM. */
    publicKeyFile: text('the path of a public key, PEM').exactOptional(),
    /** Who must have issued them (`iss`). */
    issuer: text('the issuer of the tokens').exactOptional(),
    /** Whom they must be for (`aud`). */
    audience: text('the audience of the tokens').default('callwake'),
  })
  .superRefine((value, context) => {
    if (value.secret === undefined || value.publicKeyFile === undefined) return;
    const message = 'either secret or publicKeyFile';
    context.addIssue({ code: 'custom', path: ['publicKeyFile'], message });
  });

const tls = z.strictObject({
  /** Private key and certificate, PEM; with them the API speaks HTTPS. */
  keyFile: text('the path of a private key, PEM').exactOptional(),
  certFile: text('the path of a certificate, PEM').exactOptional(),
  minVersion: oneOf(['1.2', '1.3']).default('1.2'),
});

/** The HTTP API. */
export const api = z
  .strictObject({
    enabled: flag().default(true),
    host: host().prefault('127.0.0.1'),
    /** 0: any free port. */
    port: whole(0, 65535).default(8080),
    tls: tls.prefault({}),
    jwt: jwt.prefault({}),
    /** Whoever is on this machine may do everything without a token. Only for a loopback host. */
    loopbackWithoutToken: flag().default(false),
    /** `/metrics` is for everybody who reaches the API: it names no user. */
    metricsWithoutToken: flag().default(false),
    /** Requests per token, or per address without one. */
    rateLimit: z
      .strictObject({ perSecond: whole(1, 100_000).default(50), burst: whole(1, 1_000_000).default(100) })
      .prefault({}),
    /** Bytes that a request's body may have. */
    bodyLimit: whole(1024, 10_000_000).default(65_536),
  })
  .superRefine((value, context) => {
    const { keyFile, certFile } = value.tls;
    if ((keyFile === undefined) !== (certFile === undefined)) {
      const path = ['tls', keyFile === undefined ? 'keyFile' : 'certFile'];
      context.addIssue({ code: 'custom', path, message: 'the path of a PEM file (key and certificate go together)' });
    }
    if (value.loopbackWithoutToken && !isLoopback(value.host)) {
      const message = 'false, unless api.host is 127.0.0.1, ::1 or localhost';
      context.addIssue({ code: 'custom', path: ['loopbackWithoutToken'], message });
    }
  });

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Whether a host (an address, or a name) is only reached from this machine. */
export function isLoopback(name: string): boolean {
  const address = name.replace(/^::ffff:(?=\d)/i, '');
  const family = isIP(address);
  return family === 0 ? address === 'localhost' : loopback.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

/** The algorithms (RFC 7518) that a public key may check tokens with. @throws Error when it is none of RSA and EC */
export function tokenAlgorithms(key: KeyObject): readonly TokenAlgorithm[] {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === 'rsa') return ['RS256', 'RS384', 'RS512'];
  const curve = type === 'ec' ? CURVES[details?.namedCurve ?? ''] : undefined;
  if (curve === undefined) throw new Error('is neither an RSA key nor an EC key of P-256, P-384 or P-521');
  return [curve];
}

export type TokenAlgorithm = 'HS256' | 'RS256' | 'RS384' | 'RS512' | 'ES256' | 'ES384' | 'ES512';

const CURVES: Readonly<Record<string, TokenAlgorithm>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
};
