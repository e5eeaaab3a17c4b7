import type { Clock } from '../clock/clock.js';
import { detached } from '../grammar/detached.js';

/** Something that was asked for and not done. */
export interface Refusal {
  /** What was asked for: a SIP method, or `push`. */
  readonly what: string;
  /** Why, in words of a small set. */
  readonly reason: string;
  /** Who asked: an address, a trunk or a number. */
  readonly source: string;
  /** For whom: an address of record, a Request-URI or a device. */
  readonly about?: string;
  /** What was answered; 0 when nothing was. */
  readonly status: number;
}

export interface NotedRefusal extends Refusal {
  /** Epoch milliseconds. */
  readonly at: number;
}

export interface RefusalCount {
  readonly what: string;
  readonly reason: string;
  readonly count: number;
}

/** Lines a second and reason in the log: a flood must not fill a disk. */
export const MAX_TOLD = 10;
const MAX_LATEST = 200;
/** Different pairs of what and why. */
const MAX_COUNTS = 200;
const MAX_TEXT = 200;

/** Counts what is refused, and keeps the latest, in bounded memory. */
export class Refusals {
  readonly #clock: Clock;
  readonly #counts = new Map<string, { what: string; reason: string; count: number }>();
  readonly #told = new Map<string, { second: number; told: number; untold: number }>();
  readonly #latest: NotedRefusal[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Since the start. */
  get counts(): readonly RefusalCount[] {
    return [...this.#counts.values()];
  }

  /** The newest first. */
  get latest(): readonly NotedRefusal[] {
    return this.#latest.toReversed();
  }

  /**
   * Counts one. Gives whether it is worth a line in the log, which {@link MAX_TOLD} a second of each kind are: then how many of that kind were
   * not since the last line, else undefined.
   */
  note(refusal: Refusal): number | undefined {
    const { what, reason } = refusal;
    const key = this.#keyOf(what, reason);
    const entry =
      this.#counts.get(key) ?? (key === OTHER ? { what: OTHER, reason: OTHER, count: 0 } : { what, reason, count: 0 });
    entry.count += 1;
    this.#counts.set(key, entry);
    this.#latest.push({ ...shortened(refusal), at: this.#clock.now() });
    if (this.#latest.length > MAX_LATEST) this.#latest.shift();
    return this.#telling(key);
  }

  /** Forgets who was refused what about an address of record; the counts stay. Gives how many there were. */
  forget(aor: string): number {
    const name = aor.slice(aor.indexOf(':') + 1);
    const left = this.#latest.filter(({ about = '', source }) => !`${about} ${source} `.includes(name));
    const forgotten = this.#latest.length - left.length;
    this.#latest.splice(0, this.#latest.length, ...left);
    return forgotten;
  }

  #telling(key: string): number | undefined {
    const second = Math.floor(this.#clock.monotonic() / 1000);
    const before = this.#told.get(key) ?? { second, told: 0, untold: 0 };
    const now = before.second === second ? before : { second, told: 0, untold: before.untold };
    this.#told.set(key, now);
    if (now.told >= MAX_TOLD) {
      now.untold += 1;
      return undefined;
    }
    now.told += 1;
    const { untold } = now;
    now.untold = 0;
    return untold;
  }

  #keyOf(what: string, reason: string): string {
    const key = `${what}\n${reason}`;
    return this.#counts.has(key) || this.#counts.size < MAX_COUNTS ? key : OTHER;
  }
}

const OTHER = 'other';

/** What strangers wrote is not kept at any length. */
function shortened(refusal: Refusal): Refusal {
  const { source, about } = refusal;
  return {
    ...refusal,
    source: detached(source.slice(0, MAX_TEXT)),
    ...(about === undefined ? {} : { about: detached(about.slice(0, MAX_TEXT)) }),
  };
}
