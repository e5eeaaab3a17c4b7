import { createHash } from 'node:crypto';
import type { Store } from '../store/store.js';
import type { DigestAlgorithm, DigestUsers, Secrets } from './digest-users.js';

/** A user as others may see him: without his secrets. */
export interface UserInfo {
  readonly username: string;
  readonly realm: string;
  readonly algorithms: readonly DigestAlgorithm[];
}

const TABLE = 'digest-users';
const HEX = { 'SHA-256': /^[0-9a-f]{64}$/, MD5: /^[0-9a-f]{32}$/ } as const;
const MAX_LENGTH = 256;

/** A user that can't be kept; the message says which part is wrong, never a secret. */
export class UserError extends Error {
  override readonly name = 'UserError';
}

/** The users of digest that are kept in the store, as the HTTP API makes them: HA1 only (RFC 7616 section 3.4.2), never a password. */
export class StoredUsers implements DigestUsers {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async find(username: string, realm: string): Promise<Secrets | undefined> {
    if (!isName(username) || !isName(realm)) return undefined;
    return asSecrets(await this.#store.record(TABLE, keyOf(username, realm)));
  }

  /**
   * Makes or replaces a user from his password, for all algorithms.
   * @throws UserError for a name, realm or password that can't be.
   */
  async setPassword(username: string, realm: string, password: string): Promise<void> {
    if (password === '' || password.length > MAX_LENGTH) throw new UserError(`password: 1 to ${MAX_LENGTH} characters`);
    const text = `${username}:${realm}:${password}`;
    const hash = (name: string): string => createHash(name).update(text).digest('hex');
    await this.setSecrets(username, realm, { 'SHA-256': hash('sha256'), MD5: hash('md5') });
  }

  /**
   * Makes or replaces a user from his HA1, for those who don't want to hand over passwords.
   * @throws UserError for a name, realm or HA1 that can't be.
   */
  async setSecrets(username: string, realm: string, secrets: Secrets): Promise<void> {
    checkName('username', username);
    checkName('realm', realm);
    const kept: Partial<Record<DigestAlgorithm, string>> = {};
    for (const algorithm of ['SHA-256', 'MD5'] as const) {
      const ha1 = secrets[algorithm]?.toLowerCase();
      if (ha1 === undefined) continue;
      if (!HEX[algorithm].test(ha1)) throw new UserError(`ha1: not the HA1 of ${algorithm} in hexadecimal`);
      kept[algorithm] = ha1;
    }
    if (Object.keys(kept).length === 0) throw new UserError('ha1: of SHA-256, MD5 or both');
    await this.#store.putRecord(TABLE, keyOf(username, realm), kept);
  }

  /** Gives false when there was no such user. */
  async remove(username: string, realm: string): Promise<boolean> {
    if ((await this.find(username, realm)) === undefined) return false;
    await this.#store.putRecord(TABLE, keyOf(username, realm), undefined);
    return true;
  }

  /** A page of users, by realm and name; `next` is where the next one begins, undefined after the last. */
  async list(after: string, limit: number): Promise<{ users: readonly UserInfo[]; next?: string }> {
    const records = await this.#store.recordsAfter(TABLE, after, limit);
    const users = records.flatMap(([key, record]): UserInfo[] => {
      const [realm, username] = key.split('\t');
      const secrets = asSecrets(record);
      if (realm === undefined || username === undefined || secrets === undefined) return [];
      return [{ username, realm, algorithms: (['SHA-256', 'MD5'] as const).filter((name) => name in secrets) }];
    });
    const last = records.length === limit ? records.at(-1)?.[0] : undefined;
    return { users, ...(last !== undefined && { next: last }) };
  }
}

function keyOf(username: string, realm: string): string {
  return `${realm}\t${username}`;
}

/** What can stand in a `username` or `realm` of digest and in a key of the store. */
function isName(text: string): boolean {
  return text.length > 0 && text.length <= MAX_LENGTH && !/[\p{Cc}:"\\~]/u.test(text);
}

function checkName(field: string, text: string): void {
  if (isName(text)) return;
  throw new UserError(
    `${field}: 1 to ${MAX_LENGTH} characters without control characters, colon, quote, backslash, tilde`,
  );
}

function asSecrets(record: unknown): Secrets | undefined {
  if (typeof record !== 'object' || record === null) return undefined;
  const secrets: Partial<Record<DigestAlgorithm, string>> = {};
  for (const [name, value] of Object.entries(record)) {
    if ((name === 'SHA-256' || name === 'MD5') && typeof value === 'string') secrets[name] = value;
  }
  return secrets;
}
