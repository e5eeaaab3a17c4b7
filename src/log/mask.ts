import { createHmac, randomBytes } from 'node:crypto';

const PROCESS_KEY = randomBytes(32);
const MAX_DEPTH = 5;
const MAX_ENTRIES = 50;
const MAX_TEXT = 4000;

/** Fields whose values are secret as such. */
const SECRET_NAME =
  /^(secret|password|passphrase|authorization|proxy-?authorization|jwt|p8|(private|encryption)-?key|key-?header|key)$/i;
/** Fields that hold a push token: shown as a hash, so that lines about the same token can be joined. */
const TOKEN_NAME = /^((device|push|voip|alert)?-?token|pn-?prid|prid)$/i;

const PRIVATE_KEY = /-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----[^-]*(-----END [A-Z ]{0,20}PRIVATE KEY-----)?/g;
const JWT = /\beyJ[\w-]{5,}\.[\w-]+\.[\w-]+/g;
const PRID = /(pn-prid=)([^;>\s,"&]+)/gi;
/** A parameter or header with a key of 32 bytes in base64url, as apps give them for payloads. */
const PAYLOAD_KEY = /(key["']?\s*[=:]\s*["']?)[\w-]{43}(?![\w-])/gi;
/** What one of the above begins with. */
const SUSPICIOUS = /-----BEGIN|eyJ|pn-prid=|key["'\s=:]/i;
const SHORTEST_HEX = 64;
const LONG_HEX = /\b[0-9a-f]{64,}\b/gi;

/**
 * A push token as it may be shown: twelve hexadecimal digits of a keyed hash. The same token gives the same text as long as
 * the key is the same; without a key of one's own that is for the life of the process.
 */
export function tokenHash(token: string, key: Uint8Array | string = PROCESS_KEY): string {
  return `token:${createHmac('sha256', key).update(token.toLowerCase()).digest('hex').slice(0, 12)}`;
}

/** The key of {@link tokenHash} in this process, for another of its threads. Secret. */
export function processHashKey(): Uint8Array {
  return PROCESS_KEY;
}

/** A copy of log fields without secrets: by the field's name and by what a text looks like. Depth and size are bounded. */
export function maskFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return maskEntries(Object.entries(fields), 0);
}

/** A text without private keys, provider tokens and push tokens. */
export function maskText(text: string): string {
  // Nearly all texts hold none: one look at each is much cheaper than five.
  if (text.length < SHORTEST_HEX && !SUSPICIOUS.test(text)) return text;
  const short = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}...` : text;
  return short
    .replace(PRIVATE_KEY, '(private key)')
    .replace(JWT, '(jwt)')
    .replace(PRID, (_, name: string, token: string) => name + tokenHash(token))
    .replace(PAYLOAD_KEY, '$1(hidden)')
    .replace(LONG_HEX, (token) => tokenHash(token));
}

function maskEntries(entries: readonly (readonly [string, unknown])[], depth: number): Record<string, unknown> {
  const masked: Record<string, unknown> = {};
  for (const [name, value] of entries.slice(0, MAX_ENTRIES)) {
    if (value === undefined) continue;
    if (SECRET_NAME.test(name)) masked[name] = '(hidden)';
    else if (TOKEN_NAME.test(name) && typeof value === 'string') {
      masked[name] = value.startsWith('token:') ? value : tokenHash(value);
    } else masked[name] = maskValue(value, depth + 1);
  }
  return masked;
}

function maskValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return maskText(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return typeof value === 'function' ? '(function)' : value;
  if (depth > MAX_DEPTH) return '(deeper)';
  if (value instanceof Error) return maskText(value.message);
  if (Array.isArray(value)) return value.slice(0, MAX_ENTRIES).map((entry) => maskValue(entry, depth + 1));
  if (ArrayBuffer.isView(value)) return `(${value.byteLength} bytes)`;
  return maskEntries(Object.entries(value), depth);
}
