import { Gauge, type Registry } from 'prom-client';
import { ALARM_NAMES } from '../alarms/catalogue.js';
import type { Operations } from '../operations.js';

/** What is looked up when it is asked for. */
export function addGauges(
  {
    trunks,
    push,
    alarms,
    queues,
    certificates,
    version,
    node,
  }: Pick<Operations, 'trunks' | 'push' | 'alarms' | 'queues' | 'certificates' | 'version' | 'node'>,
  registers: Registry[],
): void {
  new Gauge({
    name: 'callwake_info',
    help: '1; the labels say which callwake this is',
    labelNames: ['version', 'node'],
    registers,
  }).set({ version, node }, 1);
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
    name: 'callwake_push_connections',
    help: 'HTTP/2 connections to Apple, by state',
    labelNames: ['state'],
    registers,
    collect() {
      this.reset();
      for (const { state } of push().connections) this.inc({ state });
    },
  });
  new Gauge({
    name: 'callwake_certificate_expires_seconds',
    help: 'When a certificate ends, in seconds since 1970: of files by their setting, of peers by trunk or edge and name',
    labelNames: ['certificate'],
    registers,
    collect() {
      this.reset();
      for (const { name: certificate, until } of certificates()) this.set({ certificate }, Math.floor(until / 1000));
    },
  });
  new Gauge({
    name: 'callwake_queue',
    help: 'What waits to be written or sent besides pushes',
    labelNames: ['queue'],
    registers,
    collect() {
      for (const [queue, length] of Object.entries(queues())) this.set({ queue }, length);
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
  new Gauge({
    name: 'callwake_alarm_active',
    help: 'How many subjects an alarm is active for, by its name',
    labelNames: ['alarm'],
    registers,
    collect() {
      for (const alarm of ALARM_NAMES) this.set({ alarm }, alarms.active.filter(({ name }) => name === alarm).length);
    },
  });
}
