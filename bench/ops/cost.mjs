import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../dist/clock/clock.js';
import { mintToken } from '../../dist/ops/http/tokens.js';
import { freePort } from '../harness/servers.mjs';
import { Bench } from '../wake/bench.mjs';
import { callwake } from '../wake/servers.mjs';

const SECRET = randomBytes(32).toString('base64');
const SCOPES = ['status:read', 'calls:read', 'devices:read'];
const NO_WATCH = fileURLToPath(new URL('../harness/no-watch.mjs', import.meta.url));

/** A token that may read everything, for half an hour. */
export const token = () =>
  mintToken(
    { secret: SECRET, audience: 'callwake' },
    { subject: 'bench', scopes: SCOPES, lifetime: 1_800_000 },
    systemClock,
  );

/** Settings of the API for the bench. */
export async function apiSettings() {
  return { port: await freePort(), jwt: { secret: SECRET }, rateLimit: { perSecond: 1000, burst: 1000 } };
}

/** Wake calls with everything that watches, and without, in turns. */
export async function cost(folder, { rounds, rate, seconds, goal }) {
  const api = await apiSettings();
  const watched = { api, timeline: { messages: true, folder: join(folder, 'calls') } };
  const on = await side(join(folder, 'on'), watched);
  process.env.NODE_OPTIONS = `--import ${NO_WATCH}`;
  const off = await side(join(folder, 'off'), { api: { enabled: false } });
  delete process.env.NODE_OPTIONS;
  const cpu = { on: [], off: [] };
  for (let round = 0; round <= rounds; round++) {
    for (const [name, side] of round % 2 === 0
      ? [
          ['on', on],
          ['off', off],
        ]
      : [
          ['off', off],
          ['on', on],
        ]) {
      const eyes = name === 'on' ? watching(`http://127.0.0.1:${api.port}`) : undefined;
      const step = await side.bench.wake(side.server, rate, rate * seconds);
      eyes?.();
      // The first round warms both up.
      if (round > 0) cpu[name].push(step.cpuMs);
      console.log(
        JSON.stringify({
          round,
          name,
          pass: step.pass,
          ok: step.ok,
          cpuMs: step.cpuMs,
          push: step.push,
          foreign: step.foreign,
        }),
      );
    }
  }
  const ratio = median(cpu.off) / median(cpu.on);
  console.log(
    JSON.stringify({
      cpuMsACall: { on: median(cpu.on), off: median(cpu.off) },
      callsPerSecondOnAgainstOff: round3(ratio),
    }),
  );
  goal(ratio >= 0.95, `on against off ${round3(ratio)}`);
  for (const { server, bench } of [on, off]) {
    await server.stop();
    bench.close();
  }
}

/** A callwake with a measuring side of its own. */
async function side(folder, settings) {
  mkdirSync(folder, { recursive: true });
  const bench = await new Bench(folder).open();
  const server = await callwake(folder, { ...bench.surroundings, log: 'warn', hold: '13s', settings });
  await bench.face(server);
  return { bench, server };
}

/** An open dashboard's overview and a Prometheus. Gives what ends them. */
function watching(url) {
  const headers = { authorization: `Bearer ${token()}` };
  const abort = new AbortController();
  const ask = (path) => fetch(url + path, { headers, signal: abort.signal }).then((answer) => answer.text());
  let asked = 0;
  const events = async () => {
    const answer = await fetch(`${url}/v1/events`, { headers, signal: abort.signal });
    for await (const _ of answer.body) {
      if (performance.now() - asked < 1000) continue;
      asked = performance.now();
      await ask('/v1/overview');
    }
  };
  const quietly = (promise) => promise.catch((error) => abort.signal.aborted || console.error(String(error)));
  void quietly(events());
  const scraper = setInterval(() => void quietly(ask('/metrics')), 5000);
  return () => {
    clearInterval(scraper);
    abort.abort();
  };
}

const round3 = (value) => Math.round(value * 1000) / 1000;

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
