import { readFile } from 'node:fs/promises';

export type DigestAlgorithm = 'SHA-256' | 'MD5';

/** The secrets of one user in one realm: HA1, hexadecimal, by algorithm. */
export type Secrets = Readonly<Partial<Record<DigestAlgorithm, string>>>;

/** Who may authenticate. */
export interface DigestUsers {
  /** Undefined for an unknown user. */
  find(username: string, realm: string): Secrets | undefined | Promise<Secrets | undefined>;
}

/** Users from several places: the first that knows a name counts. */
export function anyOf(places: readonly DigestUsers[]): DigestUsers {
  return {
    async find(username, realm) {
      for (const place of places) {
        const secrets = await place.find(username, realm);
        if (secrets !== undefined) return secrets;
      }
      return undefined;
    },
  };
}

/** Users that are all in memory. */
export interface ReadUsers extends DigestUsers {
  find(username: string, realm: string): Secrets | undefined;
}

/** A line of the users file can't be used; the message names the line, never the secret. */
export class DigestUsersError extends Error {
  override readonly name = 'DigestUsersError';
}

/**
 * Reads a users file as htdigest writes it: `user:realm:HA1` a line, `#` for comments. An HA1 of 64 digits is for SHA-256
 * (RFC 8760), one of 32 for MD5; a user may have a line of each.
 * @throws DigestUsersError for a line that is none of these.
 */
export function parseDigestUsers(text: string, file = 'users file'): ReadUsers {
  const users = new Map<string, Partial<Record<DigestAlgorithm, string>>>();
  text.split(/\r?\n/).forEach((line, index) => {
    if (line.trim() === '' || line.startsWith('#')) return;
    const last = line.lastIndexOf(':');
    const middle = line.lastIndexOf(':', last - 1);
    const ha1 = line
      .slice(last + 1)
      .trim()
      .toLowerCase();
    if (middle <= 0 || last - middle < 2 || !/^([0-9a-f]{32}|[0-9a-f]{64})$/.test(ha1)) {
      throw new DigestUsersError(
        `${file}, line ${index + 1}: expected user:realm:HA1, the HA1 with 64 (SHA-256) or 32 (MD5) hexadecimal digits`,
      );
    }
    const key = keyOf(line.slice(0, middle), line.slice(middle + 1, last));
    const secrets = users.get(key) ?? {};
    secrets[ha1.length === 64 ? 'SHA-256' : 'MD5'] = ha1;
    users.set(key, secrets);
  });
  return { find: (username, realm) => users.get(keyOf(username, realm)) };
}

/** As {@link parseDigestUsers}, from a file. Rejects when the file can't be read. */
export async function readDigestUsers(path: string): Promise<ReadUsers> {
  return parseDigestUsers(await readFile(path, 'utf8'), path);
}

function keyOf(username: string, realm: string): string {
  return `${username}\n${realm}`;
}
