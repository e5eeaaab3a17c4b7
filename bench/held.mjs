// Held calls: so many at once to phones that sleep, what each takes of the app's and the engine's memory, and whether each of them is
// answered once the phones wake. After `npm run build`: node bench/held.mjs [--calls 10000] [--rate 400] [--heap FILE]
// --heap: has the app write a heap snapshot while the calls are held.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { memory, sleep, where } from './harness/machine.mjs';
import { scratch } from './harness/servers.mjs';
import { Bench } from './wake/bench.mjs';
import { callwake } from './wake/servers.mjs';

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '10000' },
    rate: { type: 'string', default: '400' },
    heap: { type: 'string' },
  },
});
const calls = Number(values.calls);
const rate = Number(values.rate);
const folder = scratch();
console.log(where());
const bench = await new Bench(folder).open();
// SIGUSR2 makes node write a snapshot into the folder that it was started in.
if (values.heap !== undefined) process.env.NODE_OPTIONS = '--heapsnapshot-signal=SIGUSR2';
const server = await callwake(join(folder, 'callwake'), { ...bench.surroundings, log: 'warn', hold: '120s' });
await bench.face(server);
const { phones, endpoint } = bench;
await phones.ask('sleep', { count: calls });
await sleep(10_000);
await phones.ask('reset');
await endpoint.ask('reset');
await phones.ask('wake', { awake: false });
const before = sizes();
const scenario = join(dirname(fileURLToPath(import.meta.url)), 'wake/call.xml');
const calling = bench.call(server, { scenario, calls, rate, seconds: 200 });
await sleep((calls / rate) * 1000 + 8_000);
const held = sizes();
const { pushes } = await endpoint.ask('stats');
if (values.heap !== undefined) {
  process.kill(pidOf('app'), 'SIGUSR2');
  await sleep(30_000);
}
await phones.ask('wake', { awake: true });
await phones.ask('register', { count: calls });
const { ok, failed, repeats, errors } = await calling;
const { invites } = await phones.ask('stats');
const each = (name) => Math.round(((held[name] - before[name]) / calls) * 10) / 10;
console.log(
  JSON.stringify({
    calls,
    pushes,
    answered: ok,
    failed,
    invitesAtPhones: invites,
    sentTwiceByCaller: repeats,
    kbPerHeldCall: { app: each('app'), engine: each('engine') },
    mb: { before: inMb(before), held: inMb(held) },
  }),
);
if (failed > 0) console.log(errors);
await server.stop();
bench.close();
process.exitCode = ok === calls && pushes === calls && invites === calls ? 0 : 1;

/** The process that runs this command of callwake's. */
function pidOf(command) {
  return server.pids().find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0').includes(command));
}

/** Resident memory, KB. */
function sizes() {
  return { app: memory(pidOf('app')).own * 1024, engine: memory(pidOf('engine')).own * 1024 };
}

function inMb({ app, engine }) {
  return { app: Math.round(app / 1024), engine: Math.round(engine / 1024) };
}
