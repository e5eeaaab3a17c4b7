import { createHash } from 'node:crypto';
import type { EndReason } from './policy.js';
import {
  type CallInfo,
  type CallRecord,
  type FinalRecord,
  type HeldRecord,
  type LateRecord,
  type UpRecord,
  VERSION,
} from './records.js';
import type { Timeline } from './timeline.js';

/** The part of the store that the journal needs. What was put or removed when a call returns outlives the process. */
export interface CallStore {
  putCall(key: string, record: unknown): Promise<void>;
  removeCall(key: string): Promise<void>;
  calls(): AsyncIterable<readonly [string, unknown]>;
}

/** Calls under way, in the store: what a process that takes over from this one needs to go on with them. */
export class Journal {
  readonly #store: CallStore;
  readonly #engine: string;
  readonly #onFault: (error: unknown, callUuid: string) => void;
  readonly #where: () => string;
  readonly #after: After;

  /**
   * @param where what is written now goes to, in a word: `lmdb`, `redis`, ...
   * @param after does something when the messages and events before it have left the process
   */
  constructor(
    store: CallStore,
    engine: string,
    onFault: (error: unknown, callUuid: string) => void,
    where: () => string = () => 'store',
    after: After = (fn) => fn(),
  ) {
    this.#store = store;
    this.#engine = engine;
    this.#onFault = onFault;
    this.#where = where;
    this.#after = after;
  }

  /** The entry of a new call. Nothing is written before the call says something. */
  open(info: CallInfo, startedAt: number, port: unknown, timeline: Timeline): JournalEntry {
    return this.reopen({ version: VERSION, engine: this.#engine, info, startedAt, port }, timeline);
  }

  /** The entry of a call that was read. The timeline is told of what is written, unless it reads as what was written before. */
  reopen(record: CallRecord, timeline: Timeline): JournalEntry {
    const key = keyOf(record.info);
    let told = '';
    const write = (next: CallRecord): void => {
      const { callUuid } = record.info;
      const what = wordsOf(next);
      const since = timeline.elapsed;
      const written = isOver(next) ? this.#store.removeCall(key) : this.#store.putCall(key, next);
      const store = this.#where();
      const isNews = what !== told;
      told = what;
      written.then(
        () => {
          if (isNews) timeline.record('journal-written', { store, what, took: tenths(timeline.elapsed - since) });
        },
        (error: unknown) => {
          timeline.record('journal-failed', { store, what });
          this.#onFault(error, callUuid);
        },
      );
    };
    return new JournalEntry({ ...record, engine: this.#engine }, write, this.#after);
  }

  /** Of what a process of the same engine left: what can be gone on with. */
  inherit(values: readonly unknown[]): CallRecord[] {
    return values.flatMap((value) => {
      const record = asRecord(value);
      return (record?.engine === this.#engine ? record : outlived(record)) ?? [];
    });
  }

  /** What other processes left. What can't be read is removed, as is what was only in an engine that is gone. */
  async read(): Promise<CallRecord[]> {
    const records: CallRecord[] = [];
    for await (const [key, value] of this.#store.calls()) {
      const record = asRecord(value);
      const left = record?.engine === this.#engine ? record : outlived(record);
      if (left === undefined) await this.#store.removeCall(key);
      else records.push(left);
    }
    return records;
  }
}

type After = (fn: () => void) => void;

/**
 * One call's entry. What is to be done is in the store before it is done; what is over leaves the store when what ends it (a BYE, a final
 * response, the timeline's last event) has left the process. So a process that dies in between leaves its work to the next one.
 */
export class JournalEntry {
  #record: CallRecord;
  readonly #write: (record: CallRecord) => void;
  readonly #after: After;

  constructor(record: CallRecord, write: (record: CallRecord) => void, after: After) {
    this.#record = record;
    this.#write = write;
    this.#after = after;
  }

  get record(): CallRecord {
    return this.#record;
  }

  held(held: HeldRecord): void {
    this.#put({ ...this.#record, held });
  }

  up(up: UpRecord): void {
    const { held: _held, ...rest } = this.#record;
    this.#put({ ...rest, up });
  }

  /** The caller is about to get this final response. Until {@link told}, its INVITE may come to another process once more. */
  rejected(final: FinalRecord, end: EndReason): void {
    this.#put({ ...this.#record, final, end });
  }

  /** The final response has left. */
  told(): void {
    this.#after(() => {
      const { final, ...rest } = this.#record;
      if (final !== undefined) this.#put(rest);
    });
  }

  /** Neither held nor up any more; what is late stays, as does a final response that may not have left. */
  over(end: EndReason): void {
    const { held: _held, up, ...rest } = this.#record;
    if (up === undefined && rest.late !== undefined) this.#put({ ...rest, end });
    this.#after(() => {
      const { held: _held, up: _up, end: _end, ...left } = this.#record;
      this.#put(left);
    });
  }

  /** Written with the next change. */
  addLate(late: readonly LateRecord[]): void {
    if (late.length === 0) return;
    this.#record = { ...this.#record, late: [...(this.#record.late ?? []), ...late] };
  }

  /** The device came, or is not waited for any longer. */
  removeLate(device: string): void {
    const { late, ...rest } = this.#record;
    const left = late?.filter((entry) => entry.device !== device) ?? [];
    this.#put(left.length === 0 ? rest : { ...rest, late: left });
  }

  #put(record: CallRecord): void {
    this.#record = record;
    this.#write(record);
  }
}

const isOver = ({ held, up, final, late, end }: CallRecord): boolean =>
  (held ?? up ?? final ?? late ?? end) === undefined;

/** What a record says, in short: `held: 1 waking, 1 ringing`. */
function wordsOf(record: CallRecord): string {
  const { held, up, final, late = [] } = record;
  if (isOver(record)) return 'removed';
  if (up !== undefined) return 'up';
  if (final !== undefined) return `refused with ${final.status}`;
  if (held === undefined) return late.length === 0 ? 'over' : `over, ${late.length} to be told`;
  const counts = new Map<string, number>();
  for (const { state, pushedAt } of held.legs) {
    const word = state === 'waking' && pushedAt !== undefined ? 'pushed' : state;
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return counts.size === 0 ? 'held' : `held: ${[...counts].map(([word, count]) => `${count} ${word}`).join(', ')}`;
}

/** Milliseconds with one decimal. */
function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}

/** Two calls may share a UUID: forks of one. The AOR comes first, as a store may keep what belongs to one together. */
export function keyOf({ callUuid, aor, callId }: CallInfo): string {
  const rest = createHash('sha256').update(callId).digest('base64url').slice(0, 16);
  return `${aor} ${callUuid} ${rest}`;
}

/** A record as the store gave it; undefined for what is none of this version's. */
export function asRecord(value: unknown): CallRecord | undefined {
  const record = value as CallRecord | null | undefined;
  if (typeof record !== 'object' || record === null || record.version !== VERSION) return undefined;
  return typeof record.info?.callUuid === 'string' && typeof record.startedAt === 'number' ? record : undefined;
}

/** What is left of a call whose engine is gone: devices that still show it. */
function outlived(record: CallRecord | undefined): CallRecord | undefined {
  if (record === undefined) return undefined;
  const { held, up: _up, final: _final, late = [], ...rest } = record;
  const waking = (held?.legs ?? []).filter(({ state, pushedAt }) => state === 'waking' && pushedAt !== undefined);
  const left = [
    ...late,
    ...waking.map(({ device }) => ({ device, reason: GONE, until: (held?.holdUntil ?? 0) + 30_000 })),
  ];
  return left.length === 0 ? undefined : { ...rest, late: left };
}

const GONE = 'SIP;cause=503;text="Call lost"';
