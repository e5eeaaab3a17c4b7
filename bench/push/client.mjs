// A client in a process of its own: reads one line of JSON, does what it says, writes what it saw as one line.
import { createInterface } from 'node:readline';
import { quantiles } from '../harness/machine.mjs';
import { clients } from './clients.mjs';

const TOKEN = 'ab'.repeat(32);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const order = JSON.parse((await lines.next()).value);
const client = await clients[order.client](order.server);

async function inFlight(count, width) {
  let left = count;
  const times = [];
  let failed = 0;
  const worker = async () => {
    while (left-- > 0) {
      const startedAt = performance.now();
      await client.push(TOKEN).catch(() => failed++);
      times.push(performance.now() - startedAt);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return { times, failed };
}

/** Pushes at a steady rate; each token is asked for, or always the same. */
async function atRate(count, perSecond, tokenOf, patienceMs) {
  const times = [];
  const ends = [];
  let failed = 0;
  const startedAt = performance.now();
  for (let n = 0; n < count; n++) {
    const wait = startedAt + (n * 1000) / perSecond - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    const sentAt = performance.now();
    const ended = client.push(tokenOf(n)).then(
      () => times.push(performance.now() - sentAt),
      (error) => {
        failed++;
        times.push(performance.now() - sentAt);
        reasons.set(String(error.message ?? error), (reasons.get(String(error.message ?? error)) ?? 0) + 1);
      },
    );
    ends.push(ended);
  }
  const late = new Promise((resolve) => setTimeout(resolve, patienceMs));
  await Promise.race([Promise.all(ends), late]);
  return { times, failed };
}

const reasons = new Map();
const jobs = {
  async throughput({ count, width }) {
    await inFlight(Math.min(count, 3000), width);
    const cpu = process.cpuUsage();
    const startedAt = performance.now();
    const { times, failed } = await inFlight(count, width);
    const seconds = (performance.now() - startedAt) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    const { p50, p99 } = quantiles(times);
    return {
      perSecond: Math.round(count / seconds),
      cpu: Math.round(((user + system) / 1e6 / count) * 1e4 * 1000) / 1000,
      p50,
      p99,
      failed,
      rss: Math.round(process.memoryUsage.rss() / 1e6),
    };
  },
  async rate({ count, perSecond }) {
    await atRate(200, perSecond, () => TOKEN, 5000);
    const { times, failed } = await atRate(count, perSecond, () => TOKEN, 5000);
    const { p50, p99 } = quantiles(times);
    return { p50, p99, failed };
  },
  async trouble({ tokens, perSecond, patienceMs }) {
    const { times, failed } = await atRate(tokens.length, perSecond, (n) => tokens[n], patienceMs);
    const { max } = quantiles(times);
    return { told: times.length - failed, failed, hung: tokens.length - times.length, max, reasons: [...reasons] };
  },
};

process.on('uncaughtException', (error) => {
  reasons.set(`uncaught: ${error.message}`, 1);
});
process.stdout.write(`${JSON.stringify(await jobs[order.job](order))}\n`);
await client.close();
process.exit(0);
