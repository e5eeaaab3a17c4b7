// Measures a SIP engine under drachtio-srf: the embedded one, or a drachtio-server that is already running.
// See ../README.md for the commands. Loopback only; every run is bounded in calls and time.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measureLatency } from './latency.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    engine: { type: 'string', default: 'embedded' }, // or drachtio://host:port/secret
    pid: { type: 'string' }, // of that drachtio-server
    sip: { type: 'string', default: '127.0.0.10:5060' },
    rates: { type: 'string', default: '200,400,600,800,1000,1200' },
    seconds: { type: 'string', default: '8' },
    transport: { type: 'string', default: 'udp' },
    held: { type: 'string', default: '5000' },
    times: { type: 'string', default: '2,3' }, // of overload
    app: { type: 'string' }, // of latency and overload: b2bua or proxy
    pin: { type: 'boolean', default: false }, // engine and application on core 0 (a drachtio-server: start it so), callers and callees on core 1
    node: { type: 'string', default: '--max-semi-space-size=64' }, // for the embedded engine; `callwake start` gives it the same
    json: { type: 'boolean', default: false }, // a line of JSON with each result
  },
});
const [job = 'b2bua'] = positionals;
const appJob = job === 'latency' ? (options.app ?? 'proxy') : job === 'overload' ? (options.app ?? 'b2bua') : job;
const [sipHost = ''] = options.sip.split(':');
if (!sipHost.startsWith('127.')) throw new Error('loopback addresses only');
const network = sipHost.slice(0, sipHost.lastIndexOf('.'));
const CALLEE = `${network}.30:5070`;
const CALLER = `${network}.20`;
const folder = mkdtempSync(join(tmpdir(), 'engine-bench-'));
const children = [];

function report(text, result) {
  console.log(text);
  if (options.json) console.log(JSON.stringify({ job, ...result }));
}

function run(command, args, { stdio = ['ignore', 'pipe', 'inherit'], env, core = 0 } = {}) {
  const [file, ...rest] = options.pin ? ['taskset', '-c', String(core), command, ...args] : [command, ...args];
  const child = spawn(file, rest, { stdio, env: { ...process.env, ...env } });
  children.push(child);
  return child;
}

function firstLine(child) {
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', (line) => resolve(JSON.parse(line)));
    child.once('exit', (code) => reject(new Error(`ended with ${code} before it was ready`)));
  });
}

async function startEngine() {
  if (options.engine !== 'embedded') {
    const [, control, secret] = /^drachtio:\/\/([^/]+)\/(.+)$/.exec(options.engine);
    return { name: 'drachtio-server', control, secret, pid: Number(options.pid) };
  }
  const cli = join(here, '../../dist/cli.js');
  const contact = `sip:${options.sip};transport=udp,tcp`;
  const child = run(
    process.execPath,
    [
      ...options.node.split(' ').filter(Boolean),
      cli,
      'engine',
      '--contact',
      contact,
      '--control',
      '127.0.0.1:0',
      '--with-parent',
    ],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { CALLWAKE_ENGINE_SECRET: 'bench' },
    },
  );
  const ready = await firstLine(child);
  return { name: 'embedded', control: `127.0.0.1:${ready.control[0].port}`, secret: 'bench', pid: child.pid };
}

/** User and system time of a process in seconds, all its threads. */
function cpuOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function rssOf(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function sipp(scenario, extra) {
  const args = [
    '-sf',
    join(here, scenario),
    '-t',
    options.transport === 'tcp' ? 't1' : 'u1',
    '-nostdin',
    '-buff_size',
    '4194304',
    ...extra,
  ];
  return run('sipp', args, { stdio: ['ignore', 'ignore', 'ignore'], core: 1 });
}

const exited = (child) =>
  child.exitCode !== null ? Promise.resolve(child.exitCode) : new Promise((r) => child.once('exit', r));

/** The lines of sipp's statistics, one a second, each by column name. */
function stats(file) {
  const [head, ...rows] = readFileSync(file, 'utf8').trim().split('\n');
  const names = head.split(';');
  return rows.map((row) => Object.fromEntries(row.split(';').map((value, i) => [names[i], value])));
}

const callsAt = (rate) => [options.sip, '-i', CALLER, '-p', '5080', '-r', String(rate), '-l', '100000'];
const statsTo = (file) => ['-trace_stat', '-stf', file, '-fd', '1'];

async function step(engine, app, scenario, rate, seconds) {
  const file = join(folder, `stat-${rate}.csv`);
  const calls = Math.round(rate * seconds);
  const before = [cpuOf(engine.pid), cpuOf(app.pid)];
  const started = performance.now();
  const uac = sipp(scenario, [
    ...callsAt(rate),
    ...statsTo(file),
    '-m',
    String(calls),
    '-timeout',
    String(seconds + 40),
    '-recv_timeout',
    '35000',
  ]);
  await exited(uac);
  const took = (performance.now() - started) / 1000;
  const [engineCpu, appCpu] = [cpuOf(engine.pid) - before[0], cpuOf(app.pid) - before[1]];
  const row = stats(file).at(-1);
  const ok = Number(row['SuccessfulCall(C)']);
  const failed = Number(row['FailedCall(C)']);
  const again = Number(row['Retransmissions(C)']);
  const clean = ok === calls && failed === 0 && again === 0 && took < seconds * 1.15 + 1;
  const cpu = (1000 * engineCpu) / Math.max(ok, 1);
  const cores = (cpu) => `${((100 * cpu) / Math.max(seconds, took)).toFixed(0)} %`;
  report(
    `${engine.name.padEnd(16)} ${job.padEnd(9)} ${String(rate).padStart(6)}/s  ${clean ? 'clean' : 'NOT  '} ok ${ok}/${calls} failed ${failed} retransmitted ${again}` +
      `  engine ${cores(engineCpu)} ${cpu.toFixed(3)} ms/call, app ${cores(appCpu)}, engine RSS ${rssOf(engine.pid).toFixed(0)} MB`,
    { rate, clean, calls, ok, failed, again, cpu },
  );
  return clean;
}

/** 4,000 calls, so that compilers have done their work. */
async function warmUp(engine, app, scenario) {
  await step(engine, app, scenario, 400, 10);
  await sleep(1000);
}

async function main() {
  const engine = await startEngine();
  const app = run(process.execPath, [join(here, 'app.mjs'), appJob, engine.control, engine.secret, CALLEE]);
  await firstLine(app);
  const [calleeHost, calleePort] = CALLEE.split(':');
  if (job === 'b2bua' || job === 'proxy' || job === 'overload') {
    sipp('uas.xml', ['-i', calleeHost, '-p', calleePort]);
  }
  await sleep(500);
  if (job === 'hold') return hold(engine, app);
  if (job === 'latency') return latency(engine, calleeHost, Number(calleePort));
  if (job === 'overload') return overload(engine, app);
  await warmUp(engine, app, scenarioOf());
  await capacity(engine, app);
}

const scenarioOf = () => (job === 'register' ? 'register.xml' : 'uac.xml');

/** The highest clean rate of those given, in ascending order; one that isn't clean has a second try, then that was all. */
async function capacity(engine, app) {
  let best = 0;
  let misses = 0;
  for (const rate of options.rates.split(',').map(Number)) {
    for (misses = 0; misses < 2; misses++) {
      const clean = await step(engine, app, scenarioOf(), rate, Number(options.seconds));
      await sleep(1500);
      if (!clean) continue;
      best = rate;
      break;
    }
    if (misses === 2) break;
  }
  report(`${engine.name} ${job} ${options.transport}: highest clean rate of these ${best}/s`, { capacity: best });
  return best;
}

/** Forward latency of the INVITE at the first rate given. */
async function latency(engine, host, port) {
  const rate = Number(options.rates.split(',')[0]);
  const [sipHost, sipPort] = options.sip.split(':');
  const ends = {
    caller: { host: CALLER, port: 5080 },
    callee: { host, port },
    sip: { host: sipHost, port: Number(sipPort) },
  };
  await measureLatency({ ...ends, rate: 400, calls: 4000 }); // compilers have done their work then
  const calls = Math.round(rate * Number(options.seconds));
  const { took, completed } = await measureLatency({ ...ends, rate, calls });
  const at = (share) => took[Math.min(took.length - 1, Math.floor(share * took.length))]?.toFixed(2);
  report(
    `${engine.name.padEnd(16)} latency ${appJob} ${rate}/s  INVITE in to INVITE out: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms` +
      `  (${took.length} of ${calls} forwarded, ${completed} completed)`,
    { app: appJob, p50: Number(at(0.5)), p99: Number(at(0.99)), max: Number(at(1)), calls, completed },
  );
}

/**
 * Calls completed a second while more are offered than can be done: `--times` the highest clean rate of `--rates`, which is found first. The first
 * quarter of the time isn't counted.
 */
async function overload(engine, app) {
  const seconds = 2 * Number(options.seconds);
  await warmUp(engine, app, 'uac.xml');
  const clean = await capacity(engine, app);
  for (const times of options.times.split(',').map(Number)) {
    const rate = Math.round(clean * times);
    const file = join(folder, `overload-${rate}.csv`);
    const uac = sipp('overload.xml', [...callsAt(rate), ...statsTo(file), '-timeout', `${seconds + 5}s`]);
    await sleep(seconds * 250);
    const before = [engine, app, uac].map(({ pid }) => cpuOf(pid));
    await sleep(seconds * 750);
    const cores = [engine, app, uac].map(
      ({ pid }, n) => `${Math.round(((cpuOf(pid) - before[n]) / seconds / 0.75) * 100)} %`,
    );
    uac.kill('SIGKILL'); // told to end, it would wait for every call
    await exited(uac);
    const rows = stats(file).map((row) => ({
      at: Number(
        row['ElapsedTime(C)']
          .split(':')
          .slice(0, 3)
          .reduce((sum, part) => sum * 60 + Number(part), 0),
      ),
      created: Number(row.TotalCallCreated),
      done: Number(row['GenericCounter1(C)']),
      refused: Number(row['GenericCounter2(C)']),
      again: Number(row['Retransmissions(C)']),
    }));
    const last = rows.findLast(({ at }) => at <= seconds - 0.5) ?? rows.at(-1);
    const first = rows.find(({ at }) => at >= seconds / 4) ?? rows[0];
    const perSecond = (key) => Math.round((last[key] - first[key]) / (last.at - first.at));
    const seen = {
      offered: perSecond('created'),
      completed: perSecond('done'),
      refused: perSecond('refused'),
      again: perSecond('again'),
    };
    report(
      `${engine.name.padEnd(16)} overload ${appJob}: offered ${seen.offered}/s, completed ${seen.completed}/s, told 503 ${seen.refused}/s, retransmitted ${seen.again}/s` +
        `, ${(seen.completed / clean).toFixed(2)} of the highest clean rate  (of a core: engine ${cores[0]}, app ${cores[1]}, caller ${cores[2]})`,
      { times, clean, ...seen },
    );
    await sleep(3000);
  }
}

/**
 * Memory of INVITEs that nobody answers. From the start: what the process grew by for the first ones, its heap's room to work in
 * included; each more: what it grows by for as many again.
 */
async function hold(engine, app) {
  const held = Number(options.held);
  const rss = () => [rssOf(engine.pid), rssOf(app.pid)];
  const callers = [];
  const seen = [rss()];
  for (const port of ['5080', '5081']) {
    const calls = [
      '-i',
      CALLER,
      '-p',
      port,
      options.sip,
      '-r',
      '500',
      '-m',
      String(held),
      '-l',
      '100000',
      '-timeout',
      '90',
    ];
    callers.push(sipp('hold.xml', calls));
    await sleep((held / 500) * 1000 + 3000);
    seen.push(rss());
  }
  const each = (i, from, to) => (((seen[to][i] - seen[from][i]) * 1024) / (held * (to - from))).toFixed(1);
  report(
    `${engine.name.padEnd(16)} hold: engine ${each(0, 0, 1)} KB for each of the first ${held}, ${each(0, 1, 2)} KB for each of ${held} more, ${each(0, 0, 2)} KB over all` +
      `  (app ${each(1, 0, 1)}, ${each(1, 1, 2)}, ${each(1, 0, 2)})`,
    { first: Number(each(0, 0, 1)), more: Number(each(0, 1, 2)), all: Number(each(0, 0, 2)) },
  );
  for (const caller of callers) caller.kill('SIGTERM');
  await Promise.all(callers.map(exited));
}

try {
  await main();
} finally {
  for (const child of children) child.kill('SIGTERM');
  rmSync(folder, { recursive: true, force: true });
}
