import { createHash, randomBytes } from 'node:crypto';

/** What a proxy is told of who asks. */
export interface ProxyCredentials {
  readonly username: string;
  readonly password: string;
}

interface Challenge {
  readonly scheme: string;
  readonly params: ReadonlyMap<string, string>;
}

/**
 * Answers a proxy's 407: Digest (RFC 7616; SHA-256 before MD5, with or without `qop=auth`) before Basic (RFC 7617).
 * @param challenges the Proxy-Authenticate header's values
 * @returns the Proxy-Authorization header's value, or undefined if the proxy offers nothing of that
 */
export function proxyAuthorization(
  challenges: readonly string[],
  credentials: ProxyCredentials,
  uri: string,
  cnonce: string = randomBytes(12).toString('hex'),
): string | undefined {
  const offered = challenges.map(parseChallenge);
  for (const algorithm of ['sha-256', 'md5']) {
    const digest = offered.find((challenge) => isDigest(challenge, algorithm));
    if (digest) return digestOf(digest.params, algorithm, credentials, uri, cnonce);
  }
  if (!offered.some(({ scheme }) => scheme === 'basic')) return undefined;
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`, 'utf8').toString('base64')}`;
}

function isDigest({ scheme, params }: Challenge, algorithm: string): boolean {
  if (scheme !== 'digest' || !params.has('nonce')) return false;
  return (
    (params.get('algorithm') ?? 'MD5').toLowerCase() === algorithm &&
    (qops(params).includes('auth') || !params.has('qop'))
  );
}

function digestOf(
  params: ReadonlyMap<string, string>,
  algorithm: string,
  { username, password }: ProxyCredentials,
  uri: string,
  cnonce: string,
): string {
  const hash = (text: string) => createHash(algorithm.replace('-', '')).update(text, 'utf8').digest('hex');
  const realm = params.get('realm') ?? '';
  const nonce = params.get('nonce') ?? '';
  const opaque = params.get('opaque');
  const withQop = params.has('qop');
  const secret = hash(`${username}:${realm}:${password}`);
  const request = hash(`CONNECT:${uri}`);
  const response = hash(
    withQop ? `${secret}:${nonce}:00000001:${cnonce}:auth:${request}` : `${secret}:${nonce}:${request}`,
  );
  const fields = [
    `username=${quote(username)}`,
    `realm=${quote(realm)}`,
    `nonce=${quote(nonce)}`,
    `uri=${quote(uri)}`,
    `algorithm=${algorithm.toUpperCase()}`,
    `response="${response}"`,
    ...(opaque === undefined ? [] : [`opaque=${quote(opaque)}`]),
    ...(withQop ? ['qop=auth', 'nc=00000001', `cnonce=${quote(cnonce)}`] : []),
  ];
  return `Digest ${fields.join(', ')}`;
}

function parseChallenge(value: string): Challenge {
  const [, scheme = '', rest = ''] = /^\s*([\w-]+)\s*(.*)$/s.exec(value) ?? [];
  const params = new Map<string, string>();
  for (const [, name = '', quoted, plain] of rest.matchAll(/([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g)) {
    params.set(name.toLowerCase(), quoted === undefined ? (plain ?? '') : quoted.replace(/\\(.)/g, '$1'));
  }
  return { scheme: scheme.toLowerCase(), params };
}

const qops = (params: ReadonlyMap<string, string>): string[] =>
  (params.get('qop') ?? '').split(',').map((qop) => qop.trim());

const quote = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;
