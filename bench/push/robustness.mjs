// What APNs clients do in trouble, on the Apple simulator. See README.md.
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { ApnsSimulator } from '../../dist/sim/apns/simulator.js';
import { KEY_ID, TEAM } from './clients.mjs';
import { certificate, HOST, PORT, privateKey, startClient } from './run.mjs';

const { values } = parseArgs({
  options: { only: { type: 'string', default: 'callwake,node-apn,undici,apns2,hapns' } },
});
/** What a call can wait; a push that has not ended 2 s later hangs. */
const PATIENCE = 12_000;

const twice = (act) => (apple) => [1000, 2000].map((ms) => setTimeout(() => act(apple), ms));
const cases = [
  { title: 'burst of 50 on a fresh client', pushes: 50, perSecond: 1e6 },
  {
    title: 'GOAWAY twice, 40 ms latency',
    pushes: 300,
    perSecond: 100,
    options: { latencyMs: 40 },
    trouble: twice((apple) => apple.goaway('Shutdown')),
  },
  {
    title: 'TCP connection lost twice, 10 ms latency',
    pushes: 300,
    perSecond: 100,
    options: { latencyMs: 10 },
    trouble: twice((apple) => apple.closeConnections()),
  },
  {
    title: 'the server falls silent, a new connection would work',
    pushes: 100,
    perSecond: 50,
    options: { freezable: true },
    trouble: (apple) => [setTimeout(() => apple.setFrozen('existing'), 1000)],
  },
  {
    title: '503 for good',
    pushes: 20,
    perSecond: 20,
    prepare: (apple) => apple.script({ status: 503, reason: 'ServiceUnavailable', times: 0 }),
  },
  {
    title: 'clock 2 h behind, Apple tells its time',
    pushes: 20,
    perSecond: 20,
    options: { clockOffsetMs: 7_200_000, sendDate: true },
  },
  {
    title: 'clock 2 h behind, Apple does not tell',
    pushes: 20,
    perSecond: 20,
    options: { clockOffsetMs: 7_200_000 },
  },
];

console.log(
  `| case | client | accepted | lost | twice | rings twice | hang | longest ms | requests |\n|${' --- |'.repeat(9)}`,
);
for (const { title, pushes, perSecond, options, prepare, trouble } of cases) {
  for (const client of values.only.split(',')) {
    const apple = await new ApnsSimulator({
      certificate,
      host: HOST,
      port: PORT,
      acceptAnyToken: true,
      ...options,
    }).start();
    apple.registerKey({ teamId: TEAM, keyId: KEY_ID, publicKey: privateKey });
    const tokens = Array.from({ length: pushes }, () => randomBytes(32).toString('hex'));
    prepare?.(apple);
    let timers = [];
    apple.waitFor(1).then(() => {
      timers = trouble?.(apple) ?? [];
    });
    const child = startClient(client);
    const said = await child.ask({ job: 'trouble', tokens, perSecond, patienceMs: PATIENCE });
    await child.end();
    for (const timer of timers) clearTimeout(timer);
    const taken = new Map();
    for (const { token, fate, apnsId, payload } of apple.received) {
      if (fate === 'refused') continue;
      const of = taken.get(token) ?? { count: 0, calls: new Set() };
      of.count++;
      // A second push of the same id about the same call doesn't ring again.
      of.calls.add(`${apnsId} ${payload?.callwake?.callUuid}`);
      taken.set(token, of);
    }
    const twice = [...taken.values()].filter(({ count }) => count > 1).length;
    const rings = [...taken.values()].filter(({ calls }) => calls.size > 1).length;
    const row = [taken.size, pushes - taken.size, twice, rings];
    if (said) row.push(said.hung, Math.round(said.max), apple.total);
    else row.push('crashed', '', apple.total);
    console.log(`| ${[title, client, ...row].join(' | ')} |`);
    if (process.env.CALLWAKE_BENCH_VERBOSE) console.error(said?.reasons);
    await apple.close();
  }
}
process.exit(0);
