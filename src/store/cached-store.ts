import { LRUCache } from 'lru-cache';
import type { Device } from '../devices/types.js';
import type { SharedValue, Store } from './store.js';

/**
 * Keeps the devices of the `max` AORs looked up last in memory, in front of another store. A write goes through at once and takes its
 * AOR out: most are refreshes of phones that nobody calls before the next one, and what they are made of holds on to whole requests.
 */
export class CachedStore implements Store {
  readonly #inner: Store;
  readonly #cache: LRUCache<string, readonly Device[]>;
  #writes = 0;

  readonly path?: string;

  constructor(inner: Store, max: number) {
    this.#inner = inner;
    if (inner.path !== undefined) this.path = inner.path;
    this.#cache = new LRUCache({ max });
  }

  devicesOf(aor: string): readonly Device[] | Promise<readonly Device[]> {
    const cached = this.#cache.get(aor);
    if (cached !== undefined) return cached;
    const found = this.#inner.devicesOf(aor);
    if (found instanceof Promise) return this.#remember(aor, found);
    this.#keep(aor, found);
    return found;
  }

  async putDevices(aor: string, devices: readonly Device[]): Promise<void> {
    this.#writes++;
    try {
      await this.#inner.putDevices(aor, devices);
    } finally {
      this.#writes++;
      this.#cache.delete(aor);
    }
  }

  eachAor(): AsyncIterable<readonly [string, readonly Device[]]> {
    return this.#inner.eachAor();
  }

  devicesAfter(after: string, limit: number): Promise<readonly (readonly [string, readonly Device[]])[]> {
    return this.#inner.devicesAfter(after, limit);
  }

  record(table: string, key: string): unknown | Promise<unknown> {
    return this.#inner.record(table, key);
  }

  putRecord(table: string, key: string, record: unknown): Promise<void> {
    return this.#inner.putRecord(table, key, record);
  }

  recordsAfter(table: string, after: string, limit: number): Promise<readonly (readonly [string, unknown])[]> {
    return this.#inner.recordsAfter(table, after, limit);
  }

  putCall(callUuid: string, record: unknown): Promise<void> {
    return this.#inner.putCall(callUuid, record);
  }

  removeCall(callUuid: string): Promise<void> {
    return this.#inner.removeCall(callUuid);
  }

  calls(): AsyncIterable<readonly [string, unknown]> {
    return this.#inner.calls();
  }

  shared(key: string): Promise<SharedValue> {
    return this.#inner.shared(key);
  }

  putShared(key: string, value: unknown, version: number): Promise<SharedValue> {
    return this.#inner.putShared(key, value, version);
  }

  putQueued(queue: string, position: string, record: object): Promise<void> {
    return this.#inner.putQueued(queue, position, record);
  }

  removeQueued(queue: string, position: string): Promise<void> {
    return this.#inner.removeQueued(queue, position);
  }

  queued(queue: string, limit: number): Promise<readonly (readonly [string, unknown])[]> {
    return this.#inner.queued(queue, limit);
  }

  queuedAt(queue: string, position: string): Promise<unknown> {
    return this.#inner.queuedAt(queue, position);
  }

  queuedCount(queue: string): Promise<number> {
    return this.#inner.queuedCount(queue);
  }

  queues(): AsyncIterable<string> {
    return this.#inner.queues();
  }

  close(): Promise<void> {
    this.#cache.clear();
    return this.#inner.close();
  }

  /** A read that a write overtook is not kept: it may be older than what the write left. */
  async #remember(aor: string, reading: Promise<readonly Device[]>): Promise<readonly Device[]> {
    const writes = this.#writes;
    const devices = await reading;
    if (writes === this.#writes) this.#keep(aor, devices);
    return devices;
  }

  /** Nothing is kept of AORs without devices: questions about strangers must not push out those in use. */
  #keep(aor: string, devices: readonly Device[]): void {
    if (devices.length > 0) this.#cache.set(aor, devices);
  }
}
