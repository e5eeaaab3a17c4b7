import { Worker } from 'node:worker_threads';
import type { Clock, Timer } from '../../clock/clock.js';
import { processHashKey } from '../../log/mask.js';
import type { Store } from '../../store/store.js';
import type { DeviceRegistry } from '../registry.js';
import type { Device } from '../types.js';
import { type DeviceFindings, DeviceIndex, type DeviceQuery } from './device-index.js';
import { type DeviceFilter, matchesDevice, wantedText } from './filter.js';
import type { WorkerOrder, WorkerStart } from './worker.js';

/** A page of what was looked for. */
export interface FoundDevices extends Omit<DeviceFindings, 'aors' | 'more'> {
  /** By address, in order; only devices that fit. */
  readonly items: readonly { readonly aor: string; readonly devices: readonly Device[] }[];
  /** The `after` of the next page, absent after the last. */
  readonly next?: string;
}

export interface DeviceSearchOptions {
  readonly store: Store;
  readonly registry: DeviceRegistry;
  readonly clock: Clock;
  readonly onFault: (error: unknown) => void;
}

/** Without a search for so long, in milliseconds, the memory is given back. */
const KEPT_FOR = 15 * 60_000;

/** Changes are told together after so long, in milliseconds, so that few are left to look at when somebody searches. */
const TOLD_AFTER = 250;

/** Finds devices among very many, without the event loop waiting: an index in memory, made when it is first needed. */
export class DeviceSearch {
  readonly #options: DeviceSearchOptions;
  #index: Index | undefined;
  #timer: Timer | undefined;
  #telling: Timer | undefined;
  readonly #changed = new Set<string>();
  readonly #unlisten: () => void;

  constructor(options: DeviceSearchOptions) {
    this.#options = options;
    this.#unlisten = options.registry.onStored((aor) => {
      if (this.#index === undefined) return;
      this.#changed.add(aor);
      this.#telling ??= options.clock.setTimeout(() => this.#tellChanges(), TOLD_AFTER);
    });
  }

  /**
   * A page of the devices that fit, by address: `limit` addresses at most behind `after`. The first search begins to read all devices; until that
   * is done answers say `reading` and are of what has been read.
   */
  async find(asked: DeviceFilter, after: string, limit: number): Promise<FoundDevices> {
    const { clock, registry } = this.#options;
    const filter = { ...asked, text: wantedText(asked.text) };
    this.#index ??= this.#open();
    this.#timer?.cancel();
    this.#timer = clock.setTimeout(() => this.#drop(), KEPT_FOR);
    this.#tellChanges();
    const now = clock.now();
    const { aors, more, ...rest } = await this.#index.find({ filter, after, limit, now });
    const items = await Promise.all(
      aors.map(async (aor) => {
        const devices = await registry.devicesOf(aor);
        return { aor, devices: devices.filter((device) => matchesDevice(device, filter, now, registry.settings)) };
      }),
    );
    const last = more ? aors.at(-1) : undefined;
    return {
      items: items.filter(({ devices }) => devices.length > 0),
      ...rest,
      ...(last !== undefined && { next: last }),
    };
  }

  close(): void {
    this.#unlisten();
    this.#drop();
  }

  #tellChanges(): void {
    this.#telling?.cancel();
    this.#telling = undefined;
    if (this.#changed.size > 0) this.#index?.changed([...this.#changed]);
    this.#changed.clear();
  }

  #open(): Index {
    const { store, registry, onFault } = this.#options;
    const { awakeFor, tokenRetention, pushPlatforms, tokenOutlivesBinding } = registry.settings;
    const settings = { awakeFor, tokenRetention, pushPlatforms, tokenOutlivesBinding };
    if (store.path === undefined) return new IndexHere(new DeviceIndex(store, settings), onFault);
    return new IndexInThread({ path: store.path, settings, hashKey: processHashKey() }, (error) => {
      this.#drop();
      onFault(error);
    });
  }

  #drop(): void {
    this.#timer?.cancel();
    this.#telling?.cancel();
    this.#telling = undefined;
    this.#index?.close();
    this.#index = undefined;
    this.#changed.clear();
  }
}

interface Index {
  find(query: DeviceQuery): Promise<DeviceFindings>;
  changed(aors: readonly string[]): void;
  close(): void;
}

/** For stores that only this thread can read. */
class IndexHere implements Index {
  readonly #index: DeviceIndex;
  readonly #onFault: (error: unknown) => void;
  #before: Promise<void>;

  constructor(index: DeviceIndex, onFault: (error: unknown) => void) {
    this.#index = index;
    this.#onFault = onFault;
    this.#before = index.read().catch(onFault);
  }

  async find(query: DeviceQuery): Promise<DeviceFindings> {
    await this.#before;
    return this.#index.find(query);
  }

  changed(aors: readonly string[]): void {
    this.#before = this.#before.then(() => this.#index.changed(aors)).catch(this.#onFault);
  }

  close(): void {
    this.#index.stop();
  }
}

class IndexInThread implements Index {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, { resolve(findings: DeviceFindings): void; reject(error: unknown): void }>();
  #asked = 0;

  constructor(start: WorkerStart, onFault: (error: unknown) => void) {
    this.#worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: start });
    this.#worker.unref();
    this.#worker.on('message', ({ id, findings }: { id: number; findings: DeviceFindings }) => {
      this.#waiting.get(id)?.resolve(findings);
      this.#waiting.delete(id);
    });
    this.#worker.on('error', onFault);
    this.#worker.on('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the search ended'));
      this.#waiting.clear();
    });
  }

  find(query: DeviceQuery): Promise<DeviceFindings> {
    const id = ++this.#asked;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#tell({ do: 'find', id, query });
    });
  }

  changed(aors: readonly string[]): void {
    this.#tell({ do: 'changed', aors });
  }

  close(): void {
    void this.#worker.terminate();
  }

  #tell(order: WorkerOrder): void {
    this.#worker.postMessage(order);
  }
}
