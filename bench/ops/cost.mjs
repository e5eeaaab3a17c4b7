import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../dist/clock/clock.js';
import { mintToken } from '../../dist/ops/http/tokens.js';
import { freePort, UNBUNDLED } from '../harness/servers.mjs';
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

/**
 * Wake calls with nothing that watches (`off`), with what a callwake has by itself (`on`: timeline, metrics, API, an open dashboard, a
 * Prometheus), and with SIP messages and timeline files besides (`all`), in turns: processor time a call at one rate.
 */
export async function cost(folder, { rounds, rate, seconds, names, goal }) {
  const api = { on: await apiSettings(), all: await apiSettings() };
  const sides = new Map();
  for (const name of names) {
    if (name === 'off') process.env.NODE_OPTIONS = `--import ${NO_WATCH}`;
    const all = { messages: true, folder: join(folder, 'calls') };
    const settings =
      name === 'off'
        ? { api: { enabled: false }, timeline: { messages: false } }
        : { api: api[name], timeline: name === 'all' ? all : { messages: false } };
    sides.set(name, await side(join(folder, name), settings));
    delete process.env.NODE_OPTIONS;
  }
  const cpu = Object.fromEntries(names.map((name) => [name, []]));
  // The first round warms all of them up.
  for (let round = 0; round <= rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const { bench, server } = sides.get(name);
      const eyes = name === 'off' ? () => {} : watching(`http://127.0.0.1:${api[name].port}`);
      const step = await bench.wake(server, rate, rate * seconds);
      eyes();
      if (round > 0) cpu[name].push(step);
      const { pass, ok, cpuMs, cpuMsByProcess, push, foreign } = step;
      console.log(JSON.stringify({ round, name, pass, ok, cpuMs, cpuMsByProcess, push, foreign }));
    }
  }
  const median = (name) => middle(cpu[name].map(({ cpuMs }) => cpuMs));
  for (const name of names) {
    const unclean = cpu[name].filter(({ pass }) => !pass).length;
    const ratio = round3(median('off') / median(name));
    console.log(JSON.stringify({ name, cpuMsACall: median(name), callsPerSecondAgainstOff: ratio, unclean }));
    goal(unclean === 0, `${name}: ${unclean} rounds were not clean`);
    goal(ratio >= 0.95, `${name} against off ${ratio}`);
  }
  for (const { server, bench } of sides.values()) {
    await server.stop();
    bench.close();
  }
}

/** A callwake with a measuring side of its own. */
async function side(folder, settings) {
  mkdirSync(folder, { recursive: true });
  const bench = await new Bench(folder).open();
  const server = await callwake(folder, {
    ...bench.surroundings,
    log: 'warn',
    hold: '13s',
    settings,
    program: UNBUNDLED,
  });
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

function middle(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
