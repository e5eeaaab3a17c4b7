// Held calls when what holds them dies: from the kill to the INVITE at the phone. Their phones are pushed, and register right after the kill.
// After `npm run build:test`: node bench/cluster/failover.mjs machine|worker|app [calls]
import { setTimeout as pause } from 'node:timers/promises';
import { Stage } from '../../build/src/demo/stage.js';
import { EdgeSimulator } from '../../build/src/sim/edge/index.js';
import { FaultyNode } from '../../build/test/e2e/cluster/faults/nodes.js';
import { RedisPair } from '../../build/test/e2e/cluster/faults/redis-pair.js';
import { Trunk } from '../../build/test/e2e/cluster/faults/trunk.js';
import { quantiles, where } from '../harness/machine.mjs';

const [what = 'machine', count = '50'] = process.argv.slice(2);
const calls = Number(count);
console.log(where());
const redis = await RedisPair.start();
const wires = [await redis.wire(), await redis.wire()];
const addresses = [1, 2].map((n) => `127.${64 + ((process.pid >> 8) & 127)}.${process.pid & 255}.${n}`);
const urls = [`redis://127.0.0.1:${wires[0].port}`];
const stage = await Stage.start({
  edge: 'path',
  transport: 'tcp',
  trunk: { hold: '30s' },
  ...(what === 'worker' && { workers: 2 }),
  config: {
    store: { kind: 'redis', path: 'data', redis: { urls, timeout: '500ms' } },
    engine: FaultyNode.engineAt(addresses[0]),
    cluster: { node: 'n0' },
  },
});
let nodes = [];
if (what === 'machine') {
  await stage.callwake.stop();
  nodes = addresses.map((address, n) => new FaultyNode(`n${n}`, address, wires[n], stage.configFile));
  for (const node of nodes) await node.start();
}
const server = nodes[1]?.sip ?? stage.sip;
const edge = await new EdgeSimulator({ mode: 'path', core: server }).start();
const phones = [];
for (let n = 0; n < calls; n++) {
  const at = { host: edge.phones.address, port: edge.phones.port, transport: 'tcp' };
  // The push wakes nobody here: phones register when they are told to.
  const phone = await stage.phone({
    user: String(2001 + n),
    server: at,
    behaviour: { deaf: true, answerDelayMs: 5_000 },
  });
  await phone.background();
  phones.push(phone);
}
const ended = [];
for (const [n, phone] of phones.entries()) {
  const user = String(2001 + n);
  // Every call goes to the first node first.
  if (what === 'machine') ended.push(new Trunk(stage.cucm, nodes, () => {}).call(user, false));
  else ended.push(stage.cucm.call({ to: user }).ended);
  await phone.events.seen('pushed');
}
const pids = stage.callwake.log.filter(({ event }) => event === 'ready').map(({ pid }) => pid);
const killed = Date.now();
if (what === 'machine') nodes[0].powerOff();
else process.kill(pids[0], 'SIGKILL');
await Promise.all(phones.map((phone) => phone.register()));
const registered = Date.now() - killed;
await Promise.race([Promise.all(phones.map((phone) => phone.events.seen('invited'))), pause(20_000)]);
const times = phones.flatMap((phone) => phone.events.all('invited').map(({ at }) => at - killed));
const { p50, p99 } = quantiles(times);
const worst = Math.max(...times);
console.log(
  `${what}: ${times.length} INVITEs for ${calls} held calls, ${stage.apple.received.length} pushes; the last phone had registered after ${registered} ms; ` +
    `kill to INVITE p50 ${p50} ms, p99 ${p99} ms, worst ${worst} ms`,
);
await Promise.race([Promise.all(ended), pause(15_000)]);
for (const node of nodes) await node.stop();
await stage.close();
await edge.close();
await redis.stop();
process.exit(times.length === calls ? 0 : 1);
