import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../clock/clock.js';
import { isLoopback } from '../../config/api.js';
import type { ApiConfig } from '../../config/schema.js';
import { Problem } from './problem.js';
import { callerOf, RateLimit } from './rate-limit.js';
import { SCOPES, type Scope } from './scopes.js';
import { type Bearer, TokenVerifier } from './tokens.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a token must allow; `none` for what everybody may ask. Every route says it. */
    scope?: Scope | 'none';
  }
  interface FastifyRequest {
    /** Who asks: a token's subject, or `loopback`. Null for a stranger. */
    caller: string | null;
  }
}

const ALL: Bearer = { subject: 'loopback', scopes: new Set(Object.keys(SCOPES) as Scope[]) };

/** Decides who may ask what, and how often. */
export class Access {
  readonly #config: ApiConfig;
  readonly #limit: RateLimit;
  #verifier: TokenVerifier;

  /** @throws Error when the key of the tokens can't be used */
  constructor(
    config: ApiConfig,
    readonly clock: Clock,
  ) {
    this.#config = config;
    this.#verifier = new TokenVerifier(config.jwt, clock);
    this.#limit = new RateLimit(config.rateLimit, clock);
  }

  /** Takes another secret or key from now on. @throws Error when it can't be used; nothing changes then */
  reload(config: ApiConfig): void {
    this.#verifier = new TokenVerifier(config.jwt, this.clock);
  }

  /** Lets a request through or throws the {@link Problem} that answers it. */
  check(request: FastifyRequest, reply: FastifyReply): void {
    const bearer = this.#identify(request);
    const known = typeof bearer === 'object';
    const wait = this.#limit.take(known ? `subject ${bearer.subject}` : callerOf(request.ip));
    if (known) request.caller = bearer.subject;
    if (wait > 0) {
      const { perSecond, burst } = this.#config.rateLimit;
      const detail = `Not more than ${perSecond} requests a second, ${burst} at once; try again in ${wait} s.`;
      throw new Problem(429, detail, { headers: { 'retry-after': String(wait) } });
    }
    const { scope } = request.routeOptions.config;
    if (scope === 'none' || request.is404) return;
    if (scope === undefined) throw new Error(`no scope for ${request.method} ${request.routeOptions.url ?? ''}`);
    if (!known) throw unauthorized(bearer, request.headers.authorization !== undefined);
    if (bearer.scopes.has(scope)) return;
    reply.header('www-authenticate', `Bearer realm="callwake", error="insufficient_scope", scope="${scope}"`);
    throw new Problem(403, `The token must have the scope ${scope}.`, { more: { scope } });
  }

  /** Whom a request comes from, or why that isn't known. */
  #identify(request: FastifyRequest): Bearer | string {
    const { authorization } = request.headers;
    if (authorization === undefined) return this.#mayGoWithout(request) ? ALL : 'give a bearer token';
    const token = /^bearer +([\w.~+/-]+=*)$/i.exec(authorization)?.[1];
    return token === undefined ? 'give "Authorization: Bearer", then a JWT' : this.#verifier.verify(token);
  }

  /**
   * On this machine, if so configured; not for a proxy, which has others behind it, nor for what some web page has a browser ask
   * (DNS rebinding, cross-site requests).
   */
  #mayGoWithout({ ip, headers }: FastifyRequest): boolean {
    if (!this.#config.loopbackWithoutToken || !isLoopback(ip)) return false;
    if (headers.forwarded !== undefined || headers['x-forwarded-for'] !== undefined) return false;
    const hostname = /^(\[[^\]]*\]|[^:]*)(:\d*)?$/.exec(headers.host ?? '')?.[1]?.replace(/^\[(.*)\]$/, '$1') ?? '';
    if (!isLoopback(hostname.toLowerCase())) return false;
    const { origin } = headers;
    return origin === undefined || /^https?:\/\/[^/]+$/.exec(origin)?.[0].replace(/^https?:\/\//, '') === headers.host;
  }
}

/** RFC 6750 section 3: no error code for a request without a token. */
function unauthorized(why: string, gaveOne: boolean): Problem {
  const challenge = `Bearer realm="callwake"${gaveOne ? `, error="invalid_token", error_description="${why.replaceAll('"', "'")}"` : ''}`;
  return new Problem(401, `Not authorised: ${why}.`, { headers: { 'www-authenticate': challenge } });
}
