// What the benchmarks of a site are made of: Redis from Debian, and callwake on it as `callwake start` runs it.
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { cpuSeconds, sleep } from '../harness/machine.mjs';
import { freePort } from '../harness/servers.mjs';
import { callwake } from '../wake/servers.mjs';

/** A Redis with an append-only file, as docs/cluster.md has it. */
export async function startRedis(folder) {
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'yes'];
  const child = spawn('redis-server', args, { stdio: 'ignore' });
  process.on('exit', () => child.kill('SIGKILL'));
  const client = new Redis({ port, host: '127.0.0.1', lazyConnect: true, retryStrategy: () => 50 });
  client.on('error', () => {});
  await client.connect().catch(() => {});
  while ((await client.ping().catch(() => '')) !== 'PONG') await sleep(50);
  return {
    url: `redis://127.0.0.1:${port}`,
    pid: child.pid,
    client,
    stop() {
      client.disconnect();
      child.kill('SIGTERM');
    },
  };
}

/** A node of a site. */
export function startNode(folder, surroundings, { redis, name, workers = 1 }) {
  const settings = {
    cluster: { node: name },
    store: { kind: 'redis', path: join(folder, 'data'), redis: { urls: [redis.url] } },
  };
  return callwake(folder, { ...surroundings, log: 'warn', hold: '13s', settings, workers });
}

/** Commands by name, bytes and processor seconds of a Redis since it was started or told to forget. */
export async function figuresOf({ client, pid }) {
  const commands = {};
  for (const [, name, calls] of (await client.info('commandstats')).matchAll(/^cmdstat_(\S+?):calls=(\d+)/gm)) {
    commands[name] = Number(calls);
  }
  const stats = await client.info('stats');
  const figure = (name) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(stats)?.[1]);
  return {
    commands,
    in: figure('total_net_input_bytes'),
    out: figure('total_net_output_bytes'),
    cpu: cpuSeconds([pid]),
  };
}

/** What came between two of {@link figuresOf}. */
export function between(before, after) {
  const commands = Object.entries(after.commands)
    .map(([name, calls]) => [name, calls - (before.commands[name] ?? 0)])
    .filter(([name, calls]) => calls > 0 && !/^(info|config|ping|client)/.test(name));
  return {
    commands: Object.fromEntries(commands.sort((a, b) => b[1] - a[1])),
    total: commands.reduce((sum, [, calls]) => sum + calls, 0),
    in: after.in - before.in,
    out: after.out - before.out,
    cpu: after.cpu - before.cpu,
  };
}
