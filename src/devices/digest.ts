import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock/clock.js';
import { splitList } from '../grammar/list.js';
import { quote, unquote } from '../grammar/params.js';
import type { DigestAlgorithm, DigestUsers } from './digest-users.js';

export interface DigestOptions {
  readonly realm: string;
  readonly users: DigestUsers;
  readonly clock: Clock;
  /** Makes nonces; the same on all nodes, so that any of them takes the others' nonces. Default: random. */
  readonly key?: Uint8Array;
  /** Milliseconds that a nonce is good for, 5 minutes if not given. */
  readonly nonceLifetime?: number;
  /** In the order of preference (RFC 8760 section 2.3). Default: SHA-256, then MD5. */
  readonly algorithms?: readonly DigestAlgorithm[];
}

/** What authentication comes to. */
export type DigestResult =
  | { readonly kind: 'authenticated'; readonly username: string }
  /** Answer 401 (or 407) with these values of WWW-Authenticate (or Proxy-Authenticate), a header line each. */
  | {
      readonly kind: 'challenge';
      readonly values: readonly string[];
      readonly why: string;
      /** There were credentials, and they were wrong: no such user, or another password. */
      readonly wrong: boolean;
    }
  /** Answer 400: the header makes no sense. */
  | { readonly kind: 'malformed'; readonly why: string };

/** What guessing looks like. */
const WRONG: ReadonlySet<string> = new Set(['unknown user', 'wrong response']);

const MAX_HEADER = 4096;
/** How many nonces are remembered for their count; the lifetime bounds replays of the others. */
const MAX_NONCES = 20_000;

/**
 * Digest authentication of phones (RFC 3261 section 22, RFC 7616, RFC 8760): SHA-256 and MD5, `qop=auth` always asked for.
 * Nonces are made from the time and a key, so that asking costs no memory; a count that doesn't grow is taken for a replay.
 */
export class DigestAuthenticator {
  readonly #options: DigestOptions;
  readonly #key: Uint8Array;
  readonly #lifetime: number;
  readonly #algorithms: readonly DigestAlgorithm[];
  readonly #counts = new LRUCache<string, number>({ max: MAX_NONCES });

  constructor(options: DigestOptions) {
    this.#options = options;
    this.#key = options.key ?? randomBytes(32);
    this.#lifetime = options.nonceLifetime ?? 300_000;
    this.#algorithms = options.algorithms ?? ['SHA-256', 'MD5'];
  }

  /**
   * Judges a request.
   * @param method of the request
   * @param authorization values of Authorization (or Proxy-Authorization), one a header line
   */
  async check(method: string, authorization: readonly string[]): Promise<DigestResult> {
    let why = 'no credentials';
    let wrong = false;
    for (const header of authorization) {
      if (!/^digest[ \t]/i.test(header)) continue;
      const fields = header.length > MAX_HEADER ? undefined : readFields(header.slice(7));
      if (fields === undefined) return { kind: 'malformed', why: 'malformed Authorization' };
      if (fields.get('realm') !== this.#options.realm) continue;
      const verdict = await this.#verify(method, fields);
      if (verdict.kind !== 'wrong') return verdict;
      why = verdict.why;
      wrong ||= WRONG.has(why);
    }
    return this.challenge(why, false, wrong);
  }

  /** Asks for credentials; `stale` when they were right but for the nonce. */
  challenge(why = 'no credentials', stale = false, wrong = false): DigestResult {
    const nonce = this.#makeNonce();
    const values = this.#algorithms.map(
      (algorithm) =>
        `Digest realm=${quote(this.#options.realm)}, nonce="${nonce}", algorithm=${algorithm}, qop="auth"${
          stale ? ', stale=true' : ''
        }`,
    );
    return { kind: 'challenge', values, why, wrong };
  }

  async #verify(
    method: string,
    fields: ReadonlyMap<string, string>,
  ): Promise<DigestResult | { kind: 'wrong'; why: string }> {
    const username = fields.get('username');
    const nonce = fields.get('nonce');
    const uri = fields.get('uri');
    const response = fields.get('response');
    if (username === undefined || nonce === undefined || uri === undefined || response === undefined) {
      return { kind: 'malformed', why: 'Authorization lacks a field' };
    }
    const asked = (fields.get('algorithm') ?? 'MD5').toUpperCase();
    const algorithm = this.#algorithms.find((candidate) => candidate === asked);
    if (algorithm === undefined) return { kind: 'wrong', why: 'algorithm not offered' };
    const nc = fields.get('nc');
    const cnonce = fields.get('cnonce');
    if (fields.get('qop')?.toLowerCase() !== 'auth' || nc === undefined || !/^[0-9a-f]{8}$/i.test(nc) || !cnonce) {
      return { kind: 'wrong', why: 'credentials without qop=auth' };
    }
    const age = this.#ageOf(nonce);
    if (age === undefined) return this.challenge('unknown nonce', true);
    const secret = (await this.#options.users.find(username, this.#options.realm))?.[algorithm];
    const ha1 = secret ?? hash(algorithm, nonce);
    const expected = hash(algorithm, `${ha1}:${nonce}:${nc}:${cnonce}:auth:${hash(algorithm, `${method}:${uri}`)}`);
    const right = sameText(expected, response.toLowerCase());
    if (secret === undefined) return { kind: 'wrong', why: 'unknown user' };
    if (!right) return { kind: 'wrong', why: 'wrong response' };
    if (age > this.#lifetime) return this.challenge('nonce too old', true);
    const count = Number.parseInt(nc, 16);
    if (count <= (this.#counts.get(nonce) ?? 0)) return this.challenge('nonce count used before', true);
    this.#counts.set(nonce, count);
    return { kind: 'authenticated', username };
  }

  #makeNonce(): string {
    const bytes = Buffer.alloc(16);
    bytes.writeBigUInt64BE(BigInt(Math.max(0, Math.floor(this.#options.clock.now()))));
    randomBytes(8).copy(bytes, 8);
    return Buffer.concat([bytes, this.#seal(bytes)]).toString('base64url');
  }

  /** Milliseconds since a nonce was made; undefined if it wasn't made here. */
  #ageOf(nonce: string): number | undefined {
    const bytes = nonce.length > 64 ? Buffer.alloc(0) : Buffer.from(nonce, 'base64url');
    if (bytes.length !== 32) return undefined;
    const head = bytes.subarray(0, 16);
    if (!timingSafeEqual(this.#seal(head), bytes.subarray(16))) return undefined;
    return this.#options.clock.now() - Number(head.readBigUInt64BE());
  }

  #seal(head: Uint8Array): Buffer {
    return createHmac('sha256', this.#key).update(head).update(this.#options.realm).digest().subarray(0, 16);
  }
}

/** Whether a user may register an AOR: his own, `sip:<username>@<realm>`, or the one that is his user name. */
export function ownsAor(username: string, realm: string, aor: string): boolean {
  return aor === `sip:${username}@${realm.toLowerCase()}` || aor === `sip:${username}`;
}

/** `name=value` fields, names in lower case; undefined when one has no name or comes twice. */
function readFields(text: string): ReadonlyMap<string, string> | undefined {
  const fields = new Map<string, string>();
  for (const part of splitList(text)) {
    const equals = part.indexOf('=');
    const name = part.slice(0, Math.max(0, equals)).trim().toLowerCase();
    if (name === '' || fields.has(name)) return undefined;
    fields.set(name, unquote(part.slice(equals + 1).trim()));
  }
  return fields;
}

function hash(algorithm: DigestAlgorithm, text: string): string {
  return createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
    .update(text)
    .digest('hex');
}

function sameText(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}
