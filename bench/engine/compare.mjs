// Every job for the embedded engine and the real drachtio-server, in turn, each on a process of its own; then one table.
// See ../README.md. Loopback only; every run is bounded in calls and time.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));
const { values: options } = parseArgs({
  options: {
    drachtio: { type: 'string' }, // the program drachtio
    'drachtio-config': { type: 'string' }, // a configuration file, which it wants to see; its contacts and port are not used
    jobs: { type: 'string', default: 'b2bua,overload,proxy,register,latency,latency-b2bua,hold' },
    rounds: { type: 'string', default: '3' },
    sip: { type: 'string', default: '127.0.0.10:5060' },
    control: { type: 'string', default: '127.0.0.10:9022' },
    seconds: { type: 'string', default: '4' },
  },
});
if (!options.drachtio || !options['drachtio-config']) throw new Error('--drachtio and --drachtio-config are needed');

const range = (from, to, by) =>
  Array.from({ length: Math.floor((to - from) / by) + 1 }, (_, i) => from + i * by).join(',');
/** Arguments of bench.mjs for each job. */
const JOBS = {
  b2bua: ['b2bua', '--rates', range(200, 2000, 100)],
  overload: ['overload', '--pin', '--rates', range(150, 1500, 50), '--times', '2'],
  proxy: ['proxy', '--rates', range(400, 3000, 200)],
  register: ['register', '--rates', range(1000, 12000, 1000)],
  latency: ['latency', '--app', 'proxy', '--rates', '100', '--seconds', '20'],
  'latency-b2bua': ['latency', '--app', 'b2bua', '--rates', '100', '--seconds', '20'],
  hold: ['hold', '--held', '10000'],
};
const [host, port] = options.control.split(':');
const SECRET = 'bench';

async function answers() {
  const socket = connect(Number(port), host);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function startDrachtio(pinned) {
  const args = [
    ...['--noconfig', '-f', options['drachtio-config'], '--contact', `sip:${options.sip};transport=udp,tcp`],
    ...['--address', host, '--port', port, '--secret', SECRET, '--loglevel', 'error'],
    ...['--prometheus-scrape-port', `${host}:8088`],
  ];
  const [file, ...rest] = pinned ? ['taskset', '-c', '0', options.drachtio, ...args] : [options.drachtio, ...args];
  const child = spawn(file, rest, { stdio: 'ignore' });
  for (let i = 0; i < 100; i++) {
    if (child.exitCode !== null) throw new Error(`drachtio-server ended with ${child.exitCode}`);
    if (await answers()) return child;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('drachtio-server does not listen');
}

/** Runs bench.mjs and gives the results that it told. */
async function bench(job, extra) {
  const seconds = JOBS[job].includes('--seconds') ? [] : ['--seconds', options.seconds];
  const args = [join(here, 'bench.mjs'), ...JOBS[job], ...seconds, '--sip', options.sip, '--json', ...extra];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const results = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('{')) results.push(JSON.parse(line));
    else console.log(line);
  }
  if (child.exitCode === null) await once(child, 'exit');
  if (child.exitCode !== 0) throw new Error(`${job}: bench.mjs ended with ${child.exitCode}`);
  return results;
}

const systems = {
  embedded: (job) => bench(job, []),
  async drachtio(job) {
    const server = await startDrachtio(JOBS[job].includes('--pin'));
    try {
      return await bench(job, ['--engine', `drachtio://${options.control}/${SECRET}`, '--pid', String(server.pid)]);
    } finally {
      server.kill('SIGTERM');
      await once(server, 'exit');
    }
  },
};

/** What a run comes to, in words, and as the number that is compared. */
const SUMS = {
  capacity(results) {
    const { capacity } = results.findLast((one) => one.capacity !== undefined);
    const at = results.findLast(({ rate, clean }) => rate === capacity && clean);
    return { number: capacity, text: `${capacity}/s${at ? ` (${at.cpu.toFixed(2)} ms)` : ''}` };
  },
  overload(results) {
    const { offered, completed, refused, again, clean } = results.findLast((one) => one.times !== undefined);
    const text = `${clean}/s clean; at ${offered}/s ${completed} completed, ${refused} told 503, ${again} sent again: ${(completed / clean).toFixed(2)}`;
    return { number: completed / clean, text };
  },
  latency(results) {
    const { p50, p99, max } = results.at(-1);
    return { number: p99, text: `${p50.toFixed(2)}, ${p99.toFixed(2)}, ${max.toFixed(1)} ms` };
  },
  hold(results) {
    const { more, all } = results.at(-1);
    return { number: more, text: `each further one ${more.toFixed(1)} KB, ${all.toFixed(1)} KB over all` };
  },
};
const sumOf = (job) => SUMS[job.replace(/-.*/, '')] ?? SUMS.capacity;
const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];

const seen = {};
for (let round = 0; round < Number(options.rounds); round++) {
  for (const job of options.jobs.split(',')) {
    if (!JOBS[job]) throw new Error(`no job ${job}`);
    seen[job] ??= { embedded: [], drachtio: [] };
    // The one that comes first changes, so that neither has always the warmer or the colder machine.
    const order = round % 2 === 0 ? ['embedded', 'drachtio'] : ['drachtio', 'embedded'];
    for (const system of order) seen[job][system].push(sumOf(job)(await systems[system](job)));
  }
}

console.log('\n| job | embedded engine | drachtio-server | ratio of the medians |\n| --- | --- | --- | --- |');
for (const [job, { embedded, drachtio }] of Object.entries(seen)) {
  const numbers = [embedded, drachtio].map((runs) => median(runs.map(({ number }) => number)));
  const cells = [embedded, drachtio].map((runs) => runs.map(({ text }) => text).join('; '));
  console.log(`| ${job} | ${cells.join(' | ')} | ${(numbers[0] / numbers[1]).toFixed(2)} |`);
}
