import { createHash, randomBytes } from 'node:crypto';
import { splitList } from '../../grammar/list.js';
import { unquote } from '../../grammar/params.js';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/**
 * The value of Authorization or Proxy-Authorization for a challenge (RFC 3261 section 22, RFC 8760): MD5 or SHA-256, with or
 * without `qop=auth`. Undefined when the challenge isn't Digest or asks for an algorithm that isn't one of these.
 */
export function answerChallenge(challenge: string, method: string, uri: string, who: Credentials): string | undefined {
  const space = challenge.indexOf(' ');
  if (space < 0 || challenge.slice(0, space).toLowerCase() !== 'digest') return undefined;
  const params = new Map<string, string>();
  for (const part of splitList(challenge.slice(space + 1))) {
    const equals = part.indexOf('=');
    if (equals > 0) params.set(part.slice(0, equals).trim().toLowerCase(), unquote(part.slice(equals + 1).trim()));
  }
  const algorithm = params.get('algorithm') ?? 'MD5';
  const hashName = { MD5: 'md5', 'SHA-256': 'sha256' }[algorithm.toUpperCase()];
  if (!hashName) return undefined;
  const hash = (text: string): string => createHash(hashName).update(text).digest('hex');
  const realm = params.get('realm') ?? '';
  const nonce = params.get('nonce') ?? '';
  const qop = params
    .get('qop')
    ?.split(',')
    .some((value) => value.trim() === 'auth');
  const cnonce = randomBytes(8).toString('hex');
  const a1 = hash(`${who.username}:${realm}:${who.password}`);
  const a2 = hash(`${method}:${uri}`);
  const response = hash(qop ? `${a1}:${nonce}:00000001:${cnonce}:auth:${a2}` : `${a1}:${nonce}:${a2}`);
  const fields = [
    `username="${who.username}"`,
    `realm="${realm}"`,
    `nonce="${nonce}"`,
    `uri="${uri}"`,
    `response="${response}"`,
    `algorithm=${algorithm}`,
    ...(qop ? ['qop=auth', 'nc=00000001', `cnonce="${cnonce}"`] : []),
    ...(params.has('opaque') ? [`opaque="${params.get('opaque')}"`] : []),
  ];
  return `Digest ${fields.join(', ')}`;
}
