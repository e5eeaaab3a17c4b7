// Throughput, processor time and latency of APNs clients beside bare node:http2, in one run, against nghttpd. See README.md.
import { parseArgs } from 'node:util';
import { quantiles, where } from '../harness/machine.mjs';
import { median, startClient, startNghttpd } from './run.mjs';

const { values } = parseArgs({
  options: {
    slices: { type: 'string', default: '20' },
    count: { type: 'string', default: '1000' },
    warmUp: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '30' },
    widths: { type: 'string', default: '100,500' },
    only: { type: 'string', default: 'bare,callwake,node-apn,undici,apns2,hapns' },
  },
});
/** Seconds of a turn at 100/s: the first pushes after the others' turns meet cold caches, and must be few. */
const RATE_TURN = 5;
const number = (name) => Number(values[name]);
const names = values.only.split(',');
const widths = values.widths.split(',').filter(Boolean).map(Number);
console.log(where());
console.log(
  `client processes on one core, one at a time in turn, nghttpd on the other; ${values.warmUp} pushes of each as a warm-up, ` +
    `${values.slices} turns of ${values.count}; ${values.seconds} s at 100/s in turns of ${RATE_TURN}`,
);
await startNghttpd({ cpu: 1 });

/** What each client said to the same order, turn by turn; a client that has crashed says nothing more. */
async function inTurn(clients, turns, order) {
  const said = new Map(clients.map(({ name }) => [name, []]));
  for (let turn = 0; turn < turns; turn++) {
    // Who goes first changes, as what goes before leaves its traces in caches.
    for (let n = 0; n < clients.length; n++) {
      const { name, process } = clients[(n + turn) % clients.length];
      const answer = await process.ask(order);
      if (answer) said.get(name).push(answer);
    }
  }
  return said;
}

const sum = (list, member) => list.reduce((total, one) => total + one[member], 0);
const figures = new Map(names.map((name) => [name, { failed: 0, rss: 0 }]));

for (const width of widths) {
  const clients = names.map((name) => ({ name, process: startClient(name, { cpu: 0 }) }));
  await inTurn(clients, 1, { job: 'flood', count: number('warmUp'), width });
  const said = await inTurn(clients, number('slices'), { job: 'flood', count: number('count'), width });
  for (const [name, turns] of said) {
    const of = figures.get(name);
    of.failed += sum(turns, 'failed');
    of.rss = Math.max(of.rss, ...turns.map(({ rss }) => rss));
    of[width] = {
      perSecond: Math.round((sum(turns, 'count') / sum(turns, 'ms')) * 1000),
      cpu: (sum(turns, 'cpu') / sum(turns, 'count')) * 1e4,
      turns,
    };
  }
  for (const { process } of clients) await process.end();
}
if (number('seconds') > 0) {
  const clients = names.map((name) => ({ name, process: startClient(name, { cpu: 0 }) }));
  await inTurn(clients, 1, { job: 'flood', count: number('warmUp'), width: 100 });
  await inTurn(clients, 1, { job: 'rate', count: 100, perSecond: 100 });
  const turns = Math.ceil(number('seconds') / RATE_TURN);
  const said = await inTurn(clients, turns, { job: 'rate', count: 100 * RATE_TURN, perSecond: 100 });
  for (const [name, turns] of said) {
    const of = figures.get(name);
    of.failed += sum(turns, 'failed');
    of.rate = quantiles(turns.flatMap(({ times }) => times));
  }
  for (const { process } of clients) await process.end();
}

const columns = [
  'client',
  ...widths.flatMap((width) => [`/s at ${width}`, 'CPU s/10k']),
  'p50/p99 ms at 100/s',
  'RSS MB',
  'failed',
];
console.log(`\n| ${columns.join(' | ')} |\n|${' --- |'.repeat(columns.length)}`);
for (const [name, of] of figures) {
  const floods = widths.flatMap((width) => [of[width].perSecond, of[width].cpu.toFixed(3)]);
  const rate = of.rate ? `${of.rate.p50.toFixed(2)}/${of.rate.p99.toFixed(2)}` : '-';
  console.log(`| ${[name, ...floods, rate, of.rss, of.failed].join(' | ')} |`);
}
const [bare, callwake] = [figures.get('bare'), figures.get('callwake')];
if (bare && callwake) {
  for (const width of widths) {
    const pairs = (of) => median(callwake[width].turns.map((turn, n) => of(turn) / of(bare[width].turns[n])));
    const rate = (callwake[width].perSecond / bare[width].perSecond).toFixed(2);
    const cpu = (callwake[width].cpu / bare[width].cpu).toFixed(2);
    console.log(
      `${width} in flight: ${rate} x bare's throughput (median of the turns' ratios ${(1 / pairs(({ ms }) => ms)).toFixed(2)}), ` +
        `${cpu} x bare's CPU (${pairs((turn) => turn.cpu).toFixed(2)})`,
    );
  }
  if (bare.rate) {
    const ratio = (of) => (callwake.rate[of] / bare.rate[of]).toFixed(2);
    console.log(`100/s: p50 ${ratio('p50')} x, p99 ${ratio('p99')} x bare's`);
  }
}
const unsound = ['bare', 'callwake'].filter((name) => figures.get(name)?.failed > 0);
if (unsound.length > 0) console.error(`Pushes of ${unsound.join(' and ')} failed: these figures say nothing.`);
process.exit(unsound.length > 0 ? 1 : 0);
