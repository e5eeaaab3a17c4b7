// A client in a process of its own: reads lines of JSON, does what each says, writes what it saw as one line each. The first names the client.
import { createInterface } from 'node:readline';
import { quantiles } from '../harness/machine.mjs';
import { clients } from './clients.mjs';

const TOKEN = 'ab'.repeat(32);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { client: name, server } = JSON.parse((await lines.next()).value);
const client = await clients[name](server);

async function inFlight(count, width) {
  let left = count;
  let failed = 0;
  const worker = async () => {
    while (left-- > 0) {
      await client.push(TOKEN).catch(() => failed++);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return { failed };
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
  /** Some pushes, always `width` under way. */
  async flood({ count, width }) {
    const cpu = process.cpuUsage();
    const startedAt = performance.now();
    const { failed } = await inFlight(count, width);
    const ms = performance.now() - startedAt;
    const { user, system } = process.cpuUsage(cpu);
    return { count, ms, cpu: (user + system) / 1e6, failed, rss: Math.round(process.memoryUsage.rss() / 1e6) };
  },
  /** Some pushes at a steady rate. */
  rate: ({ count, perSecond }) => atRate(count, perSecond, () => TOKEN, 5000),
  async trouble({ tokens, perSecond, patienceMs }) {
    const { times, failed } = await atRate(tokens.length, perSecond, (n) => tokens[n], patienceMs);
    const { max } = quantiles(times);
    return { told: times.length - failed, failed, hung: tokens.length - times.length, max, reasons: [...reasons] };
  },
};

process.on('uncaughtException', (error) => {
  reasons.set(`uncaught: ${error.message}`, 1);
});
for await (const line of lines) {
  const order = JSON.parse(line);
  process.stdout.write(`${JSON.stringify(await jobs[order.job](order))}\n`);
}
await client.close();
process.exit(0);
