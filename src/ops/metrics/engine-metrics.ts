import { Counter, Gauge, type Registry } from 'prom-client';
import type { EngineFigures } from '../../engine-figures.js';

/** Milliseconds for which one answer of the engine serves all gauges: a scrape. */
const FRESH = 200;

type Ask = () => Promise<EngineFigures | undefined>;

/** Gauges of the SIP engine. They have no values while it can't be asked, or is a drachtio-server, which has its own `/metrics`. */
export function addEngineGauges(ask: Ask, registers: Registry[]): void {
  const figures = shared(ask);
  const gauge = (name: string, help: string, value: (figures: EngineFigures) => number): void => {
    new Gauge({
      name: `callwake_engine_${name}`,
      help,
      registers,
      async collect() {
        const known = await figures();
        if (known === undefined) this.remove();
        else this.set(value(known));
      },
    });
  };
  new Gauge({
    name: 'callwake_engine_transactions',
    help: 'SIP transactions of the engine, those that wait for retransmissions included',
    labelNames: ['side'],
    registers,
    async collect() {
      const known = await figures();
      this.reset();
      if (known === undefined) return;
      this.set({ side: 'client' }, known.clientTransactions);
      this.set({ side: 'server' }, known.serverTransactions);
    },
  });
  new Counter({
    name: 'callwake_engine_refused_requests_total',
    help: 'Requests that got 503 from the engine, by cause',
    labelNames: ['cause'],
    registers,
    async collect() {
      const known = await figures();
      this.reset();
      for (const [cause, count] of Object.entries(known?.refused ?? {})) this.inc({ cause }, count);
    },
  });
  new Counter({
    name: 'callwake_engine_cpu_seconds_total',
    help: 'Processor time of the engine',
    registers,
    async collect() {
      const known = await figures();
      this.reset();
      if (known === undefined) this.remove();
      else this.inc(known.cpuSeconds);
    },
  });
  gauge('dialogs', 'Dialogs of the engine', ({ dialogs }) => dialogs);
  gauge('pending_requests', 'Requests that wait for an answer of the app', ({ pending }) => pending);
  gauge('connections', 'TCP, TLS and WebSocket connections', ({ connections }) => connections);
  gauge('passing_ratio', 'Share of new work that is taken; the rest gets 503', ({ passing }) => passing);
  gauge('eventloop_lag_seconds', 'By how much the event loop was late when last looked at', ({ lag }) => lag / 1000);
  gauge('heap_bytes', 'Heap in use', ({ heapBytes }) => heapBytes);
  gauge('resident_bytes', 'Resident memory', ({ residentBytes }) => residentBytes);
}

/** Asks once for those who ask at about the same time. */
function shared(ask: Ask): Ask {
  let asked: { readonly at: number; readonly answer: Promise<EngineFigures | undefined> } | undefined;
  return () => {
    const now = performance.now();
    if (asked === undefined || now - asked.at > FRESH) asked = { at: now, answer: ask() };
    return asked.answer;
  };
}
