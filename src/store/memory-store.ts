import type { Device } from '../devices/types.js';
import type { SharedValue, Store } from './store.js';

/** Keeps everything in memory: for tests and trials. Nothing outlives the process. */
export class MemoryStore implements Store {
  readonly #devices = new Map<string, readonly Device[]>();
  readonly #calls = new Map<string, unknown>();
  readonly #shared = new Map<string, SharedValue>();
  readonly #tables = new Map<string, Map<string, unknown>>();
  readonly #queues = new Map<string, Map<string, unknown>>();

  devicesOf(aor: string): readonly Device[] {
    return this.#devices.get(aor) ?? [];
  }

  async putDevices(aor: string, devices: readonly Device[]): Promise<void> {
    if (devices.length === 0) this.#devices.delete(aor);
    else this.#devices.set(aor, structuredClone(devices));
  }

  async *eachAor(): AsyncIterable<readonly [string, readonly Device[]]> {
    yield* this.#devices;
  }

  async devicesAfter(after: string, limit: number): Promise<readonly (readonly [string, readonly Device[]])[]> {
    return page(this.#devices, after, limit);
  }

  record(table: string, key: string): unknown {
    return this.#tables.get(table)?.get(key);
  }

  async putRecord(table: string, key: string, record: unknown): Promise<void> {
    const records = this.#tables.get(table) ?? new Map<string, unknown>();
    if (record === undefined) records.delete(key);
    else records.set(key, structuredClone(record));
    this.#tables.set(table, records);
  }

  async recordsAfter(table: string, after: string, limit: number): Promise<readonly (readonly [string, unknown])[]> {
    return page(this.#tables.get(table) ?? new Map<string, unknown>(), after, limit);
  }

  async putCall(callUuid: string, record: unknown): Promise<void> {
    this.#calls.set(callUuid, structuredClone(record));
  }

  async removeCall(callUuid: string): Promise<void> {
    this.#calls.delete(callUuid);
  }

  async *calls(): AsyncIterable<readonly [string, unknown]> {
    yield* this.#calls;
  }

  async shared(key: string): Promise<SharedValue> {
    return this.#shared.get(key) ?? { value: undefined, version: 0 };
  }

  async putShared(key: string, value: unknown, version: number): Promise<SharedValue> {
    const there = this.#shared.get(key);
    if ((there?.version ?? 0) === version)
      this.#shared.set(key, { value: structuredClone(value), version: version + 1 });
    return this.shared(key);
  }

  async putQueued(queue: string, position: string, record: object): Promise<void> {
    const entries = this.#queues.get(queue) ?? new Map<string, unknown>();
    this.#queues.set(queue, entries.set(position, structuredClone(record)));
  }

  async removeQueued(queue: string, position: string): Promise<void> {
    const entries = this.#queues.get(queue);
    entries?.delete(position);
    if (entries?.size === 0) this.#queues.delete(queue);
  }

  async queued(queue: string, limit: number): Promise<readonly (readonly [string, unknown])[]> {
    return [...(this.#queues.get(queue) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, limit);
  }

  async queuedAt(queue: string, position: string): Promise<unknown> {
    return this.#queues.get(queue)?.get(position);
  }

  async queuedCount(queue: string): Promise<number> {
    return this.#queues.get(queue)?.size ?? 0;
  }

  async *queues(): AsyncIterable<string> {
    yield* [...this.#queues.keys()];
  }

  async close(): Promise<void> {}
}

function page<T>(entries: ReadonlyMap<string, T>, after: string, limit: number): readonly (readonly [string, T])[] {
  return [...entries]
    .filter(([key]) => key > after)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, limit);
}
