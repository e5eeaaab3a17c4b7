import type { Device } from '../devices/types.js';

/** What must outlive the process. Values are plain data; a write's promise settles when it is on disk. */
export interface Store {
  /** The folder from which another thread can read devices (`openDeviceReader`); absent where that can't be. */
  readonly path?: string;

  /** All devices of an AOR, empty if there is none. */
  devicesOf(aor: string): readonly Device[] | Promise<readonly Device[]>;
  /** Replaces all devices of an AOR at once; an empty list removes the AOR. */
  putDevices(aor: string, devices: readonly Device[]): Promise<void>;
  /**
   * Changes the devices of an AOR as `change` says, where other processes may change them too: it is asked again with what is there then
   * when another one was quicker, so it must do nothing but tell. Only stores that several processes share need this.
   */
  changeDevices?<T>(aor: string, change: (known: readonly Device[]) => DeviceChange<T>): Promise<T>;
  /** Every AOR with its devices, in no order, without loading all at once. */
  eachAor(): AsyncIterable<readonly [string, readonly Device[]]>;
  /** The first AORs behind `after` in the order of their text, with their devices: a page for people to look at. */
  devicesAfter(after: string, limit: number): Promise<readonly (readonly [string, readonly Device[]])[]>;

  /** Small records that are looked up one at a time, by table and key (text without `~`), such as the users of digest. */
  record(table: string, key: string): unknown | Promise<unknown>;
  /** Puts a record; `undefined` removes it. */
  putRecord(table: string, key: string, record: unknown): Promise<void>;
  /** The first records of a table behind `after`, in the order of their keys. */
  recordsAfter(table: string, after: string, limit: number): Promise<readonly (readonly [string, unknown])[]>;

  /**
   * The journal of calls that are held or up, by key. `record` is opaque to the store. What was put or removed when the call of
   * the method returns outlives the process; a power cut may undo it, but ends the calls as well.
   */
  putCall(key: string, record: unknown): Promise<void>;
  removeCall(key: string): Promise<void>;
  calls(): AsyncIterable<readonly [string, unknown]>;

  /** A small value that all processes of the site share; undefined with version 0 if nothing is there. */
  shared(key: string): Promise<SharedValue>;
  /** Puts a value unless somebody else did since `version` was read; gives what is there then. */
  putShared(key: string, value: unknown, version: number): Promise<SharedValue>;

  /**
   * Queues of what waits to be delivered, each in the order of its positions (text that sorts, without `~`). On disk when the promise
   * settles; what is put in one turn of the event loop gets there together. Records are what JSON can say.
   */
  putQueued(queue: string, position: string, record: object): Promise<void>;
  removeQueued(queue: string, position: string): Promise<void>;
  /** The first entries of a queue. */
  queued(queue: string, limit: number): Promise<readonly (readonly [string, unknown])[]>;
  /** The entry at that position; undefined if there is none. */
  queuedAt(queue: string, position: string): Promise<unknown>;
  queuedCount(queue: string): Promise<number>;
  /** The names of all queues that hold something. */
  queues(): AsyncIterable<string>;

  close(): Promise<void>;
}

/** A shared value with a number that grows with every put. */
export interface SharedValue {
  readonly value: unknown;
  readonly version: number;
}

/** What is to become of the devices of an AOR; without `devices` they stay as they are. */
export interface DeviceChange<T> {
  readonly devices?: readonly Device[];
  readonly result: T;
  /** What has to be done before they are written; only for stores that no other process shares. */
  readonly after?: Promise<unknown>;
}

/** The store can't be reached at the moment; trying again later may help. */
export class StoreAway extends Error {
  override readonly name = 'StoreAway';
}

/** Changes the devices of an AOR in any store. The caller sees to it that nothing else in this process changes them meanwhile. */
export async function changeDevices<T>(
  store: Store,
  aor: string,
  change: (known: readonly Device[]) => DeviceChange<T>,
): Promise<T> {
  if (store.changeDevices) return store.changeDevices(aor, change);
  const { devices, result, after } = change(await store.devicesOf(aor));
  if (after !== undefined) await after;
  if (devices !== undefined) await store.putDevices(aor, devices);
  return result;
}
