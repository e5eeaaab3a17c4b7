import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { TimelineEvent } from '../../calls/timeline.js';
import type { Device } from '../../devices/types.js';
import type { Operations } from '../operations.js';
import type { CallSummary } from '../timeline/summary.js';

/** What metrics are made of. */
export type Measured = Pick<Operations, 'alarms' | 'trunks' | 'push' | 'onCallEvent' | 'onRegistered'>;

/** Seconds; a sleeping iPhone takes one to three, and a call is held for 13. */
const WAKE_BUCKETS = [0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 10, 13, 20, 60];
const PUSH_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Different values that a label may have; what comes after those is `other`. */
const MAX_VALUES = 50;

/** Figures for Prometheus, in a registry of their own. Labels have few values: no numbers, addresses or tokens of users are among them. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #reasons = new Bounded();
  readonly #answers = new Bounded();
  readonly #wake: Histogram<'outcome' | 'edge'>;
  readonly #push: Histogram<'answer'>;
  readonly #pushes: Counter<'answer'>;
  readonly #calls: Counter<'direction' | 'trunk'>;
  readonly #ended: Counter<'reason' | 'direction'>;
  readonly #registrations: Counter<'platform'>;

  constructor(measured: Measured) {
    const registers = [this.#registry];
    this.#wake = new Histogram({
      name: 'callwake_wake_seconds',
      help: 'From the first push of a call to the first pushed phone’s REGISTER (outcome woken), or to the end of a call that woke none',
      labelNames: ['outcome', 'edge'],
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
    this.#registrations = new Counter({
      name: 'callwake_registrations_total',
      help: 'REGISTERs that were accepted, by platform',
      labelNames: ['platform'],
      registers,
    });
    addGauges(measured, registers);
    collectDefaultMetrics({ register: this.#registry });
    measured.onCallEvent((event, before, call) => this.#call(event, before, call));
    measured.onRegistered(({ platform }: Device) => this.#registrations.inc({ platform }));
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The text that Prometheus reads. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #call({ type, fields }: TimelineEvent, before: CallSummary | undefined, call: CallSummary): void {
    const { direction, trunk = 'none' } = call;
    if (before === undefined) this.#calls.inc({ direction, trunk });
    if (type === 'device-woke' && call.wakeTook !== undefined && before?.wakeTook === undefined) {
      this.#wake.observe({ outcome: 'woken', edge: String(fields.mode ?? 'unknown') }, call.wakeTook / 1000);
    }
    if (type.startsWith('push-') && type !== 'push-asked') this.#pushed(type.slice(5), fields);
    if (type !== 'end') return;
    const reason = this.#reasons.of(call.reason ?? 'unknown');
    this.#ended.inc({ reason, direction });
    if (call.wakeTook !== undefined || call.pushedAfter === undefined) return;
    this.#wake.observe({ outcome: reason, edge: 'none' }, ((call.endedAfter ?? 0) - call.pushedAfter) / 1000);
  }

  #pushed(kind: string, { status, reason, answerMs }: TimelineEvent['fields']): void {
    const said = typeof status === 'number' && status > 0 ? `${status} ${reason ?? ''}`.trim() : `${reason ?? kind}`;
    const answer = this.#answers.of(kind === 'accepted' ? '200' : said);
    this.#pushes.inc({ answer });
    if (typeof answerMs === 'number') this.#push.observe({ answer }, answerMs / 1000);
  }
}

/** What is looked up when it is asked for. */
function addGauges({ trunks, push, alarms }: Measured, registers: Registry[]): void {
  new Gauge({
    name: 'callwake_calls',
    help: 'Calls of a trunk at the moment: held (not answered yet) and active',
    labelNames: ['trunk', 'state'],
    registers,
    collect() {
      this.reset();
      for (const { name: trunk, held, active } of trunks()) {
        this.set({ trunk, state: 'held' }, held);
        this.set({ trunk, state: 'active' }, active);
      }
    },
  });
  new Gauge({
    name: 'callwake_trunk_peer_up',
    help: '1 while a peer of a trunk is in service as OPTIONS and calls tell, 0 while it is out of service',
    labelNames: ['trunk', 'peer'],
    registers,
    collect() {
      this.reset();
      for (const { name: trunk, peers } of trunks()) {
        for (const { peer, state } of peers) this.set({ trunk, peer }, state === 'out-of-service' ? 0 : 1);
      }
    },
  });
  new Gauge({
    name: 'callwake_push_queue',
    help: 'Pushes that wait (queued) and that Apple has not answered yet (in-flight)',
    labelNames: ['state'],
    registers,
    collect() {
      const { queued, inFlight } = push();
      this.set({ state: 'queued' }, queued);
      this.set({ state: 'in-flight' }, inFlight);
    },
  });
  new Gauge({
    name: 'callwake_alarms',
    help: 'Alarms that are active, by severity',
    labelNames: ['severity'],
    registers,
    collect() {
      this.reset();
      for (const severity of ['alert', 'critical', 'error', 'warning']) {
        this.set({ severity }, alarms.active.filter((alarm) => alarm.severity === severity).length);
      }
    },
  });
}

/** Lets the first values through and makes `other` of those that come when there are too many. */
class Bounded {
  readonly #known = new Set<string>();

  of(value: string): string {
    if (this.#known.has(value)) return value;
    if (this.#known.size >= MAX_VALUES) return 'other';
    this.#known.add(value);
    return value;
  }
}
