// REGISTERs a second that are on disk before their 200 leaves: callwake through its embedded engine, and Kamailio's registrar
// that writes through to SQLite, and one that keeps all in memory. After `npm run build`:
//   node bench/register.mjs [--count 20000] [--window 256] [--only callwake|kamailio]
// Needs for Kamailio: apt-get install kamailio kamailio-sqlite-modules sqlite3
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { argumentsOf, cores, cpuSeconds, load, quantiles, where } from './harness/machine.mjs';
import { RegisteringPhones } from './harness/registering-phones.mjs';
import { DOMAIN, scratch, startCallwake, startKamailio } from './harness/servers.mjs';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '20000' },
    window: { type: 'string', default: '256' },
    only: { type: 'string' },
  },
});
const count = Number(values.count);
const window = Number(values.window);
const folder = scratch();
console.log(where());
console.log(`${count} phones, ${window} REGISTERs under way at a time, UDP`);

const runs = [
  ['callwake, LMDB, durable', (path) => startCallwake(path)],
  [
    'callwake, LMDB, not waiting for the disk',
    (path) => startCallwake(path, { store: { kind: 'lmdb', path: join(path, 'data'), durable: false } }),
  ],
  ['kamailio, usrloc in memory only', (path) => startKamailio(path, 0)],
  ['kamailio, write-through to SQLite, one worker', (path) => startKamailio(path, 1, 1)],
].filter(([name]) => values.only === undefined || name.startsWith(values.only));

for (const [index, [name, start]] of runs.entries()) {
  const path = join(folder, String(index));
  mkdirSync(path);
  const server = await start(path);
  const phones = await new RegisteringPhones({ host: '127.0.0.1', port: server.port }, DOMAIN).open();
  try {
    for (const phase of ['first', 'refresh', 'refresh']) {
      const pids = () => [...server.pids(), process.pid];
      const parts = ['engine', 'app'].map((role) => server.pids().filter((pid) => argumentsOf(pid).includes(role)));
      const used = parts.map(cpuSeconds);
      const before = load(pids());
      const { perSecond, seconds, statuses, latencies, repeats } = await phones.register(1, count, window);
      const { ours, others } = cores(before, load(pids()));
      const [engine, app] = parts.map((part, index) => Math.round(((cpuSeconds(part) - used[index]) * 1e6) / count));
      const ms = quantiles(latencies);
      console.log(
        JSON.stringify({
          name,
          phase,
          perSecond,
          seconds: Math.round(seconds * 10) / 10,
          statuses,
          p50: ms.p50,
          p99: ms.p99,
          repeats,
          ...(app > 0 && { cpuMicroseconds: { engine, app } }),
          coresOurs: ours,
          coresOthers: others,
        }),
      );
    }
  } finally {
    phones.close();
    await server.stop();
  }
}
