import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import jwt from 'jsonwebtoken';
import type { Clock } from '../../clock/clock.js';
import { type TokenAlgorithm, tokenAlgorithms } from '../../config/api.js';
import type { ApiConfig } from '../../config/schema.js';
import { isScope, type Scope } from './scopes.js';

/** Whom a token names, and what it allows. */
export interface Bearer {
  readonly subject: string;
  readonly scopes: ReadonlySet<Scope>;
}

/** Seconds that the issuer's clock may be off. */
const LEEWAY = 30;
/** Longer tokens aren't looked at. */
const MAX_TOKEN = 4096;

/** Checks bearer tokens: signature, issuer, audience, time (RFC 7519, RFC 8725). Every token must expire. */
export class TokenVerifier {
  readonly #key: string | KeyObject | undefined;
  readonly #algorithms: TokenAlgorithm[];
  readonly #config: ApiConfig['jwt'];
  readonly #clock: Clock;

  /** @throws Error when the key file can't be read or holds no key that fits */
  constructor(config: ApiConfig['jwt'], clock: Clock) {
    this.#config = config;
    this.#clock = clock;
    if (config.publicKeyFile !== undefined) {
      this.#key = createPublicKey(readFileSync(config.publicKeyFile));
      this.#algorithms = [...tokenAlgorithms(this.#key)];
    } else {
      this.#key = config.secret;
      this.#algorithms = ['HS256'];
    }
  }

  /** Whom the token names; or, in words, why it isn't good. */
  verify(token: string): Bearer | string {
    if (this.#key === undefined) return 'no tokens are accepted here: api.jwt is not configured';
    if (token.length > MAX_TOKEN) return 'the token is too long';
    const { audience, issuer } = this.#config;
    let claims: unknown;
    try {
      claims = jwt.verify(token, this.#key, {
        algorithms: this.#algorithms,
        audience,
        ...(issuer === undefined ? {} : { issuer }),
        clockTimestamp: Math.floor(this.#clock.now() / 1000),
        clockTolerance: LEEWAY,
      });
    } catch (error) {
      return error instanceof Error ? wordsFor(error.message) : 'the token is not good';
    }
    if (typeof claims !== 'object' || claims === null) return 'the token holds no claims';
    const { exp, sub, scope } = claims as jwt.JwtPayload;
    if (typeof exp !== 'number') return 'the token never expires (exp)';
    if (typeof sub !== 'string' || sub === '') return 'the token names nobody (sub)';
    const words = typeof scope === 'string' ? scope.split(' ') : [];
    return { subject: sub.slice(0, 128), scopes: new Set(words.filter(isScope)) };
  }
}

/** A token for `callwake token`, signed with HS256. `lifetime` in milliseconds. */
export function mintToken(
  config: { readonly secret: string; readonly audience: string; readonly issuer?: string },
  {
    subject,
    scopes,
    lifetime,
  }: { readonly subject: string; readonly scopes: readonly Scope[]; readonly lifetime: number },
  clock: Clock,
): string {
  const { secret, audience, issuer } = config;
  const iat = Math.floor(clock.now() / 1000);
  const claims = { iat, exp: iat + Math.ceil(lifetime / 1000), scope: scopes.join(' ') };
  return jwt.sign(claims, secret, {
    algorithm: 'HS256',
    audience,
    subject,
    ...(issuer === undefined ? {} : { issuer }),
  });
}

/** The library's words, less those that repeat what the stranger sent. */
function wordsFor(message: string): string {
  if (/^jwt expired/.test(message)) return 'the token has expired';
  if (/^jwt not active/.test(message)) return 'the token is not good yet';
  if (/^jwt audience/.test(message)) return 'the token is for somebody else (aud)';
  if (/^jwt issuer/.test(message)) return 'the token is from somebody else (iss)';
  if (/signature|algorithm/.test(message)) return 'the signature is not good';
  return 'this is no JWT';
}
