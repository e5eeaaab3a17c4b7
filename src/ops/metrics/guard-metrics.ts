import { Counter, Gauge, type Registry } from 'prom-client';
import type { Guard } from '../../guard/guard.js';

/** What was refused, and how many are banned. Both are bounded where they are counted. */
export function addGuardMetrics({ refusals, bans }: Pick<Guard, 'refusals' | 'bans'>, registers: Registry[]): void {
  new Counter({
    name: 'callwake_refusals_total',
    help: 'What was refused, by what was asked for (a SIP method or push) and why',
    labelNames: ['what', 'reason'],
    registers,
    collect() {
      this.reset();
      for (const { what, reason, count } of refusals.counts) this.inc({ what, reason }, count);
    },
  });
  new Gauge({
    name: 'callwake_banned_addresses',
    help: 'Addresses that are banned at the moment',
    registers,
    collect() {
      this.set(bans.list.length);
    },
  });
}
