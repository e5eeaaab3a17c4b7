// An edge comes back and all its phones register: what callwake takes at once, whom it tells to come later, how long until all are in, and
// whether each of them is on disk when the app is then killed. After `npm run build`:
//   node bench/storm.mjs [--count 30000] [--within 5] [--expect]
// --within: in how many seconds the phones come; 0 for all at once. --expect exits with 1 when one is lost or refused otherwise than with 503. `none` are
// REGISTERs that had no answer in four tries, as a full UDP socket drops what comes; the phone makes a new one.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { LmdbStore } from '../dist/store/lmdb-store.js';
import { aorOf } from './harness/filled-store.mjs';
import { argumentsOf, memory, quantiles, where } from './harness/machine.mjs';
import { callIdOf, RegisteringPhones } from './harness/registering-phones.mjs';
import { DOMAIN, scratch, startCallwake } from './harness/servers.mjs';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '30000' },
    within: { type: 'string', default: '5' },
    expect: { type: 'boolean', default: false },
  },
});
const count = Number(values.count);
const within = Number(values.within);
const folder = scratch();
console.log(where());

const server = await startCallwake(folder);
const pidOf = (role) => server.pids().find((pid) => argumentsOf(pid).includes(role));
const [engine, app] = ['engine', 'app'].map(pidOf);
const phones = await new RegisteringPhones({ host: '127.0.0.1', port: server.port }, DOMAIN).open();
await phones.register(1, count, 256);
console.log(`${count} phones are registered; their edge comes back, they register again within ${within} s`);

const most = { engine: memory(engine).own, app: memory(app).own };
const before = { ...most };
const watch = setInterval(() => {
  most.engine = Math.max(most.engine, memory(engine).own);
  most.app = Math.max(most.app, memory(app).own);
}, 100);
const { seconds, statuses, retryAfter, latencies, repeats, cseqs } = await phones.storm(1, count, within);
clearInterval(watch);
// The moment in which the last one has its 200.
process.kill(app, 'SIGKILL');
phones.close();
await server.stop();

const store = new LmdbStore({ path: join(folder, 'data') });
let lost = 0;
const granted = new Set();
for (let n = 1; n <= count; n++) {
  const binding = store.devicesOf(aorOf(n))[0]?.bindings.find(({ callId }) => callId === callIdOf(n));
  if (binding === undefined || binding.cseq < cseqs.get(n)) lost++;
  else granted.add(Math.round((binding.expiresAt - binding.registeredAt) / 1000));
}
await store.close();
const expiries = [...granted];
console.log(
  JSON.stringify({
    allRegisteredAfterSeconds: Math.round(seconds * 10) / 10,
    statuses,
    retryAfterSeconds: retryAfter,
    repeats,
    answerMs: quantiles(latencies),
    ownMemoryMB: { before, most },
    lost,
    expiresGranted: { least: Math.min(...expiries), most: Math.max(...expiries), different: granted.size },
  }),
);
const others = Object.keys(statuses).filter((status) => !['200', '503', 'none'].includes(status));
if (values.expect && (lost > 0 || others.length > 0 || statuses[200] !== count)) process.exit(1);
process.exit(0);
