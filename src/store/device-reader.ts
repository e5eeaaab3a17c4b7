import { open } from 'lmdb';
import type { Device } from '../devices/types.js';
import { DEVICES } from './lmdb-store.js';

/** The devices of a store that this process has open, for another thread to read. */
export function openDeviceReader(path: string): {
  devicesOf(aor: string): readonly Device[];
  devicesAfter(after: string, limit: number): Promise<readonly (readonly [string, readonly Device[]])[]>;
} {
  const devices = open<unknown, string>({ path, noSubdir: false, maxDbs: 8 }).openDB<unknown, string>(DEVICES);
  const list = (value: unknown): readonly Device[] => (Array.isArray(value) ? (value as readonly Device[]) : []);
  return {
    devicesOf: (aor) => list(devices.get(aor)),
    async devicesAfter(after, limit) {
      const range = after === '' ? { limit } : { start: after, exclusiveStart: true, limit };
      return Array.from(devices.getRange(range), ({ key, value }) => [key, list(value)] as const);
    },
  };
}
