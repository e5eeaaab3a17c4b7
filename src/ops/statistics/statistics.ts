import type { TimelineEvent } from '../../calls/timeline.js';
import type { Clock } from '../../clock/clock.js';
import type { CallSummary } from '../timeline/summary.js';
import { type Percentiles, percentilesOf } from './percentiles.js';

/** One minute of calls. */
export interface Minute extends Percentiles {
  /** Epoch milliseconds of its beginning. */
  readonly at: number;
  /** Calls that came in it. */
  readonly calls: number;
}

/** Figures of calls, for people: what became of them since the start, and how fast phones woke lately. */
export interface Figures {
  /** Calls that ended since the start, by reason. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Answers to pushes since the start: `200`, `410 Unregistered`, `unreachable`, `withdrawn`, ... */
  readonly pushes: Readonly<Record<string, number>>;
  /** Milliseconds from a call's first push to the first pushed phone's REGISTER, over the last hour. */
  readonly wake: Percentiles;
  /** The last hour, minute by minute, the oldest first. */
  readonly minutes: readonly Minute[];
}

const MINUTE = 60_000;
const MINUTES = 60;
/** Wake times kept of one minute; beyond, each further one takes the place of a random one (reservoir sampling). */
const SAMPLES = 500;
/** Different answers that are counted by themselves. */
const MAX_ANSWERS = 50;

interface Bucket {
  readonly at: number;
  calls: number;
  wakes: number;
  readonly samples: number[];
}

/** Counts what the timelines of calls tell. Its size doesn't depend on the number of calls. */
export class Statistics {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #buckets: Bucket[] = [];
  readonly #outcomes = new Map<string, number>();
  readonly #pushes = new Map<string, number>();

  /** `random` gives numbers from 0 (inclusive) to 1 (exclusive). */
  constructor(clock: Clock, random: () => number = Math.random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Takes an event, with its call before and after it. */
  record({ type, fields }: TimelineEvent, before: CallSummary | undefined, call: CallSummary): void {
    if (before === undefined) this.#now().calls += 1;
    if (call.wakeTook !== undefined && before?.wakeTook === undefined) this.#woke(call.wakeTook);
    if (type === 'end') count(this.#outcomes, call.reason ?? 'over');
    const answer = answerOf(type, fields);
    if (answer === undefined) return;
    count(this.#pushes, this.#pushes.has(answer) || this.#pushes.size < MAX_ANSWERS ? answer : 'other');
  }

  get figures(): Figures {
    const now = this.#minute();
    const minutes = Array.from({ length: MINUTES }, (_, index): Minute => {
      const at = now - (MINUTES - 1 - index) * MINUTE;
      const bucket = this.#buckets.find((candidate) => candidate.at === at);
      return { at, calls: bucket?.calls ?? 0, ...percentilesOf(bucket?.samples ?? [], bucket?.wakes ?? 0) };
    });
    const recent = this.#buckets.filter(({ at }) => at > now - MINUTES * MINUTE);
    return {
      outcomes: Object.fromEntries(this.#outcomes),
      pushes: Object.fromEntries(this.#pushes),
      wake: percentilesOf(
        recent.flatMap(({ samples }) => samples),
        recent.reduce((sum, { wakes }) => sum + wakes, 0),
      ),
      minutes,
    };
  }

  #woke(took: number): void {
    const bucket = this.#now();
    bucket.wakes += 1;
    if (bucket.samples.length < SAMPLES) {
      bucket.samples.push(took);
      return;
    }
    const place = Math.floor(this.#random() * bucket.wakes);
    if (place < SAMPLES) bucket.samples[place] = took;
  }

  #now(): Bucket {
    const at = this.#minute();
    const last = this.#buckets.at(-1);
    if (last !== undefined && last.at >= at) return last;
    const bucket: Bucket = { at, calls: 0, wakes: 0, samples: [] };
    this.#buckets.push(bucket);
    if (this.#buckets.length > MINUTES) this.#buckets.shift();
    return bucket;
  }

  #minute(): number {
    return Math.floor(this.#clock.now() / MINUTE) * MINUTE;
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function answerOf(type: string, fields: TimelineEvent['fields']): string | undefined {
  switch (type) {
    case 'push-accepted':
      return '200';
    case 'push-refused': {
      const { status, reason } = fields as { status?: number; reason?: string };
      return status ? `${status} ${reason ?? ''}`.trim() : (reason ?? 'refused');
    }
    case 'push-unreachable':
      return 'unreachable';
    case 'push-withdrawn':
      return 'withdrawn';
    default:
      return undefined;
  }
}
