import { readFileSync, statSync } from 'node:fs';
import type { Clock } from '../clock/clock.js';
import { parseDigestUsers, type ReadUsers, type Secrets } from './digest-users.js';

/** How long a change of the file may go unnoticed. */
const LOOK_EVERY = 2_000;

/** A users file that may change while it is in use. A version of it that can't be used is reported and the last good one stays. */
export class UsersFile implements ReadUsers {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #onProblem: (error: unknown) => void;
  #users: ReadUsers;
  #version: string;
  #lookedAt: number;

  /** @throws DigestUsersError, or a file system error, when the file can't be used at the start. */
  constructor(path: string, clock: Clock, onProblem: (error: unknown) => void) {
    this.#path = path;
    this.#clock = clock;
    this.#onProblem = onProblem;
    this.#version = versionOf(path);
    this.#users = parseDigestUsers(readFileSync(path, 'utf8'), path);
    this.#lookedAt = clock.monotonic();
  }

  find(username: string, realm: string): Secrets | undefined {
    this.#refresh();
    return this.#users.find(username, realm);
  }

  #refresh(): void {
    const now = this.#clock.monotonic();
    if (now - this.#lookedAt < LOOK_EVERY) return;
    this.#lookedAt = now;
    try {
      const version = versionOf(this.#path);
      if (version === this.#version) return;
      this.#version = version;
      this.#users = parseDigestUsers(readFileSync(this.#path, 'utf8'), this.#path);
    } catch (error) {
      this.#onProblem(error);
    }
  }
}

function versionOf(path: string): string {
  const { mtimeMs, size, ino } = statSync(path);
  return `${mtimeMs} ${size} ${ino}`;
}
