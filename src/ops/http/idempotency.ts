import { createHash } from 'node:crypto';
import type { Clock } from '../../clock/clock.js';
import { Problem } from './problem.js';

/** The part of the store that remembers. */
export interface AnswerStore {
  record(table: string, key: string): unknown | Promise<unknown>;
  putRecord(table: string, key: string, record: unknown): Promise<void>;
  recordsAfter(table: string, after: string, limit: number): Promise<readonly (readonly [string, unknown])[]>;
}

export interface IdempotencyOptions {
  readonly store: AnswerStore;
  readonly clock: Clock;
  /** Milliseconds that an answer is kept; default 24 hours. */
  readonly keep?: number;
  /** How many answers are kept; the oldest make room. Default 100,000. */
  readonly limit?: number;
}

/** A request under its key. */
export interface Keyed {
  /** Whose key it is: keys of others are others. */
  readonly subject: string;
  readonly key: string;
  readonly body: unknown;
}

interface Kept {
  readonly at: number;
  readonly body: string;
  readonly answer: unknown;
}

const ANSWERS = 'idempotency';
/** Keys of answers in the order of their time. */
const TIMES = 'idempotency-times';
const DAY = 86_400_000;
const SWEEP = 100;

/** Remembers the answers to requests with an Idempotency-Key: the same request again gets the same answer, and nothing is done twice. */
export class Idempotency {
  readonly #store: AnswerStore;
  readonly #clock: Clock;
  readonly #keep: number;
  readonly #limit: number;
  readonly #underWay = new Set<string>();
  #count: Promise<number> | undefined;

  constructor({ store, clock, keep = DAY, limit = 100_000 }: IdempotencyOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#keep = keep;
    this.#limit = limit;
  }

  /** What stands for a key of that subject, and for nothing else. */
  nameOf({ subject, key }: Pick<Keyed, 'subject' | 'key'>): string {
    return hash([subject, key]);
  }

  /**
   * Does the work, or gives the answer that it had. What fails is not remembered, so that it may be tried again.
   * @throws {Problem} 409 while the same key is under way, 422 when the key came with another body before
   */
  async once<T>(request: Keyed, work: () => Promise<T>): Promise<{ answer: T; replayed: boolean }> {
    const name = this.nameOf(request);
    const body = hash(request.body);
    if (this.#underWay.has(name)) {
      throw new Problem(409, 'A request with this Idempotency-Key is under way.', { headers: { 'retry-after': '1' } });
    }
    this.#underWay.add(name);
    try {
      const kept = asKept(await this.#store.record(ANSWERS, name));
      if (kept !== undefined && kept.at + this.#keep > this.#clock.now()) {
        if (kept.body !== body) throw new Problem(422, 'This Idempotency-Key came with another body before.');
        return { answer: kept.answer as T, replayed: true };
      }
      const answer = await work();
      await this.#remember(name, { at: this.#clock.now(), body, answer });
      return { answer, replayed: false };
    } finally {
      this.#underWay.delete(name);
    }
  }

  async #remember(name: string, kept: Kept): Promise<void> {
    this.#count ??= this.#counted();
    const before = await this.#count;
    await Promise.all([
      this.#store.putRecord(ANSWERS, name, kept),
      this.#store.putRecord(TIMES, `${String(kept.at).padStart(15, '0')} ${name}`, 1),
    ]);
    this.#count = this.#count.then((count) => count + 1);
    await this.#sweep(before + 1 - this.#limit);
  }

  /** Clears away what has run out, and the oldest when there are too many. */
  async #sweep(tooMany: number): Promise<void> {
    const oldest = await this.#store.recordsAfter(TIMES, '', Math.max(SWEEP, tooMany));
    const until = this.#clock.now() - this.#keep;
    const gone = oldest.filter(([key], index) => index < tooMany || Number(key.slice(0, 15)) <= until);
    if (gone.length === 0) return;
    this.#count = this.#count?.then((count) => count - gone.length);
    await Promise.all(
      gone.map(async ([key]) => {
        const name = key.slice(16);
        const kept = asKept(await this.#store.record(ANSWERS, name));
        if (kept?.at === Number(key.slice(0, 15))) await this.#store.putRecord(ANSWERS, name, undefined);
        await this.#store.putRecord(TIMES, key, undefined);
      }),
    );
  }

  async #counted(): Promise<number> {
    let count = 0;
    for (let after = ''; ; ) {
      const some = await this.#store.recordsAfter(TIMES, after, 1000);
      count += some.length;
      const last = some.at(-1)?.[0];
      if (some.length < 1000 || last === undefined) return count;
      after = last;
    }
  }
}

function hash(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}

function asKept(record: unknown): Kept | undefined {
  const isKept =
    typeof record === 'object' && record !== null && 'at' in record && 'body' in record && 'answer' in record;
  return isKept ? (record as Kept) : undefined;
}
