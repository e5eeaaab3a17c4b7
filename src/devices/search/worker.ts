import { parentPort, workerData } from 'node:worker_threads';
import { openDeviceReader } from '../../store/device-reader.js';
import { DeviceIndex, type DeviceQuery } from './device-index.js';
import type { StateSettings } from './filter.js';

/** What a worker is started with. */
export interface WorkerStart {
  readonly path: string;
  readonly settings: StateSettings;
  readonly hashKey: Uint8Array;
}

/** What it is asked; the answer to `find` has the same `id`. */
export type WorkerOrder =
  | { readonly do: 'find'; readonly id: number; readonly query: DeviceQuery }
  | { readonly do: 'changed'; readonly aors: readonly string[] };

const { path, settings, hashKey } = workerData as WorkerStart;
const index = new DeviceIndex(openDeviceReader(path), settings, hashKey);
let before: Promise<void> = Promise.resolve();

parentPort?.on('message', (order: WorkerOrder) => {
  before = before.then(async () => {
    if (order.do === 'changed') await index.changed(order.aors);
    else parentPort?.postMessage({ id: order.id, findings: index.find(order.query) });
  });
});
await index.read();
