import { open } from 'lmdb';
import type { Device } from '../devices/types.js';
import { DevicesDatabase, MAX_DATABASES } from './devices-database.js';

/** The devices of a store that this process has open, for another thread to read. */
export function openDeviceReader(path: string): {
  devicesOf(aor: string): readonly Device[];
  devicesAfter(after: string, limit: number): Promise<readonly (readonly [string, readonly Device[]])[]>;
} {
  const devices = new DevicesDatabase(open<unknown, string>({ path, noSubdir: false, maxDbs: MAX_DATABASES }));
  return {
    devicesOf: (aor) => devices.of(aor),
    devicesAfter: async (after, limit) => devices.after(after, limit),
  };
}
