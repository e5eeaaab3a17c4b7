import type { Clock } from '../../clock/clock.js';
import type { Device } from '../../devices/types.js';
import type { DeviceChange, SharedValue, Store } from '../store.js';
import { DeviceTable } from './device-table.js';
import { RedisJournal } from './journal.js';
import { Keys } from './keys.js';
import { RedisLink } from './link.js';
import type { RedisOptions } from './options.js';
import { parsed } from './parsed.js';
import { ENTRIES, PUT_ENTRY, PUT_SHARED, REMOVE_ENTRY } from './scripts.js';

export interface RedisStoreOptions {
  readonly redis: RedisOptions;
  readonly clock: Clock;
  /** The name of this node, its own among all that share the Redis: its journal is under it. */
  readonly node: string;
  /** AORs kept in memory, for when Redis is away. */
  readonly cache: number;
  /** Folder that registrations wait in while Redis is away; undefined: in memory only. */
  readonly spool?: string | undefined;
  /**
   * Folder that the journal of calls is in as well, so that the next process on this machine has all of it, whatever Redis has;
   * undefined where others take over from this one.
   */
  readonly journal?: string | undefined;
  /** Epoch milliseconds at which all of these devices has run out; undefined for never. */
  readonly lastsUntil?: (devices: readonly Device[]) => number | undefined;
  /** Told what goes wrong, without secrets. */
  readonly onTrouble?: (why: string) => void;
}

const CHUNK = 200;

/** The store of a site with several nodes: Redis or Valkey. */
export class RedisStore implements Store {
  readonly kind = 'redis';
  readonly link: RedisLink;
  readonly keys: Keys;
  readonly node: string;
  /** The calls of this node, and of those that are gone. */
  readonly journal: RedisJournal;
  readonly #table: DeviceTable;
  #onHeld: ((aor: string, holders: readonly string[]) => void) | undefined;

  constructor({ redis, clock, node, cache, spool, journal, lastsUntil, onTrouble }: RedisStoreOptions) {
    this.link = new RedisLink(redis, clock);
    this.keys = new Keys(redis.prefix);
    this.node = node;
    const trouble = onTrouble ?? (() => {});
    this.#table = new DeviceTable({
      link: this.link,
      keys: this.keys,
      cache,
      spool,
      lastsUntil: lastsUntil ?? (() => undefined),
      onTrouble: trouble,
    });
    this.journal = new RedisJournal({
      link: this.link,
      keys: this.keys,
      node,
      clock,
      folder: journal,
      onTrouble: trouble,
    });
  }

  /** AORs whose changes wait for Redis. */
  get waiting(): number {
    return this.#table.waiting;
  }

  /** Has `listener` told of an AOR that was changed here while nodes hold calls for it. */
  onHeld(listener: (aor: string, holders: readonly string[]) => void): void {
    this.#onHeld = listener;
  }

  /** Settles when all that waited for Redis has been tried. */
  settled(): Promise<void> {
    return this.#table.settled();
  }

  devicesOf(aor: string): Promise<readonly Device[]> {
    return this.#table.read(aor);
  }

  putDevices(aor: string, devices: readonly Device[]): Promise<void> {
    return this.#table.put(aor, devices);
  }

  async changeDevices<T>(aor: string, change: (known: readonly Device[]) => DeviceChange<T>): Promise<T> {
    const { result, holders } = await this.#table.change(aor, change);
    if (holders.length > 0) this.#onHeld?.(aor, holders);
    return result;
  }

  async *eachAor(): AsyncIterable<readonly [string, readonly Device[]]> {
    let after = '';
    for (;;) {
      const page = await this.#table.page(after, CHUNK);
      yield* page;
      const last = page.at(-1);
      if (last === undefined || page.length < CHUNK) return;
      after = last[0];
    }
  }

  devicesAfter(after: string, limit: number): Promise<readonly (readonly [string, readonly Device[]])[]> {
    return this.#table.page(after, limit);
  }

  async record(table: string, key: string): Promise<unknown> {
    return parsed(await this.link.run((client) => client.hget(this.keys.table(table, 'values'), key)));
  }

  async putRecord(table: string, key: string, record: unknown): Promise<void> {
    const keys = [this.keys.table(table, 'values'), this.keys.table(table, 'order')];
    if (record === undefined) await this.link.script(REMOVE_ENTRY, keys, [key]);
    else await this.link.script(PUT_ENTRY, keys, [key, JSON.stringify(record)]);
  }

  recordsAfter(table: string, after: string, limit: number): Promise<readonly (readonly [string, unknown])[]> {
    return this.#entries([this.keys.table(table, 'values'), this.keys.table(table, 'order')], after, limit);
  }

  /**
   * The command is on its way when the call returns. While Redis is away the record waits here.
   * @param key begins with the AOR and a blank
   */
  putCall(key: string, record: unknown): Promise<void> {
    return this.journal.put(key, record);
  }

  removeCall(key: string): Promise<void> {
    return this.journal.remove(key);
  }

  calls(): AsyncIterable<readonly [string, unknown]> {
    return this.journal.read();
  }

  async shared(key: string): Promise<SharedValue> {
    return asShared(await this.link.run((client) => client.hmget(this.keys.shared(key), 'version', 'value')));
  }

  async putShared(key: string, value: unknown, version: number): Promise<SharedValue> {
    const reply = await this.link.script(PUT_SHARED, [this.keys.shared(key)], [JSON.stringify(value ?? null), version]);
    return asShared((reply as (Buffer | null)[]).map((part) => part?.toString() ?? null));
  }

  async putQueued(queue: string, position: string, record: object): Promise<void> {
    const keys = [this.keys.queue(queue, 'values'), this.keys.queue(queue, 'order')];
    await this.link.run((client) => client.sadd(this.keys.queues(), queue));
    await this.link.script(PUT_ENTRY, keys, [position, JSON.stringify(record)]);
  }

  async removeQueued(queue: string, position: string): Promise<void> {
    const keys = [this.keys.queue(queue, 'values'), this.keys.queue(queue, 'order')];
    await this.link.script(REMOVE_ENTRY, keys, [position]);
  }

  queued(queue: string, limit: number): Promise<readonly (readonly [string, unknown])[]> {
    return this.#entries([this.keys.queue(queue, 'values'), this.keys.queue(queue, 'order')], '', limit);
  }

  async queuedAt(queue: string, position: string): Promise<unknown> {
    return parsed(await this.link.run((client) => client.hget(this.keys.queue(queue, 'values'), position)));
  }

  queuedCount(queue: string): Promise<number> {
    return this.link.run((client) => client.zcard(this.keys.queue(queue, 'order')));
  }

  /** A name whose queue is empty leaves the list here, unless an entry has come meanwhile. */
  async *queues(): AsyncIterable<string> {
    let cursor = '0';
    const met = new Set<string>();
    do {
      const [next, names] = await this.link.run((client) => client.sscan(this.keys.queues(), cursor, 'COUNT', CHUNK));
      cursor = next;
      for (const name of names) {
        if (met.has(name)) continue;
        met.add(name);
        if ((await this.queuedCount(name)) > 0) yield name;
        else await this.#dropQueue(name);
      }
    } while (cursor !== '0');
  }

  async close(): Promise<void> {
    await this.#table.settled();
    this.#table.close();
    this.journal.close();
    await this.link.close();
  }

  async #dropQueue(name: string): Promise<void> {
    await this.link.run((client) => client.srem(this.keys.queues(), name));
    if ((await this.queuedCount(name)) > 0) await this.link.run((client) => client.sadd(this.keys.queues(), name));
  }

  async #entries(keys: string[], after: string, limit: number): Promise<readonly (readonly [string, unknown])[]> {
    const reply = (await this.link.script(ENTRIES, keys, [after, limit])) as Buffer[];
    const found: (readonly [string, unknown])[] = [];
    for (let at = 0; at + 1 < reply.length; at += 2) {
      found.push([reply[at]?.toString() ?? '', parsed(reply[at + 1]?.toString())]);
    }
    return found;
  }
}

function asShared([version, value]: readonly (string | null | undefined)[]): SharedValue {
  return { value: parsed(value) ?? undefined, version: Number(version ?? 0) };
}
