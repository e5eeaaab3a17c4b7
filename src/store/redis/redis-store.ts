import type { Clock } from '../../clock/clock.js';
import type { Device } from '../../devices/types.js';
import { CallJournal } from '../call-journal.js';
import type { DeviceChange, SharedValue, Store } from '../store.js';
import { DeviceTable } from './device-table.js';
import { Keys } from './keys.js';
import { RedisAway, RedisLink } from './link.js';
import type { RedisOptions } from './options.js';
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

/** Milliseconds that the journal of an AOR's calls outlives its last change: longer than any call. */
const CALLS_KEPT = 24 * 3_600_000;

/** Milliseconds that a start waits for Redis. */
const START_PATIENCE = 3_000;

const CHUNK = 200;

/** In place of the record of a call that another node has begun anew, and beside that of one that another node goes on with. */
const RETIRED = 'null';

/** The store of a site with several nodes: Redis or Valkey. */
export class RedisStore implements Store {
  readonly kind = 'redis';
  readonly link: RedisLink;
  readonly keys: Keys;
  readonly node: string;
  readonly #table: DeviceTable;
  readonly #onTrouble: (why: string) => void;
  readonly #clock: Clock;
  /** This node's part of the journal, for a Redis that lost it or was away. */
  readonly #calls = new Map<string, unknown>();
  readonly #gone = new Set<string>();
  /** Keys of calls that another process wrote down and that this one has to see to. */
  readonly #found = new Set<string>();
  /** Those among them that another node may have taken over: Redis could not be asked. */
  readonly #unsure = new Set<string>();
  /** Whether all that a process before this one left has been found. */
  #read = false;
  readonly #files: CallJournal | undefined;
  #onHeld: ((aor: string, holders: readonly string[]) => void) | undefined;
  #onTaken: ((record: unknown) => void) | undefined;

  constructor({ redis, clock, node, cache, spool, journal, lastsUntil, onTrouble }: RedisStoreOptions) {
    this.link = new RedisLink(redis, clock);
    this.keys = new Keys(redis.prefix);
    this.node = node;
    this.#clock = clock;
    this.#onTrouble = onTrouble ?? (() => {});
    this.#files = journal === undefined ? undefined : new CallJournal({ path: journal });
    this.#table = new DeviceTable({
      link: this.link,
      keys: this.keys,
      cache,
      spool,
      lastsUntil: lastsUntil ?? (() => undefined),
      onTrouble: this.#onTrouble,
    });
    this.link.onState((state) => {
      if (state === 'up') void this.#restoreCalls();
    });
  }

  /** AORs whose changes wait for Redis. */
  get waiting(): number {
    return this.#table.waiting;
  }

  /** The records of the calls that this process has in its journal. */
  get ownCalls(): readonly unknown[] {
    return [...this.#calls.values()];
  }

  /** Has `listener` told of an AOR that was changed here while nodes hold calls for it. */
  onHeld(listener: (aor: string, holders: readonly string[]) => void): void {
    this.#onHeld = listener;
  }

  /** Has `listener` told of a call from this node's disk that turns out to be another node's, once Redis is there to say so. */
  onTaken(listener: (record: unknown) => void): void {
    this.#onTaken = listener;
  }

  /** Whether it is not known if another node has taken over this call of a process before this one. */
  isUnsure(key: string): boolean {
    return this.#unsure.has(key);
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
  async putCall(key: string, record: unknown): Promise<void> {
    const known = this.#calls.has(key);
    this.#calls.set(key, record);
    this.#found.delete(key);
    this.#gone.delete(key);
    this.#files?.put(key, record);
    await this.#writeCall(key, record, known);
  }

  async removeCall(key: string): Promise<void> {
    const known = this.#calls.delete(key) || this.#found.has(key);
    this.#found.delete(key);
    this.#unsure.delete(key);
    this.#files?.remove(key);
    // What was never written, or is another node's by now, is nothing to Redis.
    if (!known) return;
    try {
      await this.#forgetCall(key);
    } catch (error) {
      if (!(error instanceof RedisAway)) throw error;
      this.#gone.add(key);
    }
  }

  /**
   * This node's journal; waits a little for Redis, as it is asked for at the start. What is on the node's own disk counts: a Redis that
   * failed over to a replica may have calls that are over.
   */
  async *calls(): AsyncIterable<readonly [string, unknown]> {
    const late = new Promise<void>((resolve) => this.#clock.setTimeout(resolve, START_PATIENCE));
    await Promise.race([this.link.up(), late]);
    const onDisk = this.#files?.entries() ?? [];
    for (const [key, record] of onDisk) {
      this.#found.add(key);
      if (await this.#taken(key)) {
        this.#found.delete(key);
        this.#files?.remove(key);
      } else yield [key, record];
    }
    if (this.#files?.began !== true) {
      for await (const entry of this.callsOfNode(this.node)) {
        this.#found.add(entry[0]);
        yield entry;
      }
    }
    this.#read = true;
    if (this.link.state === 'up') await this.#forgetStale();
  }

  /** Calls that Redis has in this node's journal and that are over. */
  async #forgetStale(): Promise<void> {
    for (const key of await this.link.run((client) => client.smembers(this.keys.journal(this.node)))) {
      if (!this.#calls.has(key) && !this.#found.has(key)) await this.#forgetCall(key);
    }
  }

  /** Whether another node has taken over a call of this node's journal. While Redis is away that is not known, and looked up later. */
  async #taken(key: string): Promise<boolean> {
    const hash = this.keys.calls(aorOf(key));
    const marks = [key, takenFrom(this.node, key), takenFrom(this.node, key.slice(0, key.lastIndexOf(' ')))];
    try {
      const there = await this.link.run((client) => client.hmget(hash, ...marks));
      this.#unsure.delete(key);
      const retired = marks.filter((_, index) => there[index] === RETIRED);
      if (retired.length > 0) await this.link.run((client) => client.hdel(hash, ...retired));
      return retired.length > 0;
    } catch (error) {
      if (!(error instanceof RedisAway)) throw error;
      this.#unsure.add(key);
      return false;
    }
  }

  /** Redis is there: what another node has taken over meanwhile is none of this node's. */
  async #ask(): Promise<void> {
    for (const key of [...this.#unsure]) {
      if (!(await this.#taken(key))) continue;
      const record = this.#calls.get(key) ?? this.#files?.entries().find(([known]) => known === key)?.[1];
      this.#calls.delete(key);
      this.#found.delete(key);
      this.#files?.remove(key);
      this.#onTaken?.(record);
    }
  }

  /** The journal of a node, this one or another. */
  async *callsOfNode(node: string): AsyncIterable<readonly [string, unknown]> {
    const all = await this.link.run((client) => client.smembers(this.keys.journal(node)));
    for (let first = 0; first < all.length; first += CHUNK) {
      const keys = all.slice(first, first + CHUNK);
      const records = await Promise.all(
        keys.map((key) => this.link.run((client) => client.hget(this.keys.calls(aorOf(key)), key))),
      );
      for (const [index, key] of keys.entries()) {
        const record = records[index] ?? null;
        if (record !== null) yield [key, parsed(record)];
        else await this.link.run((client) => client.srem(this.keys.journal(node), key));
      }
    }
  }

  /**
   * Makes a call of another node's journal one of this node's.
   * @param marked so that the other one finds that out when it comes back with its own copy
   */
  async inheritCall(node: string, key: string, marked = false): Promise<void> {
    this.#found.add(key);
    const hash = this.keys.calls(aorOf(key));
    await Promise.all([
      marked && this.link.run((client) => client.hset(hash, takenFrom(node, key), RETIRED)),
      this.link.run((client) => client.srem(this.keys.journal(node), key)),
      this.link.run((client) => client.sadd(this.keys.journal(this.node), key)),
    ]);
  }

  /**
   * Takes a call out of the journal of a node that is gone, which finds that out when it comes back with its own copy.
   * @param node undefined when it isn't known
   */
  async retireCall(node: string | undefined, key: string): Promise<void> {
    await Promise.all([
      this.link.run((client) => client.hset(this.keys.calls(aorOf(key)), key, RETIRED)),
      node !== undefined && this.link.run((client) => client.srem(this.keys.journal(node), key)),
    ]);
  }

  /** Leaves word for a node that is gone and whose journal of a call isn't here: another one has begun that anew. */
  async disown(node: string, aor: string, callUuid: string): Promise<void> {
    const hash = this.keys.calls(aor);
    await Promise.all([
      this.link.run((client) => client.hset(hash, takenFrom(node, `${aor} ${callUuid}`), RETIRED)),
      this.link.run((client) => client.pexpire(hash, CALLS_KEPT)),
    ]);
  }

  /** Whether a call is in the journal of this process. */
  hasCall(key: string): boolean {
    return this.#calls.has(key) || this.#found.has(key);
  }

  async shared(key: string): Promise<SharedValue> {
    return asShared(await this.link.run((client) => client.hmget(this.keys.shared(key), 'version', 'value')));
  }

  async putShared(key: string, value: unknown, version: number): Promise<SharedValue> {
    const reply = await this.link.script(PUT_SHARED, [this.keys.shared(key)], [JSON.stringify(value ?? null), version]);
    return asShared((reply as (Buffer | null)[]).map((part) => part?.toString() ?? null));
  }

  async putQueued(queue: string, position: string, record: unknown): Promise<void> {
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
    this.#files?.close();
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

  /** @param known Redis has had the call before, or gets all of this node's when it is back */
  async #writeCall(key: string, record: unknown, known = false): Promise<void> {
    // It would hide that another node has it.
    if (this.#unsure.has(key)) return;
    const hash = this.keys.calls(aorOf(key));
    const written: Promise<unknown>[] = [];
    // A name too many is found and removed, one too few never.
    if (!known) written.push(this.link.run((client) => client.sadd(this.keys.journal(this.node), key)));
    written.push(this.link.run((client) => client.hset(hash, key, JSON.stringify(record))));
    if (!known) written.push(this.link.run((client) => client.pexpire(hash, CALLS_KEPT)));
    for (const result of await Promise.allSettled(written)) {
      if (result.status === 'rejected' && !(result.reason instanceof RedisAway)) throw result.reason;
    }
  }

  async #forgetCall(key: string): Promise<void> {
    await Promise.all([
      this.link.run((client) => client.hdel(this.keys.calls(aorOf(key)), key)),
      this.link.run((client) => client.srem(this.keys.journal(this.node), key)),
    ]);
  }

  async #restoreCalls(): Promise<void> {
    try {
      await this.#ask();
      for (const key of [...this.#gone]) {
        await this.#forgetCall(key);
        this.#gone.delete(key);
      }
      await Promise.all([...this.#calls].map(([key, record]) => this.#writeCall(key, record)));
      if (this.#read) await this.#forgetStale();
    } catch (error) {
      if (!(error instanceof RedisAway)) this.#onTrouble(error instanceof Error ? error.message : String(error));
    }
  }
}

/** The field beside the records of an AOR's calls that says that another node has taken that one over from `node`. */
function takenFrom(node: string, key: string): string {
  return `${key} ${node}`;
}

function aorOf(key: string): string {
  const blank = key.indexOf(' ');
  return blank < 0 ? key : key.slice(0, blank);
}

function parsed(text: string | null | undefined): unknown {
  return text === null || text === undefined ? undefined : JSON.parse(text);
}

function asShared([version, value]: readonly (string | null | undefined)[]): SharedValue {
  return { value: parsed(value) ?? undefined, version: Number(version ?? 0) };
}
