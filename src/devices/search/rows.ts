import { tokenHash } from '../../log/mask.js';
import type { Device, DeviceState, Platform } from '../types.js';
import type { StateSettings } from './filter.js';

const PLATFORMS: readonly Platform[] = ['iphone', 'ipad', 'other'];
export const STATES: readonly DeviceState[] = ['active', 'suspended', 'unregistered', 'unreachable'];

const ASLEEP = 1;
const AWAKE = 2;

/** What a search needs to know of a device. Times are epoch seconds, 0 for never. */
export interface DeviceRow {
  readonly aor: string;
  /** The address, then what else is searched, in lower case; tabs between. */
  readonly text: string;
  readonly agent: string;
  readonly platform: number;
  /** When its last binding ends. */
  readonly boundUntil: number;
  /** Until when it can be woken without a binding. */
  readonly wakeUntil: number;
  /** It can be woken while it has a binding. */
  readonly wakeable: boolean;
  /** What the phone said or a call has shown: {@link ASLEEP}, {@link AWAKE} or 0. */
  readonly word: number;
  readonly registeredAt: number;
}

/** The row of a device. `hashKey` is that of the hashes of tokens. */
export function rowOf(device: Device, settings: StateSettings, hashKey: Uint8Array | undefined): DeviceRow {
  const { aor, id, deviceName, tokens, bindings, word, asleep } = device;
  const pushed = settings.pushPlatforms.includes(device.platform) ? tokens.filter(({ kind }) => kind === 'voip') : [];
  const outlives = pushed.filter(({ origin }) => settings.tokenOutlivesBinding || origin === 'api');
  const shown = asleep !== undefined && (word === undefined || asleep.at >= word.at);
  const lower = aor.toLowerCase();
  const hashes = tokens.map(({ token }) => (hashKey === undefined ? tokenHash(token) : tokenHash(token, hashKey)));
  return {
    aor,
    text: [
      aor,
      ...[...(lower === aor ? [] : [lower]), id, deviceName ?? '', ...hashes].map((part) => part.toLowerCase()),
    ].join('\t'),
    agent: (device.userAgent ?? '').toLowerCase(),
    platform: PLATFORMS.indexOf(device.platform),
    boundUntil: latest(bindings.map(({ expiresAt }) => expiresAt)),
    wakeUntil: latest(outlives.map(({ seenAt }) => seenAt + settings.tokenRetention)),
    wakeable: pushed.length > 0,
    word: shown || word?.state === 'background' ? ASLEEP : word?.state === 'foreground' ? AWAKE : 0,
    registeredAt: latest(bindings.map(({ registeredAt }) => registeredAt)),
  };
}

/** The number of a row's state in {@link STATES}; `now` and `awakeFor` in seconds. */
export function stateOfRow(row: DeviceRow, now: number, awakeFor: number): number {
  const bound = row.boundUntil > now;
  return stateOf(bound, bound ? row.wakeable : row.wakeUntil > now, row.word, now - row.registeredAt <= awakeFor);
}

/** What `stateAt` says of a device, in numbers. */
function stateOf(bound: boolean, wakeable: boolean, word: number, fresh: boolean): number {
  if (!bound) return wakeable ? 2 : 3;
  if (!wakeable) return 0;
  if (word !== 0) return word === ASLEEP ? 1 : 0;
  return fresh ? 0 : 1;
}

/** Many rows in few bytes: texts in one buffer, facts in columns. Rows are added in the order of their addresses. */
export class DeviceRows {
  count = 0;
  #text = Buffer.alloc(4096);
  #used = 0;
  #starts = new Uint32Array(64);
  #times = new Uint32Array(64 * 3);
  /** Platform, wakeable, word, gone: two bits each. */
  #flags = new Uint8Array(64);
  #agents = new Uint32Array(64);
  readonly #agentNumbers = new Map<string, number>();
  readonly #agentTexts: string[] = [];

  add(row: DeviceRow): void {
    const { platform, wakeable, word } = row;
    const at = this.#make(row.text);
    this.#agents[at] = this.#agentNumber(row.agent);
    this.#flags[at] = platform | (wakeable ? 4 : 0) | (word << 4);
    this.#times.set([row.boundUntil, row.wakeUntil, row.registeredAt], at * 3);
  }

  /** Adds a row of another table as it is. */
  copy(from: DeviceRows, row: number): void {
    const at = this.#make(from.#text.toString('latin1', from.#starts[row], from.#end(row) - 1));
    this.#agents[at] = this.#agentNumber(from.#agentTexts[from.#agents[row] ?? 0] ?? '');
    this.#flags[at] = (from.#flags[row] ?? 0) & ~GONE;
    this.#times.set(from.#times.subarray(row * 3, row * 3 + 3), at * 3);
  }

  aorOf(row: number): string {
    const start = this.#starts[row] ?? 0;
    const tab = this.#text.indexOf(9, start);
    return this.#text.toString('latin1', start, tab);
  }

  isGone(row: number): boolean {
    return ((this.#flags[row] ?? 0) & GONE) !== 0;
  }

  platformOf(row: number): number {
    return (this.#flags[row] ?? 0) & 3;
  }

  /** Leaves the rows of an address out from now on. */
  drop(aor: string): void {
    for (let row = this.firstOf(aor); row < this.count && this.aorOf(row) === aor; row++) {
      this.#flags[row] = (this.#flags[row] ?? 0) | GONE;
    }
  }

  /** The first row whose address is not before this one. */
  firstOf(aor: string): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.aorOf(middle) < aor) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The number of the device's state in {@link STATES}; `now` and `awakeFor` in seconds. */
  stateOf(row: number, now: number, awakeFor: number): number {
    const flags = this.#flags[row] ?? 0;
    const bound = (this.#times[row * 3] ?? 0) > now;
    const wakeable = bound ? (flags & 4) !== 0 : (this.#times[row * 3 + 1] ?? 0) > now;
    return stateOf(bound, wakeable, (flags >> 4) & 3, now - (this.#times[row * 3 + 2] ?? 0) <= awakeFor);
  }

  /** A mark for each row: 1 where the text is part of it. */
  marksOf(text: string): Uint8Array {
    const marks = new Uint8Array(this.count);
    const wanted = Buffer.from(text, 'latin1');
    let row = 0;
    for (let at = this.#find(wanted, 0); at >= 0; at = this.#find(wanted, this.#end(row))) {
      row = this.#rowAt(at, row);
      marks[row] = 1;
    }
    const agents = Uint8Array.from(this.#agentTexts, (agent) => (agent.includes(text) ? 1 : 0));
    if (agents.includes(1)) {
      for (let at = 0; at < this.count; at++) if (agents[this.#agents[at] ?? 0] === 1) marks[at] = 1;
    }
    return marks;
  }

  #find(wanted: Buffer, from: number): number {
    const at = this.#text.indexOf(wanted, from);
    return at + wanted.length > this.#used ? -1 : at;
  }

  /** The row that holds a byte of the text; not before `from`. */
  #rowAt(at: number, from: number): number {
    let low = from;
    let high = this.count - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#starts[middle] ?? 0) <= at) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #end(row: number): number {
    return row + 1 < this.count ? (this.#starts[row + 1] ?? 0) : this.#used;
  }

  #make(text: string): number {
    const at = this.count++;
    if (at >= this.#starts.length) this.#grow(Math.ceil(at * 1.4));
    const bytes = text.length + 1;
    if (this.#used + bytes > this.#text.length) {
      const larger = Buffer.alloc(Math.ceil((this.#used + bytes) * 1.4));
      this.#text.copy(larger, 0, 0, this.#used);
      this.#text = larger;
    }
    this.#starts[at] = this.#used;
    this.#used += this.#text.write(text, this.#used, 'latin1');
    this.#text[this.#used++] = 10;
    return at;
  }

  #grow(rows: number): void {
    const grown = <T extends Uint32Array | Uint8Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    this.#starts = grown(this.#starts, new Uint32Array(rows));
    this.#times = grown(this.#times, new Uint32Array(rows * 3));
    this.#flags = grown(this.#flags, new Uint8Array(rows));
    this.#agents = grown(this.#agents, new Uint32Array(rows));
  }

  #agentNumber(agent: string): number {
    const known = this.#agentNumbers.get(agent);
    if (known !== undefined) return known;
    const next = this.#agentTexts.push(agent) - 1;
    this.#agentNumbers.set(agent, next);
    return next;
  }
}

const GONE = 64;

export const platformNumber = (platform: Platform): number => PLATFORMS.indexOf(platform);

function latest(times: readonly number[]): number {
  return Math.max(0, ...times.map((time) => Math.floor(time / 1000)));
}
