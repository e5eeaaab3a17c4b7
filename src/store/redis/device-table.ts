import { LRUCache } from 'lru-cache';
import type { Device } from '../../devices/types.js';
import type { DeviceChange } from '../store.js';
import { decodeStored, encodeDevices, type Versioned } from './codec.js';
import { INDEX_PARTS, type Keys } from './keys.js';
import { RedisAway, type RedisLink } from './link.js';
import { mergeDevices } from './merge.js';
import { PUT_DEVICES } from './scripts.js';
import { type WaitingWrite, WaitingWrites } from './waiting-writes.js';

export interface DeviceTableOptions {
  readonly link: RedisLink;
  readonly keys: Keys;
  /** AORs kept in memory, for when Redis is away. */
  readonly cache: number;
  /** Folder that changes wait in while Redis is away; undefined: in memory only. */
  readonly spool?: string | undefined;
  /** Epoch milliseconds at which all of these devices has run out; undefined for never. */
  readonly lastsUntil: (devices: readonly Device[]) => number | undefined;
  readonly onTrouble: (why: string) => void;
}

/** How often a change is made again because another node was quicker, until it counts as impossible. */
const MAX_TRIES = 50;
/** AORs that are written at once when Redis is back. */
const AT_ONCE = 50;

/** The devices of AORs in Redis, with a cache for the time that Redis is away. */
export class DeviceTable {
  readonly #options: DeviceTableOptions;
  readonly #cache: LRUCache<string, Versioned>;
  readonly #waiting: WaitingWrites;
  #flushing: Promise<void> | undefined;
  /** The history of Redis that the cache is of. */
  #history: string | undefined;
  /** Whether Redis is known to have all that the cache has. */
  #complete = true;

  constructor(options: DeviceTableOptions) {
    this.#options = options;
    this.#cache = new LRUCache({ max: Math.max(1, options.cache) });
    this.#waiting = new WaitingWrites(options.link.options.maxQueued, options.spool);
    options.link.onState((state) => {
      if (state !== 'up') return;
      this.#complete = false;
      void this.#recover();
    });
  }

  /** AORs whose changes wait for Redis. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * As Redis has them, or as they were known last while it is away.
   * @throws {RedisAway} when it is away and nothing is known of them
   */
  async read(aor: string): Promise<readonly Device[]> {
    const waiting = this.#waiting.get(aor);
    if (waiting !== undefined) return waiting.devices;
    try {
      return (await this.#fetch(aor)).devices;
    } catch (error) {
      const cached = this.#cache.get(aor);
      if (cached !== undefined && error instanceof RedisAway) return cached.devices;
      throw error;
    }
  }

  /** @throws {RedisAway} when it could neither be written nor be made to wait */
  async change<T>(
    aor: string,
    change: (known: readonly Device[]) => DeviceChange<T>,
  ): Promise<{ readonly result: T; readonly holders: readonly string[] }> {
    let known = this.#waiting.get(aor) ?? this.#cache.get(aor);
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      if (this.#waiting.has(aor) || this.#options.link.state === 'away') return this.#changeLater(aor, change);
      try {
        const { version, devices: before } = known ?? (await this.#fetch(aor));
        const { devices, result } = change(before);
        if (devices === undefined) {
          if (known === undefined) return { result, holders: [] };
          // What is only in the cache may be old news.
          const there = await this.#fetch(aor);
          if (there.version === version) return { result, holders: [] };
          known = there;
          continue;
        }
        const put = await this.#put(aor, devices, version);
        if (put.kind === 'done') return { result, holders: put.holders };
        known = put.there;
      } catch (error) {
        if (!(error instanceof RedisAway)) throw error;
        // Whether Redis has it is not known: it is written again when it is back, and does no harm then.
        return this.#changeLater(aor, change, error);
      }
    }
    throw new Error('others changed it again and again');
  }

  /** Puts devices whatever is there. */
  async put(aor: string, devices: readonly Device[]): Promise<void> {
    const later = (why?: RedisAway): unknown => this.#changeLater(aor, () => ({ devices, result: undefined }), why);
    if (this.#waiting.has(aor) || this.#options.link.state === 'away') {
      later();
      return;
    }
    try {
      await this.#put(aor, devices, undefined);
    } catch (error) {
      if (!(error instanceof RedisAway)) throw error;
      later(error);
    }
  }

  /** The first AORs behind `after`, in order. */
  async page(after: string, limit: number): Promise<readonly (readonly [string, readonly Device[]])[]> {
    const { link, keys } = this.#options;
    const from = after === '' ? '-' : `(${after}`;
    let start = from;
    const found: (readonly [string, readonly Device[]])[] = [];
    for (;;) {
      const parts = await Promise.all(
        Array.from({ length: INDEX_PARTS }, (_, part) =>
          link.run((client) => client.zrange(keys.index(part), start, '+', 'BYLEX', 'LIMIT', 0, limit)),
        ),
      );
      const aors = parts.flat().sort(byText).slice(0, limit);
      const all = await Promise.all(aors.map(async (aor) => [aor, (await this.#fetch(aor)).devices] as const));
      for (const [aor, devices] of all) {
        if (devices.length > 0) found.push([aor, devices]);
        else await this.#unlist(aor);
      }
      const last = aors.at(-1);
      if (found.length >= limit || aors.length < limit || last === undefined) return found.slice(0, limit);
      start = `(${last}`;
    }
  }

  /** Settles when nothing waits for Redis any more, or Redis is away. */
  async settled(): Promise<void> {
    await this.#flushing;
  }

  close(): void {
    this.#waiting.close();
    this.#cache.clear();
  }

  async #fetch(aor: string): Promise<Versioned> {
    const { link, keys } = this.#options;
    return this.#found(aor, decodeStored(await link.run((client) => client.getBuffer(keys.devices(aor)))));
  }

  /** Takes in what Redis has. As long as it may have lost something, that is added. */
  #found(aor: string, there: Versioned): Versioned {
    const cached = this.#cache.get(aor);
    if (cached !== undefined && cached.version === there.version) return cached;
    if (this.#complete || cached === undefined || cached.version < there.version) return this.#keep(aor, there);
    return { version: there.version, devices: mergeDevices(there.devices, cached.devices, there.devices) };
  }

  /** Nothing is kept of AORs without devices: questions about strangers must not push out those in use. */
  #keep(aor: string, versioned: Versioned): Versioned {
    if (versioned.devices.length === 0) this.#cache.delete(aor);
    else this.#cache.set(aor, versioned);
    return versioned;
  }

  async #put(
    aor: string,
    devices: readonly Device[],
    version: number | undefined,
  ): Promise<{ kind: 'done'; holders: readonly string[] } | { kind: 'stale'; there: Versioned }> {
    const { link, keys, lastsUntil } = this.#options;
    const until = devices.length === 0 ? undefined : lastsUntil(devices);
    const bytes = devices.length === 0 ? '' : encodeDevices(devices);
    const args = [version ?? '', bytes, until === undefined ? '' : Math.ceil(until)];
    const listed = devices.length > 0 ? this.#list(aor, version) : undefined;
    const reply = (await link.script(PUT_DEVICES, [keys.devices(aor), keys.holders(aor)], args)) as [
      number,
      Buffer,
      number,
      Buffer[],
    ];
    await listed;
    if (reply[0] !== 1) return { kind: 'stale', there: this.#found(aor, decodeStored(reply[1])) };
    this.#keep(aor, { version: Number(reply[1].toString()), devices });
    if (devices.length === 0) await this.#unlist(aor);
    if (link.options.replicas > 0) await this.#replicated();
    return { kind: 'done', holders: reply[3].map((holder) => holder.toString()) };
  }

  async #replicated(): Promise<void> {
    const { link } = this.#options;
    const { replicas, replicaTimeout } = link.options;
    const have = await link.run((client) => client.wait(replicas, replicaTimeout));
    if (have < replicas) throw new RedisAway(`${have} of ${replicas} replicas have it`);
  }

  /** An AOR is in the index before its devices are there: an entry too many is found and removed, one too few never. */
  async #list(aor: string, version: number | undefined): Promise<void> {
    if ((version ?? 0) !== 0) return;
    const { link, keys } = this.#options;
    await link.run((client) => client.zadd(keys.index(keys.partOf(aor)), 0, aor));
  }

  async #unlist(aor: string): Promise<void> {
    const { link, keys } = this.#options;
    await link.run((client) => client.zrem(keys.index(keys.partOf(aor)), aor));
  }

  #changeLater<T>(
    aor: string,
    change: (known: readonly Device[]) => DeviceChange<T>,
    why?: RedisAway,
  ): { readonly result: T; readonly holders: readonly string[] } {
    const { link } = this.#options;
    if (link.options.whenAway === 'refuse') throw why ?? new RedisAway(`Redis is away: ${link.why}`);
    const waiting = this.#waiting.get(aor);
    const before = waiting ?? this.#cache.get(aor);
    const { devices, result } = change(before?.devices ?? []);
    if (devices !== undefined) {
      const base = waiting?.base ?? before?.devices ?? [];
      this.#waiting.set(aor, { base, devices });
      if (link.state === 'up') void this.#recover();
    }
    return { result, holders: [] };
  }

  /** Redis is back: it gets what waits, and what it may have lost. */
  #recover(): Promise<void> {
    this.#flushing ??= this.#flush().then((ended) => {
      this.#flushing = undefined;
      if (!ended && this.#options.link.state === 'up') return this.#recover();
      return undefined;
    });
    return this.#flushing;
  }

  /** Gives false when Redis went away before the end. */
  async #flush(): Promise<boolean> {
    try {
      if (!this.#complete) await this.#restore();
      for (let batch = this.#waiting.some(AT_ONCE); batch.length > 0; batch = this.#waiting.some(AT_ONCE)) {
        const tried = await Promise.allSettled(batch.map(([aor, write]) => this.#write(aor, write)));
        const failed = tried.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
        const away = failed.find((error) => error instanceof RedisAway);
        // One that can't be written must not keep the others from it.
        if (away !== undefined || failed.length === batch.length) throw away ?? failed[0];
      }
      return true;
    } catch (error) {
      if (error instanceof RedisAway) return false;
      this.#options.onTrouble(error instanceof Error ? error.message : String(error));
      return true;
    }
  }

  async #write(aor: string, write: WaitingWrite): Promise<void> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const there = await this.#fetch(aor);
      const merged = mergeDevices(write.base, write.devices, there.devices);
      const put = await this.#put(aor, merged, there.version);
      if (put.kind === 'stale') continue;
      this.#waiting.done(aor, write);
      return;
    }
  }

  /** A Redis that was started again, or is another one, may not have what was acknowledged last: it gets that from the cache. */
  async #restore(): Promise<void> {
    const { link } = this.#options;
    const history = await link.run((client) => historyOf(client.info('replication')));
    if (this.#history !== undefined && (this.#history !== history || link.options.mode === 'cluster')) {
      const cached = [...this.#cache.entries()];
      for (let start = 0; start < cached.length; start += AT_ONCE) {
        await Promise.all(cached.slice(start, start + AT_ONCE).map(([aor, ours]) => this.#putBack(aor, ours)));
      }
    }
    this.#history = history;
    this.#complete = true;
  }

  async #putBack(aor: string, { version, devices }: Versioned): Promise<void> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const there = await this.#fetch(aor);
      if (there.version >= version) return;
      if ((await this.#put(aor, mergeDevices(there.devices, devices, there.devices), there.version)).kind === 'done')
        return;
    }
  }
}

/** What names the history of the data: it changes with a fail-over and with a start without the data. */
async function historyOf(info: Promise<string>): Promise<string | undefined> {
  return /^master_replid:(\S+)/m.exec(await info)?.[1];
}

function byText(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
