import type { Device, DeviceState } from '../types.js';
import { type DeviceFilter, type StateSettings, wantedText } from './filter.js';
import { type DeviceRow, DeviceRows, platformNumber, rowOf, STATES, stateOfRow } from './rows.js';

/** Where an index reads devices. */
export interface DeviceSource {
  devicesOf(aor: string): readonly Device[] | Promise<readonly Device[]>;
  /** The first addresses behind `after`, in order. */
  devicesAfter(after: string, limit: number): Promise<readonly (readonly [string, readonly Device[]])[]>;
}

export interface DeviceQuery {
  readonly filter: DeviceFilter;
  /** Addresses up to this one are left out. */
  readonly after: string;
  readonly limit: number;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** What an index found. */
export interface DeviceFindings {
  /** Addresses that have a device that fits, in order. */
  readonly aors: readonly string[];
  /** More fit behind those. */
  readonly more: boolean;
  /** How many devices fit on all pages. */
  readonly total: number;
  /** How many would fit without the filter's state, by state. */
  readonly states: Readonly<Record<DeviceState, number>>;
  /** Not all devices have been read yet: the answer is of those that have. */
  readonly reading: boolean;
}

const PAGE = 200;
/** So many changed addresses are kept aside before they are merged in. */
const MAX_ASIDE = 20_000;

/** Devices as a search wants them: those that were read in order, and beside them those that have changed since. */
export class DeviceIndex {
  readonly #source: DeviceSource;
  readonly #settings: StateSettings;
  readonly #hashKey: Uint8Array | undefined;
  #rows = new DeviceRows();
  readonly #aside = new Map<string, readonly DeviceRow[]>();
  /** The last address that was read. */
  #read = '';
  #complete = false;
  #stopped = false;

  constructor(source: DeviceSource, settings: StateSettings, hashKey?: Uint8Array) {
    this.#source = source;
    this.#settings = settings;
    this.#hashKey = hashKey;
  }

  /** Reads all devices, a page at a time. */
  async read(): Promise<void> {
    while (!this.#stopped) {
      const page = await this.#source.devicesAfter(this.#read, PAGE);
      for (const [, devices] of page) for (const device of devices) this.#rows.add(this.#rowOf(device));
      const last = page.at(-1)?.[0];
      if (last === undefined) break;
      this.#read = last;
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#complete = true;
  }

  /** The devices of these addresses have changed. */
  async changed(aors: readonly string[]): Promise<void> {
    for (const aor of aors) {
      // What lies ahead is read in its turn.
      if (!this.#complete && aor > this.#read) continue;
      const devices = await this.#source.devicesOf(aor);
      this.#rows.drop(aor);
      this.#aside.set(
        aor,
        devices.map((device) => this.#rowOf(device)),
      );
    }
    if (this.#complete && this.#aside.size > MAX_ASIDE) this.#merge();
  }

  find({ filter, after, limit, now }: DeviceQuery): DeviceFindings {
    const counts = STATES.map(() => 0);
    const wanted = filter.state === undefined ? undefined : STATES.indexOf(filter.state);
    const found: string[] = [];
    const text = wantedText(filter.text);
    const platform = filter.platform === undefined ? undefined : platformNumber(filter.platform);
    const seconds = Math.floor(now / 1000);
    const awakeFor = Math.floor(this.#settings.awakeFor / 1000);
    const fits = (state: number): boolean => {
      counts[state] = (counts[state] ?? 0) + 1;
      return wanted === undefined || state === wanted;
    };

    const rows = this.#rows;
    const marks = text === '' ? undefined : rows.marksOf(text);
    const behind = after === '' ? 0 : rows.firstOf(after);
    for (let row = 0; row < rows.count; row++) {
      if (marks !== undefined && marks[row] === 0) continue;
      if (rows.isGone(row) || (platform !== undefined && rows.platformOf(row) !== platform)) continue;
      if (!fits(rows.stateOf(row, seconds, awakeFor)) || row < behind || found.length > limit) continue;
      const aor = rows.aorOf(row);
      if (aor !== after && aor !== found.at(-1)) found.push(aor);
    }
    for (const [aor, devices] of this.#aside) {
      const some = devices.filter(
        (row) =>
          (platform === undefined || row.platform === platform) &&
          (row.text.toLowerCase().includes(text) || row.agent.includes(text)) &&
          fits(stateOfRow(row, seconds, awakeFor)),
      );
      if (some.length > 0 && aor > after) found.push(aor);
    }
    found.sort();
    const states = Object.fromEntries(STATES.map((state, at) => [state, counts[at] ?? 0]));
    return {
      aors: found.slice(0, limit),
      more: found.length > limit,
      total: wanted === undefined ? counts.reduce((sum, count) => sum + count, 0) : (counts[wanted] ?? 0),
      states: states as Record<DeviceState, number>,
      reading: !this.#complete,
    };
  }

  stop(): void {
    this.#stopped = true;
  }

  #rowOf(device: Device): DeviceRow {
    return rowOf(device, this.#settings, this.#hashKey);
  }

  #merge(): void {
    const merged = new DeviceRows();
    const aside = [...this.#aside].sort(([a], [b]) => (a < b ? -1 : 1));
    let next = 0;
    const takeUpTo = (aor: string | undefined): void => {
      for (; next < aside.length; next++) {
        const [changed, rows] = aside[next] ?? ['', []];
        if (aor !== undefined && changed > aor) return;
        for (const row of rows) merged.add(row);
      }
    };
    for (let row = 0; row < this.#rows.count; row++) {
      if (this.#rows.isGone(row)) continue;
      takeUpTo(this.#rows.aorOf(row));
      merged.copy(this.#rows, row);
    }
    takeUpTo(undefined);
    this.#rows = merged;
    this.#aside.clear();
  }
}
