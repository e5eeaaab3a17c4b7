// Throughput, processor time and latency of APNs clients beside bare node:http2, in one run, against nghttpd. See README.md.
import { parseArgs } from 'node:util';
import { where } from '../harness/machine.mjs';
import { median, runClient, startNghttpd } from './run.mjs';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '20000' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '8' },
    only: { type: 'string', default: 'bare,callwake,node-apn,undici,apns2,hapns' },
  },
});
const count = Number(values.count);
const rounds = Number(values.rounds);
const names = values.only.split(',');
console.log(where());
console.log(`${count} pushes a case, median of ${rounds} rounds; client on one core, nghttpd on the other`);
await startNghttpd({ cpu: 1 });

const cases = [
  ['100 in flight', { job: 'throughput', width: 100, count }],
  ['500 in flight', { job: 'throughput', width: 500, count }],
  ['100/s', { job: 'rate', perSecond: 100, count: Number(values.seconds) * 100 }],
];
const found = new Map();
for (let round = 0; round < rounds; round++) {
  for (const [title, order] of cases) {
    for (const client of names) {
      const said = await runClient({ client, ...order }, { cpu: 0 });
      const key = `${client} ${title}`;
      found.set(key, [...(found.get(key) ?? []), said]);
    }
  }
}

const of = (client, title, member) => {
  const runs = (found.get(`${client} ${title}`) ?? []).filter(Boolean);
  return runs.length === 0 ? undefined : median(runs.map((run) => run[member]));
};
const failedOf = (client) =>
  cases.flatMap(([title]) => found.get(`${client} ${title}`)).reduce((sum, run) => sum + (run?.failed ?? 0), 0);
const columns = [
  'client',
  '/s at 100',
  'CPU s/10k',
  '/s at 500',
  'CPU s/10k',
  'p50/p99 ms at 100/s',
  'RSS MB',
  'failed',
];
console.log(`\n| ${columns.join(' | ')} |\n|${' --- |'.repeat(columns.length)}`);
for (const client of names) {
  const row = [
    client,
    of(client, '100 in flight', 'perSecond'),
    of(client, '100 in flight', 'cpu'),
    of(client, '500 in flight', 'perSecond'),
    of(client, '500 in flight', 'cpu'),
    `${of(client, '100/s', 'p50')?.toFixed(2)}/${of(client, '100/s', 'p99')?.toFixed(2)}`,
    of(client, '500 in flight', 'rss'),
    failedOf(client),
  ];
  console.log(`| ${row.map((value) => value ?? 'crashed').join(' | ')} |`);
}
if (names.includes('bare') && names.includes('callwake')) {
  for (const title of ['100 in flight', '500 in flight']) {
    const ratio = (member) => (of('callwake', title, member) / of('bare', title, member)).toFixed(2);
    console.log(`${title}: ${ratio('perSecond')} x bare throughput, ${ratio('cpu')} x bare CPU`);
  }
}
const unsound = ['bare', 'callwake'].filter((client) => names.includes(client) && failedOf(client) > 0);
if (unsound.length > 0) console.error(`Pushes of ${unsound.join(' and ')} failed: these figures say nothing.`);
process.exit(unsound.length > 0 ? 1 : 0);
