import type { Device } from '../devices/types.js';

/** What must outlive the process. Values are plain data; a write's promise settles when it is on disk. */
export interface Store {
  /** All devices of an AOR, empty if there is none. */
  devicesOf(aor: string): readonly Device[] | Promise<readonly Device[]>;
  /** Replaces all devices of an AOR at once; an empty list removes the AOR. */
  putDevices(aor: string, devices: readonly Device[]): Promise<void>;
  /** Every AOR with its devices, in no order, without loading all at once. */
  eachAor(): AsyncIterable<readonly [string, readonly Device[]]>;

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

  close(): Promise<void>;
}

/** A shared value with a number that grows with every put. */
export interface SharedValue {
  readonly value: unknown;
  readonly version: number;
}
