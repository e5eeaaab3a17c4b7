import { Counter, collectDefaultMetrics, Registry } from 'prom-client';
import type { Operations } from '../operations.js';
import { Bounded } from './bounded.js';
import { CallMetrics } from './call-metrics.js';
import { addEngineGauges } from './engine-metrics.js';
import { addGauges } from './gauges.js';
import { addGuardMetrics } from './guard-metrics.js';

/** What metrics are made of. */
export type Measured = Pick<
  Operations,
  | 'version'
  | 'guard'
  | 'node'
  | 'alarms'
  | 'trunks'
  | 'push'
  | 'queues'
  | 'certificates'
  | 'engine'
  | 'onCallEvent'
  | 'onRegistered'
  | 'onRegisterRefused'
  | 'onPush'
>;

/** Figures for Prometheus, in a registry of their own. Labels have few values: no numbers, addresses or tokens of users are among them. */
export class Metrics {
  readonly #registry = new Registry();

  constructor(measured: Measured) {
    const registers = [this.#registry];
    const calls = new CallMetrics(registers);
    measured.onCallEvent((event, before, call) => calls.record(event, before, call));
    addCounters(measured, registers);
    addGauges(measured, registers);
    addEngineGauges(measured.engine, registers);
    addGuardMetrics(measured.guard, registers);
    collectDefaultMetrics({ register: this.#registry });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The text that Prometheus reads. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }
}

function addCounters({ onRegistered, onRegisterRefused, onPush, alarms }: Measured, registers: Registry[]): void {
  const registrations = new Counter({
    name: 'callwake_registrations_total',
    help: 'REGISTERs that were accepted, by platform',
    labelNames: ['platform'],
    registers,
  });
  onRegistered(({ platform }) => registrations.inc({ platform }));
  const refused = new Counter({
    name: 'callwake_registers_refused_total',
    help: 'REGISTERs that were refused, by status; a challenge (401, 407) is the first half of a REGISTER with digest',
    labelNames: ['status'],
    registers,
  });
  const statuses = new Bounded();
  onRegisterRefused((status) => refused.inc({ status: statuses.of(String(status)) }));
  const requests = new Counter({
    name: 'callwake_push_requests_total',
    help: 'Pushes of all kinds, for calls, messages and refreshes, by what became of them',
    labelNames: ['kind', 'outcome'],
    registers,
  });
  onPush(({ kind, outcome }) => requests.inc({ kind, outcome: outcome.kind }));
  const dead = new Counter({
    name: 'callwake_push_tokens_refused_total',
    help: 'Pushes that Apple refused because of the token, by what it means: dead, wrong-environment, wrong-topic',
    labelNames: ['verdict'],
    registers,
  });
  onPush(({ outcome }) => {
    if (outcome.kind === 'refused' && outcome.token !== 'keep') dead.inc({ verdict: outcome.token });
  });
  const changes = new Counter({
    name: 'callwake_alarm_changes_total',
    help: 'Alarms that were raised (active), happened (event) and were cleared',
    labelNames: ['alarm', 'state'],
    registers,
  });
  const names = new Bounded();
  alarms.onChange(({ name, state }) => changes.inc({ alarm: names.of(name), state }));
}
