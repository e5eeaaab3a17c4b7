// A million phones in the store: what the app needs of memory, how long a look-up takes, and how soon after a cold start the first
// call is answered. After `npm run build`:
//   node bench/devices.mjs [--count 1000000] [--lookups 100000] [--cache 100000] [--folder DIR] [--expect]
// --folder keeps the store (0.4 GB for a million) for another run; --expect exits with 1 when a goal is missed.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../dist/clock/clock.js';
import { DeviceRegistry } from '../dist/devices/registry.js';
import { CucmSimulator } from '../dist/sim/cucm/index.js';
import { PhoneSimulator } from '../dist/sim/phone/index.js';
import { openStore } from '../dist/store/open.js';
import { aorOf, deviceOf, fillStore } from './harness/filled-store.mjs';
import { memory, quantiles, sleep, where } from './harness/machine.mjs';
import { RegisteringPhones } from './harness/registering-phones.mjs';
import { DOMAIN, scratch, startCallwake } from './harness/servers.mjs';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '1000000' },
    lookups: { type: 'string', default: '100000' },
    cache: { type: 'string' },
    folder: { type: 'string' },
    expect: { type: 'boolean', default: false },
  },
});
const count = Number(values.count);
const lookups = Number(values.lookups);
const folder = values.folder ?? scratch();
const path = join(folder, 'data');
const missed = [];
console.log(where());
console.log(`${count} phones, each with Path and two push tokens`);

const phone = await new PhoneSimulator({
  aor: aorOf(1),
  server: { host: '127.0.0.1', port: 9, transport: 'udp' },
  behaviour: { answerDelayMs: 0 },
}).start({ register: false });
const { port: phonePort } = await phone.wake();

await fill();
await lookUp();
await coldStart();
await phone.close();
if (values.expect && missed.length > 0) {
  console.error(`missed: ${missed.join('; ')}`);
  process.exit(1);
}
process.exit(0);

/** Writes the phones as a REGISTER leaves them, many to a transaction. */
async function fill() {
  const there = existsSync(path);
  const since = performance.now();
  if (!there) await fillStore(path, 1, count);
  const store = await openStore({ kind: 'lmdb', path, durable: false, cache: 0 });
  await store.putDevices(aorOf(1), [{ ...deviceOf(1), ...awakeAt(phonePort) }]);
  await store.close();
  report('fill', { seconds: Math.round((performance.now() - since) / 1000), kept: there });
}

/** Look-ups of phones at random, as a call makes them, in a process that has just opened the store. */
async function lookUp() {
  const store = await openStore({ kind: 'lmdb', path, durable: true, cache: Number(values.cache ?? 20_000) });
  const registry = new DeviceRegistry({ store, clock: systemClock });
  const cold = [];
  const random = generator(7);
  for (let i = 0; i < lookups; i++) {
    const aor = aorOf(1 + Math.floor(random() * count));
    const since = performance.now();
    const devices = await registry.devicesOf(aor);
    cold.push(performance.now() - since);
    if (devices.length !== 1) throw new Error(`${aor} is not there`);
  }
  const ms = quantiles(cold);
  report('look-up', { ...ms, memory: memory(process.pid) });
  goal(ms.p99 < 1, `look-up p99 ${ms.p99} ms`);
  await registry.close();
  await store.close();
}

/**
 * From the start of the command to the 200 of the first call, and the memory of the app after REGISTERs of many phones: `own` is what it has
 * taken, `files` what the kernel keeps of the database in its page cache and takes back at need.
 */
async function coldStart() {
  const cucm = await new CucmSimulator({ trunk: { host: '127.0.0.1', port: 9, transport: 'udp' } }).start();
  const since = performance.now();
  const cache = values.cache === undefined ? {} : { cache: Number(values.cache) };
  const server = await startCallwake(folder, {
    store: { kind: 'lmdb', path, ...cache },
    trunks: [{ name: 'cucm', peers: [{ host: '127.0.0.1', port: cucm.local.port, transport: 'udp' }] }],
  });
  const ready = performance.now() - since;
  cucm.trunk = { host: '127.0.0.1', port: server.port, transport: 'udp' };
  const call = await firstAnswered(cucm);
  const answered = performance.now() - since;
  await call.hangup();
  report('cold start', { readyMs: Math.round(ready), firstCallAnsweredMs: Math.round(answered) });
  goal(answered < 5000, `first call answered after ${Math.round(answered)} ms`);
  report('memory after the first call', memories(server));
  const phones = await new RegisteringPhones({ host: '127.0.0.1', port: server.port }, DOMAIN).open();
  const some = Math.min(count, lookups);
  const { perSecond, statuses } = await phones.register(1, some, 64);
  await sleep(2000);
  const after = memories(server);
  report(`memory after REGISTERs of ${some} phones`, { ...after, perSecond, statuses });
  goal(after.app.rss <= 600, `resident memory of the app ${after.app.rss} MB`);
  phones.close();
  await cucm.close();
  await server.stop();
}

/** Calls until one is answered: before the app is there the engine says 503. */
async function firstAnswered(cucm) {
  for (;;) {
    const call = cucm.call({ to: 'd1' });
    try {
      await call.answered;
      return call;
    } catch (error) {
      if (error?.end?.status !== 503) throw error;
      await sleep(20);
    }
  }
}

/** The processes by what they do: the app holds the store. */
function memories(server) {
  const all = server
    .pids()
    .map((pid) => memory(pid))
    .sort((a, b) => b.rss - a.rss);
  return { app: all[0], others: all.slice(1).map(({ rss }) => rss) };
}

/** A phone in the foreground that is reached directly. */
function awakeAt(port) {
  const [binding] = deviceOf(1).bindings;
  return {
    bindings: [{ ...binding, uri: `sip:d1@127.0.0.1:${port};transport=udp`, path: [], mode: 'direct' }],
    word: { state: 'foreground', at: Date.now() },
  };
}

function report(what, figures) {
  console.log(JSON.stringify({ what, ...figures }));
}

function goal(reached, text) {
  if (!reached) missed.push(text);
}

/** The same numbers in every run (mulberry32). */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
