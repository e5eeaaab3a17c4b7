// What the machine charges for the way of a message alone, with no SIP in it: a datagram answered by one process of node's, one handed
// on as between engine and app (UDP, TCP, TCP, UDP), and one answered by Kamailio without a transaction, in turn in one run:
//   node bench/wake/floor.mjs [--rate 50] [--count 1000] [--size 600] [--warm 200]
// `rate` and `count` are for each of the three. Needs Debian's `kamailio`.
import { fork, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cores, cpuSeconds, load, quantiles, sleep, tree, where } from '../harness/machine.mjs';
import { freePort, scratch } from '../harness/servers.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '50' },
    count: { type: 'string', default: '1000' },
    size: { type: 'string', default: '600' },
    warm: { type: 'string', default: '200' },
  },
});
const [rate, count, size, warm] = [values.rate, values.count, values.size, values.warm].map(Number);

const udp = createSocket('udp4');
udp.bind(0, '127.0.0.1');
await once(udp, 'listening');
const answering = await hop('answer');
const engine = await hop('engine');
const app = await hop('app', engine.told.control);
const kamailio = await startKamailio();
const ways = [
  { name: 'one process', to: answering.told.udp, processes: { answering: [answering.pid] } },
  { name: 'engine and app', to: engine.told.udp, processes: { engine: [engine.pid], app: [app.pid] } },
  { name: 'Kamailio, stateless', to: kamailio.port, processes: { kamailio: tree([kamailio.child.pid]) } },
].map((way) => ({ ...way, ms: [] }));

const sent = new Map();
let last = 0;
udp.on('message', (datagram) => {
  const now = performance.now();
  const id = Number(/^Call-ID: (\d+)/m.exec(datagram.toString('latin1'))?.[1]);
  const one = sent.get(id);
  sent.delete(id);
  one?.way.ms.push(now - one.at);
});

console.log(where());
await send(warm);
for (const way of ways) way.ms = [];
const everybody = [process.pid, ...ways.flatMap(({ processes }) => Object.values(processes).flat())];
const before = { load: load(everybody), cpu: ways.map(cpuOf) };
await send(count);
const foreign = cores(before.load, load(everybody)).others;
for (const [index, way] of ways.entries()) {
  const { n, p50, p90, p99 } = quantiles(way.ms);
  const cpu = Object.entries(cpuOf(way)).map(
    ([name, seconds]) => `${name} ${(((seconds - before.cpu[index][name]) * 1000) / count).toFixed(3)}`,
  );
  console.log(
    `${way.name}: ${n} of ${count}; p50 ${p50}, p90 ${p90}, p99 ${p99} ms; CPU ms a message: ${cpu.join(' + ')}`,
  );
  if (n !== count) process.exitCode = 1;
}
console.log(`others kept ${foreign} cores busy`);
for (const child of [answering.child, engine.child, app.child]) child.disconnect();
kamailio.child.kill();
udp.close();

/** `each` datagrams to every one of the three, evenly in time. */
async function send(each) {
  const start = performance.now();
  for (let n = 0; n < each * ways.length; n++) {
    const wait = start + (n * 1000) / (rate * ways.length) - performance.now();
    if (wait > 0) await sleep(wait);
    const way = ways[n % ways.length];
    const id = last++;
    sent.set(id, { way, at: performance.now() });
    udp.send(options(id), way.to, '127.0.0.1');
  }
  await sleep(500);
  sent.clear();
}

function options(id) {
  const head = [
    'OPTIONS sip:floor@127.0.0.1 SIP/2.0',
    `Via: SIP/2.0/UDP 127.0.0.1:${udp.address().port};branch=z9hG4bK${id}`,
    'Max-Forwards: 70',
    `From: <sip:bench@127.0.0.1>;tag=${id}`,
    'To: <sip:floor@127.0.0.1>',
    `Call-ID: ${id}`,
    'CSeq: 1 OPTIONS',
    'Content-Length: 0',
  ].join('\r\n');
  return `${head}\r\nX-Fill: ${'x'.repeat(Math.max(0, size - head.length - 14))}\r\n\r\n`;
}

function cpuOf({ processes }) {
  return Object.fromEntries(Object.entries(processes).map(([name, pids]) => [name, cpuSeconds(pids)]));
}

async function hop(...args) {
  const child = fork(join(HERE, 'hop.mjs'), args.map(String));
  const [told] = await once(child, 'message');
  return { child, pid: child.pid, told };
}

async function startKamailio() {
  const port = await freePort();
  const names = ['-A', `SIP_LISTEN=udp:127.0.0.1:${port}`];
  const child = spawn('kamailio', ['-f', join(HERE, 'floor.cfg'), '-DD', '-E', '-Y', scratch(), ...names], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: `${process.env.PATH}:/usr/sbin` },
  });
  child.stderr.on('data', (text) => /ERROR|CRITICAL/.test(text) && process.stderr.write(text));
  for (let n = 0; n < 100; n++) {
    udp.send(options(1_000_000_000), port, '127.0.0.1');
    const answered = await Promise.race([once(udp, 'message'), sleep(100)]);
    if (answered !== undefined) return { child, port };
  }
  child.kill();
  throw new Error('Kamailio does not answer');
}
