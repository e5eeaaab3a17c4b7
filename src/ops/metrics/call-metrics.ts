import { Counter, Histogram, type Registry } from 'prom-client';
import type { TimelineEvent } from '../../calls/timeline.js';
import type { CallSummary } from '../timeline/summary.js';
import { Bounded } from './bounded.js';

/** Seconds; a sleeping iPhone takes one to three, and a call is held for 13. */
const WAKE_BUCKETS = [0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 10, 13, 20, 60];
const PUSH_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What happens later to a call that is forgotten already, as its phones wake, begins none; one that is taken over began in the process before. */
const BEGINNINGS: ReadonlySet<string> = new Set(['invite-received', 'outbound-received']);

/** Counts and measures calls by what their timelines tell. */
export class CallMetrics {
  readonly #reasons = new Bounded();
  readonly #answers = new Bounded();
  readonly #wake: Histogram<'outcome' | 'edge'>;
  readonly #hold: Histogram<'reason'>;
  readonly #ring: Histogram<'woken'>;
  readonly #push: Histogram<'answer'>;
  readonly #pushes: Counter<'answer'>;
  readonly #alerts: Counter<'why'>;
  readonly #fallbacks: Counter<'reason'>;
  readonly #calls: Counter<'direction' | 'trunk'>;
  readonly #ended: Counter<'reason' | 'direction'>;

  constructor(registers: Registry[]) {
    this.#wake = new Histogram({
      name: 'callwake_wake_seconds',
      help: 'From the first push of a call to the first pushed phone’s REGISTER (outcome woken), or to the end of a call that woke none',
      labelNames: ['outcome', 'edge'],
      buckets: WAKE_BUCKETS,
      registers,
    });
    this.#hold = new Histogram({
      name: 'callwake_hold_seconds',
      help: 'How long calls to phones were held, by what ended the hold: ringing, answered, or why the call ended',
      labelNames: ['reason'],
      buckets: WAKE_BUCKETS,
      registers,
    });
    this.#ring = new Histogram({
      name: 'callwake_ring_seconds',
      help: 'From the INVITE to the first phone that rang (post-dial delay), by whether a phone had to be woken',
      labelNames: ['woken'],
      buckets: WAKE_BUCKETS,
      registers,
    });
    this.#push = new Histogram({
      name: 'callwake_push_answer_seconds',
      help: 'From the leaving of a call’s push to Apple’s answer',
      labelNames: ['answer'],
      buckets: PUSH_BUCKETS,
      registers,
    });
    this.#pushes = new Counter({
      name: 'callwake_pushes_total',
      help: 'Pushes of calls, by Apple’s answer',
      labelNames: ['answer'],
      registers,
    });
    this.#alerts = new Counter({
      name: 'callwake_call_alerts_total',
      help: 'Alert pushes that tell of a call that did not reach a phone: missed, or answered-elsewhere',
      labelNames: ['why'],
      registers,
    });
    this.#fallbacks = new Counter({
      name: 'callwake_fallbacks_total',
      help: 'Calls that went on to a fallback number, by why the phones were given up',
      labelNames: ['reason'],
      registers,
    });
    this.#calls = new Counter({
      name: 'callwake_calls_total',
      help: 'Calls that came',
      labelNames: ['direction', 'trunk'],
      registers,
    });
    this.#ended = new Counter({
      name: 'callwake_calls_ended_total',
      help: 'Calls that are over, by reason',
      labelNames: ['reason', 'direction'],
      registers,
    });
  }

  /** Takes an event, with its call before and after it. */
  record({ type, fields }: TimelineEvent, before: CallSummary | undefined, call: CallSummary): void {
    const { direction, trunk = 'none' } = call;
    if (before === undefined && BEGINNINGS.has(type)) this.#calls.inc({ direction, trunk });
    if (type === 'device-woke' && call.wakeTook !== undefined && before?.wakeTook === undefined) {
      this.#wake.observe({ outcome: 'woken', edge: String(fields.mode ?? 'unknown') }, call.wakeTook / 1000);
    }
    if (type.startsWith('push-') && type !== 'push-asked') this.#pushed(type.slice(5), fields);
    if (type === 'alert-asked') this.#alerts.inc({ why: String(fields.why) });
    if (type === 'fallback-invited') this.#fallbacks.inc({ reason: this.#reasons.of(String(fields.reason)) });
    if (direction === 'to-phone' && before?.state === 'held' && call.state !== 'held') this.#left(call);
    if (type !== 'end') return;
    const reason = this.#reasons.of(call.reason ?? 'unknown');
    this.#ended.inc({ reason, direction });
    if (call.wakeTook !== undefined || call.pushedAfter === undefined) return;
    this.#wake.observe({ outcome: reason, edge: 'none' }, ((call.endedAfter ?? 0) - call.pushedAfter) / 1000);
  }

  /** A call is held no more. */
  #left({ state, reason, ringingAfter, answeredAfter, endedAfter, pushes }: CallSummary): void {
    const why = state === 'over' ? this.#reasons.of(reason ?? 'unknown') : state === 'up' ? 'answered' : 'ringing';
    const after = state === 'over' ? endedAfter : state === 'up' ? answeredAfter : ringingAfter;
    if (after !== undefined) this.#hold.observe({ reason: why }, after / 1000);
    if (state === 'ringing' && ringingAfter !== undefined) {
      this.#ring.observe({ woken: pushes > 0 ? 'yes' : 'no' }, ringingAfter / 1000);
    }
  }

  #pushed(kind: string, { status, reason, answerMs }: TimelineEvent['fields']): void {
    const said = typeof status === 'number' && status > 0 ? `${status} ${reason ?? ''}`.trim() : `${reason ?? kind}`;
    const answer = this.#answers.of(kind === 'accepted' ? '200' : said);
    this.#pushes.inc({ answer });
    if (typeof answerMs === 'number') this.#push.observe({ answer }, answerMs / 1000);
  }
}
