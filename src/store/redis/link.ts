import { Redis } from 'ioredis';
import type { Clock, Timer } from '../../clock/clock.js';
import { type ServerCertificate, serverCertificateOf } from '../../grammar/server-certificate.js';
import { StoreAway } from '../store.js';
import { connectRedis, type RedisClient } from './connect.js';
import { Keys } from './keys.js';
import type { RedisOptions } from './options.js';

/** Redis can't be reached, or can't do its work at the moment; nobody knows whether what was asked has been done. */
export class RedisAway extends StoreAway {}

/** What a server says that is there but can't serve: it loads, was demoted, lost its primary, or can't write. */
const CANT_SERVE = /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|NOREPLICAS|MISCONF|TRYAGAIN|BUSY|UNBLOCKED|OOM|NOAUTH)/;

/**
 * The form of what is in Redis. A release that writes another one puts a higher number there, and comes after one that reads it, so that
 * nodes of two neighbouring releases work side by side; an older one keeps off.
 */
export const REDIS_SCHEMA = 1;

const CLOSED = 'the connection was closed';

/** How often Redis is asked whether it is back, in milliseconds. */
const PROBE = 250;

/** A script that runs in Redis, wholly or not at all. */
export interface Script {
  readonly lua: string;
  readonly sha: string;
}

export type RedisState = 'up' | 'away';

/** The connection to Redis and what is known of its state. Commands while it is away fail at once. */
export class RedisLink {
  readonly options: RedisOptions;
  readonly client: RedisClient;
  readonly #clock: Clock;
  readonly #listeners = new Set<(state: RedisState, why: string) => void>();
  #state: RedisState = 'away';
  /** Of the monotonic clock. */
  #since: number;
  #why = 'not connected yet';
  #probe: Timer | undefined;
  #probing = false;
  #closed = false;

  constructor(options: RedisOptions, clock: Clock) {
    this.options = options;
    this.#clock = clock;
    this.#since = clock.monotonic();
    this.client = connectRedis(options);
    this.client.on('error', (error: Error) => this.#lost(wordsOf(error)));
    this.client.on('close', () => this.#lost(CLOSED));
    this.client.on('ready', () => this.#ask());
    this.#schedule();
  }

  get state(): RedisState {
    return this.#state;
  }

  /** How long it has been in that state, in milliseconds. */
  get lasts(): number {
    return this.#clock.monotonic() - this.#since;
  }

  /** Why it is away, in words without secrets. */
  get why(): string {
    return this.#why;
  }

  /** What the servers show that there are connections to over TLS. */
  get certificates(): readonly ServerCertificate[] {
    const clients = this.client instanceof Redis ? [this.client] : this.client.nodes();
    return clients.flatMap(({ stream }) => {
      const certificate = serverCertificateOf(stream, `Redis ${stream?.remoteAddress}:${stream?.remotePort}`);
      return certificate ?? [];
    });
  }

  /** Calls `listener` at each change. */
  onState(listener: (state: RedisState, why: string) => void): void {
    this.#listeners.add(listener);
  }

  /** Settles when it is there; never when it doesn't come. */
  up(): Promise<void> {
    if (this.#state === 'up') return Promise.resolve();
    return new Promise((resolve) => {
      const listener = (state: RedisState): void => {
        if (state !== 'up') return;
        this.#listeners.delete(listener);
        resolve();
      };
      this.#listeners.add(listener);
    });
  }

  /**
   * Runs a command.
   * @throws {RedisAway} when Redis is away or doesn't answer in time; what Redis says otherwise.
   */
  async run<T>(command: (client: RedisClient) => Promise<T>): Promise<T> {
    if (this.#state !== 'up') throw new RedisAway(`Redis is away: ${this.#why}`);
    try {
      return await command(this.client);
    } catch (error) {
      if (isAnswer(error)) throw error;
      const why = wordsOf(error);
      this.#lost(why);
      throw new RedisAway(`Redis is away: ${why}`);
    }
  }

  /** Runs a script; all its keys have the same hash tag. Throws as {@link run}. */
  script(script: Script, keys: readonly string[], args: readonly (string | number | Buffer)[]): Promise<unknown> {
    return this.run(async (client) => {
      try {
        return await client.callBuffer('EVALSHA', script.sha, keys.length, ...keys, ...args);
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
        return await client.callBuffer('EVAL', script.lua, keys.length, ...keys, ...args);
      }
    });
  }

  /** Another connection to the same Redis, for the caller to close. */
  another(): RedisClient {
    return connectRedis(this.options);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#probe?.cancel();
    this.#listeners.clear();
    const { client } = this;
    const ended = new Promise<void>((resolve) => client.once('end', resolve));
    if (client.status === 'end') return;
    client.disconnect();
    await Promise.race([ended, new Promise((resolve) => this.#clock.setTimeout(() => resolve(undefined), 500))]);
  }

  #lost(why: string): void {
    if (this.#closed) return;
    this.#schedule();
    if (this.#state === 'up') this.#change('away', why);
    else if (why !== CLOSED) this.#why = why;
  }

  /** It is back when it takes a write: a replica or a server without disk answers PING as well. What is in it has to be readable. */
  #ask(): void {
    if (this.#closed || this.#probing || this.#state === 'up') return;
    this.#probing = true;
    const { prefix } = this.options;
    const asked = [
      this.client.set(`${prefix}probe`, '1', 'PX', 60_000),
      this.client.setnx(new Keys(prefix).schema(), REDIS_SCHEMA),
      this.client.get(new Keys(prefix).schema()),
    ] as const;
    Promise.all(asked).then(
      ([, , schema]) => {
        this.#probing = false;
        if (Number(schema) > REDIS_SCHEMA) {
          this.#why = `a newer callwake wrote what is in Redis (schema ${schema}, this one reads up to ${REDIS_SCHEMA})`;
          this.#schedule();
        } else if (!this.#closed && this.#state === 'away') this.#change('up', '');
      },
      (error: unknown) => {
        this.#probing = false;
        if (error instanceof Error && error.name === 'ReplyError') this.#why = wordsOf(error);
        this.#schedule();
      },
    );
  }

  #schedule(): void {
    if (this.#closed || this.#probe !== undefined) return;
    this.#probe = this.#clock.setTimeout(() => {
      this.#probe = undefined;
      if (this.#state === 'up') return;
      this.#ask();
      this.#schedule();
    }, PROBE);
  }

  #change(state: RedisState, why: string): void {
    this.#state = state;
    this.#since = this.#clock.monotonic();
    this.#why = why;
    for (const listener of [...this.#listeners]) listener(state, why);
  }
}

/** Whether Redis itself has said it, about this command alone. */
function isAnswer(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError' && !CANT_SERVE.test(error.message);
}

/** An error in words without what it was about: arguments hold tokens. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  if (error.name === 'ReplyError') return error.message.split(' ', 1)[0] ?? error.name;
  return error.message === '' ? ((error as NodeJS.ErrnoException).code ?? error.name) : error.message.slice(0, 200);
}
