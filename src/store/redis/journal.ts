import type { Clock } from '../../clock/clock.js';
import { CallJournal } from '../call-journal.js';
import type { Keys } from './keys.js';
import { RedisAway, type RedisLink } from './link.js';
import { parsed } from './parsed.js';

export interface RedisJournalOptions {
  readonly link: RedisLink;
  readonly keys: Keys;
  /** The name of this node. */
  readonly node: string;
  readonly clock: Clock;
  /** Where it is on disk as well; undefined: in Redis only. */
  readonly folder?: string | undefined;
  /** Told what goes wrong, without secrets. */
  readonly onTrouble: (why: string) => void;
}

/** Milliseconds that the journal of an AOR's calls outlives its last change: longer than any call. */
const CALLS_KEPT = 24 * 3_600_000;

/** Milliseconds that a start waits for Redis. */
const START_PATIENCE = 3_000;

/** How many calls of a node are read at a time. */
const CHUNK = 200;

/** In place of the record of a call that another node has begun anew, and beside that of one that another node goes on with. */
const RETIRED = 'null';

/** The journal of calls in Redis: this node's own, and what others have left. Keys begin with the AOR and a blank. */
export class RedisJournal {
  readonly #link: RedisLink;
  readonly #keys: Keys;
  readonly #node: string;
  readonly #clock: Clock;
  readonly #onTrouble: (why: string) => void;
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
  #onTaken: ((record: unknown) => void) | undefined;

  constructor({ link, keys, node, clock, folder, onTrouble }: RedisJournalOptions) {
    this.#link = link;
    this.#keys = keys;
    this.#node = node;
    this.#clock = clock;
    this.#onTrouble = onTrouble;
    this.#files = folder === undefined ? undefined : new CallJournal({ path: folder });
    link.onState((state) => {
      if (state === 'up') void this.#restore();
    });
  }

  /** The records of the calls that this process has in its journal. */
  get own(): readonly unknown[] {
    return [...this.#calls.values()];
  }

  /** Has `listener` told of a call from this node's disk that turns out to be another node's, once Redis is there to say so. */
  onTaken(listener: (record: unknown) => void): void {
    this.#onTaken = listener;
  }

  /** Whether it is not known if another node has taken over this call of a process before this one. */
  isUnsure(key: string): boolean {
    return this.#unsure.has(key);
  }

  /**
   * The command is on its way when the call returns. While Redis is away the record waits here.
   * @param key begins with the AOR and a blank
   */
  async put(key: string, record: unknown): Promise<void> {
    const known = this.#calls.has(key);
    this.#calls.set(key, record);
    this.#found.delete(key);
    this.#gone.delete(key);
    this.#files?.put(key, record);
    await this.#write(key, record, known);
  }

  async remove(key: string): Promise<void> {
    const known = this.#calls.delete(key) || this.#found.has(key);
    this.#found.delete(key);
    this.#unsure.delete(key);
    this.#files?.remove(key);
    // What was never written, or is another node's by now, is nothing to Redis.
    if (!known) return;
    try {
      await this.#forget(key);
    } catch (error) {
      if (!(error instanceof RedisAway)) throw error;
      this.#gone.add(key);
    }
  }

  /**
   * This node's journal; waits a little for Redis, as it is asked for at the start. What is on the node's own disk counts: a Redis that
   * failed over to a replica may have calls that are over.
   */
  async *read(): AsyncIterable<readonly [string, unknown]> {
    const late = new Promise<void>((resolve) => this.#clock.setTimeout(resolve, START_PATIENCE));
    await Promise.race([this.#link.up(), late]);
    const onDisk = this.#files?.entries() ?? [];
    for (const [key, record] of onDisk) {
      this.#found.add(key);
      if (await this.#taken(key)) {
        this.#found.delete(key);
        this.#files?.remove(key);
      } else yield [key, record];
    }
    if (this.#files?.began !== true) {
      for await (const entry of this.ofNode(this.#node)) {
        this.#found.add(entry[0]);
        yield entry;
      }
    }
    this.#read = true;
    if (this.#link.state === 'up') await this.#forgetStale();
  }

  /** Calls that Redis has in this node's journal and that are over. */
  async #forgetStale(): Promise<void> {
    for (const key of await this.#link.run((client) => client.smembers(this.#keys.journal(this.#node)))) {
      if (!this.#calls.has(key) && !this.#found.has(key)) await this.#forget(key);
    }
  }

  /** Whether another node has taken over a call of this node's journal. While Redis is away that is not known, and looked up later. */
  async #taken(key: string): Promise<boolean> {
    const hash = this.#keys.calls(aorOf(key));
    const marks = [key, takenFrom(this.#node, key), takenFrom(this.#node, key.slice(0, key.lastIndexOf(' ')))];
    try {
      const there = await this.#link.run((client) => client.hmget(hash, ...marks));
      this.#unsure.delete(key);
      const retired = marks.filter((_, index) => there[index] === RETIRED);
      if (retired.length > 0) await this.#link.run((client) => client.hdel(hash, ...retired));
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
  async *ofNode(node: string): AsyncIterable<readonly [string, unknown]> {
    const all = await this.#link.run((client) => client.smembers(this.#keys.journal(node)));
    for (let first = 0; first < all.length; first += CHUNK) {
      const keys = all.slice(first, first + CHUNK);
      const records = await Promise.all(
        keys.map((key) => this.#link.run((client) => client.hget(this.#keys.calls(aorOf(key)), key))),
      );
      for (const [index, key] of keys.entries()) {
        const record = records[index] ?? null;
        if (record !== null) yield [key, parsed(record)];
        else await this.#link.run((client) => client.srem(this.#keys.journal(node), key));
      }
    }
  }

  /**
   * Makes a call of another node's journal one of this node's.
   * @param marked so that the other one finds that out when it comes back with its own copy
   */
  async inherit(node: string, key: string, marked = false): Promise<void> {
    this.#found.add(key);
    const hash = this.#keys.calls(aorOf(key));
    await Promise.all([
      marked && this.#link.run((client) => client.hset(hash, takenFrom(node, key), RETIRED)),
      this.#link.run((client) => client.srem(this.#keys.journal(node), key)),
      this.#link.run((client) => client.sadd(this.#keys.journal(this.#node), key)),
    ]);
  }

  /**
   * Takes a call out of the journal of a node that is gone, which finds that out when it comes back with its own copy.
   * @param node undefined when it isn't known
   */
  async retire(node: string | undefined, key: string): Promise<void> {
    await Promise.all([
      this.#link.run((client) => client.hset(this.#keys.calls(aorOf(key)), key, RETIRED)),
      node !== undefined && this.#link.run((client) => client.srem(this.#keys.journal(node), key)),
    ]);
  }

  /** Leaves word for a node that is gone and whose journal of a call isn't here: another one has begun that anew. */
  async disown(node: string, aor: string, callUuid: string): Promise<void> {
    const hash = this.#keys.calls(aor);
    await Promise.all([
      this.#link.run((client) => client.hset(hash, takenFrom(node, `${aor} ${callUuid}`), RETIRED)),
      this.#link.run((client) => client.pexpire(hash, CALLS_KEPT)),
    ]);
  }

  /** Whether this process has written that call down itself. */
  wrote(key: string): boolean {
    return this.#calls.has(key);
  }

  /** Whether a call is in the journal of this process. */
  has(key: string): boolean {
    return this.#calls.has(key) || this.#found.has(key);
  }

  close(): void {
    this.#files?.close();
  }

  /** @param known Redis has had the call before, or gets all of this node's when it is back */
  async #write(key: string, record: unknown, known = false): Promise<void> {
    // It would hide that another node has it.
    if (this.#unsure.has(key)) return;
    const hash = this.#keys.calls(aorOf(key));
    const written: Promise<unknown>[] = [];
    // A name too many is found and removed, one too few never.
    if (!known) written.push(this.#link.run((client) => client.sadd(this.#keys.journal(this.#node), key)));
    written.push(this.#link.run((client) => client.hset(hash, key, JSON.stringify(record))));
    if (!known) written.push(this.#link.run((client) => client.pexpire(hash, CALLS_KEPT)));
    for (const result of await Promise.allSettled(written)) {
      if (result.status === 'rejected' && !(result.reason instanceof RedisAway)) throw result.reason;
    }
  }

  async #forget(key: string): Promise<void> {
    await Promise.all([
      this.#link.run((client) => client.hdel(this.#keys.calls(aorOf(key)), key)),
      this.#link.run((client) => client.srem(this.#keys.journal(this.#node), key)),
    ]);
  }

  async #restore(): Promise<void> {
    try {
      // First what another node needs should this one be gone in a moment.
      await this.#writeAll([...this.#calls.keys()]);
      const asked = [...this.#unsure];
      await this.#ask();
      await this.#writeAll(asked);
      for (const key of [...this.#gone]) {
        await this.#forget(key);
        this.#gone.delete(key);
      }
      if (this.#read) await this.#forgetStale();
    } catch (error) {
      if (!(error instanceof RedisAway)) this.#onTrouble(error instanceof Error ? error.message : String(error));
    }
  }

  async #writeAll(keys: readonly string[]): Promise<void> {
    await Promise.all(keys.map((key) => this.#calls.has(key) && this.#write(key, this.#calls.get(key))));
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
