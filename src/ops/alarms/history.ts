import { randomBytes } from 'node:crypto';
import type { Clock } from '../../clock/clock.js';
import type { Alarm } from './board.js';

/** Where the history outlives the process; a part of the store. */
export interface HistoryStore {
  putRecord(table: string, key: string, record: unknown): Promise<void>;
  recordsAfter(table: string, after: string, limit: number): Promise<readonly (readonly [string, unknown])[]>;
}

export interface AlarmHistoryOptions {
  readonly store: HistoryStore;
  readonly clock: Clock;
  /** This machine's name: others may write into the same store. */
  readonly node: string;
  /** Changes that are kept. */
  readonly keep: number;
  /** Milliseconds for which a change is kept. */
  readonly retention: number;
  /** Told when the store begins to fail. */
  readonly onTrouble: (why: string) => void;
}

/** Which changes {@link AlarmHistory.find} gives. All that is said must hold. */
export interface AlarmFilter {
  readonly name?: string;
  /** In subject or reason; case doesn't matter. */
  readonly text?: string;
  /** Epoch milliseconds. */
  readonly since?: number;
  readonly until?: number;
}

/** A change of an alarm, as the store keeps it. */
interface Entry {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly node: string;
  readonly alarm: Alarm;
}

const TABLE = 'alarms';
const PAGE = 1000;

/** What was raised, happened and was cleared, bounded in number and age, over restarts. */
export class AlarmHistory {
  readonly #options: AlarmHistoryOptions;
  readonly #startedAt: number;
  /** In the order of their keys, which is that of time. */
  #entries: (readonly [key: string, entry: Entry])[] = [];
  #sequence = 0;
  #failing = false;
  #writes: Promise<void> = Promise.resolve();

  constructor(options: AlarmHistoryOptions) {
    this.#options = options;
    this.#startedAt = options.clock.now();
  }

  /** Reads what is kept of earlier times. What was still wrong when the process before this one ended is noted as over. */
  async start(): Promise<void> {
    const kept: (readonly [string, Entry])[] = [];
    try {
      for (let after = ''; ; ) {
        const page = await this.#options.store.recordsAfter(TABLE, after, PAGE);
        for (const [key, entry] of page) kept.push([key, entry as Entry]);
        const last = page.at(-1);
        if (last === undefined || page.length < PAGE) break;
        after = last[0];
      }
    } catch (error) {
      this.#trouble(error);
    }
    const since = this.#entries;
    this.#entries = kept;
    for (const { alarm } of leftOpen(kept, this.#options.node)) {
      const reason = `${alarm.reason} (as seen before callwake was started again)`;
      this.#put({ ...alarm, reason, state: 'cleared', clearedAt: this.#startedAt }, this.#startedAt);
    }
    this.#entries.push(...since);
    this.#forget();
  }

  /** Takes a change. */
  add(alarm: Alarm): void {
    this.#put(alarm, this.#options.clock.now());
    this.#forget();
  }

  /** The newest changes that fit, at most `limit`; `total` is how many fit. */
  find(filter: AlarmFilter, limit: number): { readonly alarms: readonly Alarm[]; readonly total: number } {
    const text = filter.text?.toLowerCase() ?? '';
    const found = this.#entries.filter(([, { at, alarm }]) => {
      const { name, since = 0, until = Number.POSITIVE_INFINITY } = filter;
      if (at < since || at > until || (name !== undefined && alarm.name !== name)) return false;
      return text === '' || `${alarm.subject} ${alarm.reason}`.toLowerCase().includes(text);
    });
    return {
      alarms: found
        .slice(-limit)
        .map(([, { alarm }]) => alarm)
        .reverse(),
      total: found.length,
    };
  }

  /** Forgets changes about a user. Gives how many there were. */
  forget(aor: string): number {
    const name = aor.slice(aor.indexOf(':') + 1);
    const isHis = ([, { alarm }]: readonly [string, Entry]): boolean =>
      `${alarm.subject} ${alarm.reason}`.includes(name);
    const gone = this.#entries.filter(isHis);
    this.#entries = this.#entries.filter((entry) => !isHis(entry));
    for (const [key] of gone) this.#write(key, undefined);
    return gone.length;
  }

  /** Waits for what is being written. */
  async close(): Promise<void> {
    await this.#writes;
  }

  #put(alarm: Alarm, at: number): void {
    const { node } = this.#options;
    const place = String(this.#sequence++ % 1_000_000).padStart(6, '0');
    const key = `${String(at).padStart(15, '0')} ${place} ${randomBytes(4).toString('hex')}`;
    const entry: Entry = { at, node, alarm };
    this.#entries.push([key, entry]);
    this.#write(key, entry);
  }

  #forget(): void {
    const { keep, retention, clock } = this.#options;
    const oldest = clock.now() - retention;
    const young = this.#entries.findIndex(([, { at }]) => at >= oldest);
    const first = Math.max(this.#entries.length - keep, young < 0 ? this.#entries.length : young);
    for (const [key] of this.#entries.splice(0, Math.max(0, first))) this.#write(key, undefined);
  }

  #write(key: string, entry: Entry | undefined): void {
    const written = this.#options.store.putRecord(TABLE, key, entry).then(
      () => {
        this.#failing = false;
      },
      (error: unknown) => this.#trouble(error),
    );
    this.#writes = Promise.all([this.#writes, written]).then(() => {});
  }

  #trouble(error: unknown): void {
    if (!this.#failing) this.#options.onTrouble(error instanceof Error ? error.message : String(error));
    this.#failing = true;
  }
}

/** The alarms of a node that were raised and never cleared. */
function leftOpen(entries: readonly (readonly [string, Entry])[], node: string): Entry[] {
  const open = new Map<string, Entry>();
  for (const [, entry] of entries) {
    if (entry.node !== node || entry.alarm.state === 'event') continue;
    const key = `${entry.alarm.name} ${entry.alarm.subject}`;
    if (entry.alarm.state === 'active') open.set(key, entry);
    else open.delete(key);
  }
  return [...open.values()];
}
