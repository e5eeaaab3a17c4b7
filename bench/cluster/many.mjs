// Redis with the phones of a large site, and the commands of wake calls on top: memory, processor time, latency.
// After `npm run build`: node bench/cluster/many.mjs [--phones 10000000] [--calls 40000] [--at-once 64]; or the two halves by themselves:
// node bench/cluster/many.mjs fill [--phones N], and while that runs node bench/cluster/many.mjs call --redis URL [--phones N] ...
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Redis } from 'ioredis';
import { systemClock } from '../../dist/clock/clock.js';
import { encodeDevices } from '../../dist/store/redis/codec.js';
import { DEFAULT_REDIS } from '../../dist/store/redis/options.js';
import { RedisStore } from '../../dist/store/redis/redis-store.js';
import { CLAIM, RELEASE, TAKE } from '../../dist/store/redis/scripts.js';
import { aorOf, deviceOf } from '../harness/filled-store.mjs';
import { quantiles, sleep, where } from '../harness/machine.mjs';
import { scratch } from '../harness/servers.mjs';
import { between, figuresOf, startRedis } from './site.mjs';

const CLIENTS = 2;
const DAY = 86_400_000;
/** As long as what the journal keeps of the INVITE of a CUCM. */
const INVITE = 'x'.repeat(1_800);

if (isMainThread) await main();
else await { fill, call }[workerData.job](workerData);

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      phones: { type: 'string', default: '10000000' },
      calls: { type: 'string', default: '40000' },
      'at-once': { type: 'string', default: '64' },
      redis: { type: 'string' },
    },
  });
  const [phones, calls, atOnce] = [values.phones, values.calls, values['at-once']].map(Number);
  const [only] = positionals;
  console.log(where());
  const redis = values.redis === undefined ? await startRedis(join(scratch(), 'redis')) : await redisAt(values.redis);
  if (only !== 'call') await filled(redis, phones);
  if (only !== 'fill') await called(redis, { phones, calls, atOnce });
  if (only === 'fill') {
    console.log(`--redis ${redis.url}; SIGTERM to ${process.pid} ends it`);
    await once(process, 'SIGTERM');
  }
  redis.stop();
}

/** One that another process has filled. */
async function redisAt(url) {
  const client = new Redis(url);
  const pid = Number(/^process_id:(\d+)/m.exec(await client.info('server'))?.[1]);
  return { url, pid, client, stop: () => client.disconnect() };
}

async function filled(redis, phones) {
  // All of it goes into the file at once, when it is there.
  await redis.client.config('SET', 'appendonly', 'no');
  const memory = async (name) =>
    Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(await redis.client.info('memory'))?.[1]);
  const empty = await memory('used_memory');
  const begun = performance.now();
  await inThreads(CLIENTS, (n) => ({ job: 'fill', url: redis.url, from: share(phones, n), to: share(phones, n + 1) }));
  const full = await memory('used_memory');
  console.log(
    `${phones} phones in ${((performance.now() - begun) / 1000).toFixed(0)} s: ${((full - empty) / 1e9).toFixed(2)} GB, ${Math.round((full - empty) / phones)} bytes each; ` +
      `resident ${((await memory('used_memory_rss')) / 1e9).toFixed(2)} GB`,
  );
  await redis.client.config('SET', 'appendonly', 'yes');
  while (/aof_rewrite_in_progress:1|aof_rewrite_scheduled:1/.test(await redis.client.info('persistence'))) {
    await sleep(500);
  }
  const persistence = await redis.client.info('persistence');
  const figure = (name) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(persistence)?.[1]);
  console.log(
    `append-only file: ${(figure('aof_current_size') / 1e9).toFixed(2)} GB, written in ${figure('aof_last_rewrite_time_sec')} s`,
  );
}

/** Wake calls of phones all over; the first round is for the compiler of the clients. */
async function called(redis, { phones, calls, atOnce }) {
  for (const round of [1, 2, 3]) {
    const before = { ...(await figuresOf(redis)), at: performance.now() };
    const times = await inThreads(CLIENTS, (n) => ({
      job: 'call',
      url: redis.url,
      node: `node-${n}`,
      phones,
      calls: calls / CLIENTS,
      atOnce: atOnce / CLIENTS,
      salt: round * CLIENTS + n,
    }));
    const seconds = (performance.now() - before.at) / 1000;
    const cost = between(before, await figuresOf(redis));
    const cpu = (cost.cpu * 1000) / calls;
    const { p50, p99 } = quantiles(times.flat());
    console.log(
      `${calls} wake calls, ${atOnce} at once: ${Math.round(calls / seconds)}/s, ${cpu.toFixed(3)} ms of Redis a call, so ${Math.round(1000 / cpu)}/s for a core; ` +
        `${(cost.total / calls).toFixed(1)} commands a call with those in scripts, ${(cost.in / calls / 1000).toFixed(1)} kB in, ${(cost.out / calls / 1000).toFixed(1)} kB out; ` +
        `all commands of a call p50/p99 ${p50.toFixed(2)}/${p99.toFixed(2)} ms`,
    );
  }
}

function share(count, n) {
  return Math.floor((count * n) / CLIENTS);
}

function inThreads(count, dataOf) {
  return Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const worker = new Worker(new URL(import.meta.url), { workerData: dataOf(n) });
      const [answer] = await once(worker, 'message');
      await worker.terminate();
      return answer;
    }),
  );
}

/** Phones `from` to `to` as {@link RedisStore} writes them: devices with an expiry, and the AOR in the index. */
async function fill({ url, from, to }) {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  await once(socket, 'connect');
  let answers = 0;
  socket.on('data', (data) => {
    for (const byte of data) if (byte === 0x0a) answers++;
  });
  const { keys } = storeOf(url, 'fill');
  let sent = 0;
  for (let n = from; n < to; ) {
    const parts = [];
    for (const end = Math.min(to, n + 500); n < end; n++, sent += 2) {
      const aor = aorOf(n);
      const version = Buffer.from(`${Date.now() * 1000} `);
      const value = Buffer.concat([version, encodeDevices([deviceOf(n)])]);
      parts.push(command('SET', keys.devices(aor), value, 'PXAT', String(Date.now() + 30 * DAY)));
      parts.push(command('ZADD', keys.index(keys.partOf(aor)), '0', aor));
    }
    if (!socket.write(Buffer.concat(parts))) await once(socket, 'drain');
  }
  while (answers < sent) await new Promise((resolve) => setTimeout(resolve, 20));
  socket.destroy();
  parentPort.postMessage('done');
}

function command(...parts) {
  const all = [Buffer.from(`*${parts.length}\r\n`)];
  for (const part of parts) {
    const bytes = Buffer.from(part);
    all.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'));
  }
  return Buffer.concat(all);
}

function storeOf(url, node) {
  return new RedisStore({
    redis: { ...DEFAULT_REDIS, urls: [url] },
    clock: systemClock,
    node,
    cache: 1,
    lastsUntil: () => Date.now() + 30 * DAY,
  });
}

/** What a node asks of Redis for a call to a sleeping phone and the REGISTER that follows the push. */
async function call({ url, node, phones, calls, atOnce, salt }) {
  const store = storeOf(url, node);
  await store.link.up();
  const { link, keys } = store;
  const times = [];
  const one = async (i) => {
    const n = Number((BigInt(i + 1) * 2_654_435_761n * BigInt(salt + 7)) % BigInt(phones));
    const aor = aorOf(n);
    const uuid = `${node}-${salt}-${i}`;
    const key = `${aor} ${uuid}`;
    const record = {
      info: { aor, callUuid: uuid, callId: uuid, from: 'sip:2001@corp.example' },
      legs: [{ device: uuid }],
      port: { raw: INVITE },
    };
    const begun = performance.now();
    await store.devicesOf(aor);
    await store.shared(`preferences ${aor}`);
    await link.script(CLAIM, [keys.holders(aor), keys.calls(aor)], [uuid, node, '', DAY]);
    await store.putCall(key, record);
    await link.script(TAKE, [keys.pushes(aor, uuid)], [30, 3_600_000]);
    await store.putCall(key, { ...record, pushed: true });
    await store.changeDevices(aor, (known) => ({
      devices: known.map((device) => ({ ...device, seenAt: Date.now() })),
      result: undefined,
    }));
    await store.queued(aor, 10);
    await store.putCall(key, { ...record, ringing: true });
    await store.putCall(key, { ...record, answered: true });
    await link.script(RELEASE, [keys.holders(aor)], [uuid, node]);
    await store.removeCall(key);
    times.push(performance.now() - begun);
  };
  let next = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < calls) await one(next++);
    }),
  );
  await store.close();
  parentPort.postMessage(times);
}
