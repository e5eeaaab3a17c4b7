// What a site costs: wake calls over Redis with the phones at the call's node and at another one, one and two workers, what Redis has to do.
// After `npm run build`: node bench/cluster/run.mjs resume|workers|shares|memory [--rate 50] [--calls 500] [--rounds 1] [--warm 3000] [--share 0.4]
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { differenceOf } from '../harness/bootstrap.mjs';
import { argumentsOf, cpuSeconds, quantiles, sleep, where } from '../harness/machine.mjs';
import { scratch } from '../harness/servers.mjs';
import { limit } from '../harness/share.mjs';
import { Bench } from '../wake/bench.mjs';
import { between, figuresOf, startNode, startRedis } from './site.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rate: { type: 'string' },
    calls: { type: 'string', default: '500' },
    warm: { type: 'string', default: '3000' },
    'warm-rate': { type: 'string', default: '200' },
    rounds: { type: 'string', default: '1' },
    share: { type: 'string', default: '0.4' },
  },
});
/** Calls per second of two workers to those of one. */
const GOAL = 1.6;
const calls = Number(values.calls);
const folder = scratch();
console.log(where());
const bench = await new Bench(folder).open();
const parts = { resume, workers, shares, memory };
const part = parts[positionals[0]];
if (part === undefined) throw new Error(`which of ${Object.keys(parts).join(', ')}?`);
await part();
bench.close();

/** Calls to node a, with the phones registering at a and at b in turn, call by call: what else the machine does is in both. */
async function resume() {
  const rate = Number(values.rate ?? 50);
  const redis = await startRedis(join(folder, 'redis'));
  const nodes = [];
  for (const name of ['a', 'b']) nodes.push(await startNode(join(folder, name), bench.surroundings, { redis, name }));
  const idle = await idleRate(redis);
  const server = { port: nodes[0].port, pids: () => nodes.flatMap((node) => node.pids()) };
  await bench.face(...nodes);
  await bench.wake(server, 200, Number(values.warm));
  const samples = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    const before = await figuresOf(redis);
    const begun = performance.now();
    const step = await bench.wake(server, rate, calls);
    const cost = between(before, await figuresOf(redis));
    const other = (idle * (performance.now() - begun)) / 1000;
    const { ms, at } = await bench.phones.ask('resumes');
    samples.push(...ms.map((value, n) => ({ value, group: at[n] })));
    console.log(
      `${step.pass ? 'pass' : 'FAIL'} ${calls} calls at a, ${rate}/s, push p50/p99 ${step.push.p50}/${step.push.p99} ms, ${resumes(samples.slice(-ms.length))}; ` +
        `CPU ${step.cpuMs} ms a call; others ${step.foreign}`,
    );
    // Each phone has registered twice before it is called, to be asleep: that is in the figures.
    console.log(
      `     Redis, with three REGISTERs: ${((cost.total - other) / calls).toFixed(1)} commands a call, ` +
        `${(cost.in / calls / 1000).toFixed(1)} kB in, ${(cost.out / calls / 1000).toFixed(1)} kB out, ` +
        `${((cost.cpu * 1000) / calls).toFixed(2)} ms CPU; idle ${idle.toFixed(1)}/s; ${JSON.stringify(cost.commands)}`,
    );
  }
  console.log(`all: ${resumes(samples)}`);
  for (const name of ['p50', 'p90', 'p99']) {
    const { difference, low, high } = differenceOf(samples, name, rate);
    console.log(
      `at b more than at a, ${name}: ${difference.toFixed(2)} ms (95 %: ${low.toFixed(2)} to ${high.toFixed(2)})`,
    );
  }
  for (const node of nodes) await node.stop();
  redis.stop();
}

function resumes(samples) {
  return ['a', 'b']
    .map((name, group) => {
      const { n, p50, p90, p99, max } = quantiles(
        samples.filter((one) => one.group === group).map(({ value }) => value),
      );
      return `resume at ${name} (${n}) p50/p90/p99/max ${p50}/${p90}/${p99}/${max} ms`;
    })
    .join(', ');
}

async function idleRate(redis) {
  const before = await figuresOf(redis);
  await sleep(3_000);
  return between(before, await figuresOf(redis)).total / 3;
}

/** A node of so many workers, each of which has made some calls already, and its Redis. */
async function warmSite(workers) {
  const redis = await startRedis(join(folder, `redis-${workers}`));
  const node = await startNode(join(folder, `workers-${workers}`), bench.surroundings, { redis, name: 'a', workers });
  await bench.face(node);
  await bench.wake(node, Number(values['warm-rate']), Number(values.warm) * workers);
  return { redis, node };
}

/** Processor time a call of each process, with one worker and with two. */
async function workers() {
  const rate = Number(values.rate ?? 200);
  for (const count of [1, 2]) {
    const { redis, node } = await warmSite(count);
    const before = cpuSeconds([redis.pid]);
    const step = await bench.wake(node, rate, calls);
    const ofRedis = ((cpuSeconds([redis.pid]) - before) * 1000) / calls;
    // As the tree of processes has them: the youngest child first.
    const [supervisor, ...apps] = step.cpuMsByProcess;
    const engine = apps.pop();
    const app = apps.reduce((sum, ms) => sum + ms, 0);
    const busiest = Math.max(engine, ...apps);
    const all = supervisor + engine + app + ofRedis;
    console.log(
      `${step.pass ? 'pass' : 'FAIL'} ${count} workers, ${rate}/s: CPU ms a call: apps ${apps.join(' + ')}, engine ${engine}, Redis ${ofRedis.toFixed(3)}; ` +
        `the busiest process allows ${Math.floor(1000 / busiest)} calls/s, two cores ${Math.floor(2000 / all)}; others ${step.foreign}`,
    );
    await node.stop();
    redis.stop();
  }
}

/**
 * The highest rate that one worker and two workers carry cleanly, each with the same part of a core to itself, while engine, Redis and what makes the load take
 * what they need of the rest: what more workers do where there are cores for them. Both climb in turn, so that what else the machine does is in both.
 */
async function shares() {
  const share = Number(values.share);
  const sites = [];
  for (const count of [1, 2]) {
    const { redis, node } = await warmSite(count);
    const apps = node.pids().filter((pid) => argumentsOf(pid).includes('app'));
    // Two begin where they would have reached the goal if that were all that one can do.
    const rate = Math.round(Number(values.rate ?? 50) * (count === 1 ? 1 : GOAL));
    sites.push({ count, redis, node, apps, rate, highest: 0, missed: 0 });
  }
  const release = sites.flatMap(({ apps }) => apps.map((pid) => limit(pid, share)));
  while (sites.some(({ missed }) => missed < 2)) {
    for (const site of sites) {
      if (site.missed >= 2) continue;
      const { count, node, apps, rate } = site;
      await bench.face(node);
      const step = await bench.wake(node, rate, rate * 4);
      const ofApps = step.cpuMsByProcess.filter((_, n) => apps.includes(node.pids()[n]));
      // With so small a part of a core each call waits for some of it: the last one's wait says nothing of the rate.
      const clean = step.ok === rate * 4 && step.failed + Object.values(step.repeats).reduce((a, b) => a + b) === 0;
      console.log(
        `${clean ? 'pass' : 'FAIL'} ${count} workers with ${share} of a core each, ${rate}/s: push p50/p99 ${step.push.p50}/${step.push.p99} ms, ` +
          `CPU ms a call: apps ${ofApps.join(' + ')}, all ${step.cpuMs}; repeats ${JSON.stringify(step.repeats)}; others ${step.foreign}`,
      );
      if (clean) [site.highest, site.missed] = [rate, 0];
      else site.missed++;
      site.rate = Math.round(rate * 1.08);
    }
  }
  for (const { node, redis } of sites) {
    await node.stop();
    redis.stop();
  }
  for (const end of release) end();
  const [one, two] = sites.map(({ highest }) => highest);
  console.log(`highest rate: ${one} and ${two} calls/s, ${(two / one).toFixed(2)} times`);
}

/** Bytes of Redis for a phone. */
async function memory() {
  const redis = await startRedis(join(folder, 'redis'));
  const node = await startNode(join(folder, 'a'), bench.surroundings, { redis, name: 'a' });
  await bench.face(node);
  const used = async () => Number(/^used_memory:(\d+)/m.exec(await redis.client.info('memory'))?.[1]);
  const before = await used();
  await bench.phones.ask('register', { count: calls });
  await sleep(1_000);
  const after = await used();
  const keys = await redis.client.keys('callwake:*:devices');
  const sizes = await Promise.all(keys.slice(0, 1_000).map((key) => redis.client.call('MEMORY', 'USAGE', key)));
  const mean = sizes.reduce((sum, size) => sum + Number(size), 0) / sizes.length;
  console.log(
    `${keys.length} phones: ${Math.round((after - before) / calls)} bytes of used_memory each, ${Math.round(mean)} of them the key with its value`,
  );
  await node.stop();
  redis.stop();
}
