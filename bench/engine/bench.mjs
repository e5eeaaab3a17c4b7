// Measures a SIP engine under drachtio-srf: the embedded one, or a drachtio-server that is already running.
// See ../README.md for the commands. Loopback only; every run is bounded in calls and time.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

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
  },
});
const [job = 'b2bua'] = positionals;
const [sipHost = ''] = options.sip.split(':');
if (!sipHost.startsWith('127.')) throw new Error('loopback addresses only');
const CALLEE = '127.0.0.30:5070';
const CALLER = '127.0.0.20';
const folder = mkdtempSync(join(tmpdir(), 'engine-bench-'));
const children = [];

function run(command, args, { stdio = ['ignore', 'pipe', 'inherit'], env } = {}) {
  const child = spawn(command, args, { stdio, env: { ...process.env, ...env } });
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
    [cli, 'engine', '--contact', contact, '--control', '127.0.0.1:0', '--with-parent'],
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
  const args = ['-sf', join(here, scenario), '-t', options.transport === 'tcp' ? 't1' : 'u1', '-nostdin', ...extra];
  return run('sipp', args, { stdio: ['ignore', 'ignore', 'ignore'] });
}

const exited = (child) =>
  child.exitCode !== null ? Promise.resolve(child.exitCode) : new Promise((r) => child.once('exit', r));

/** Last line of sipp's statistics by column name. */
function stats(file) {
  const [head, ...rows] = readFileSync(file, 'utf8').trim().split('\n');
  const last = rows.at(-1).split(';');
  return Object.fromEntries(head.split(';').map((name, i) => [name, last[i]]));
}

async function step(engine, app, scenario, rate, seconds) {
  const file = join(folder, `stat-${rate}.csv`);
  const calls = Math.round(rate * seconds);
  const before = [cpuOf(engine.pid), cpuOf(app.pid)];
  const started = performance.now();
  const uac = sipp(scenario, [
    '-i',
    CALLER,
    '-p',
    String(5080),
    options.sip,
    '-r',
    String(rate),
    '-m',
    String(calls),
    '-l',
    '100000',
    '-trace_stat',
    '-stf',
    file,
    '-fd',
    '1',
    '-timeout',
    String(seconds + 40),
    '-recv_timeout',
    '35000',
  ]);
  await exited(uac);
  const took = (performance.now() - started) / 1000;
  const [engineCpu, appCpu] = [cpuOf(engine.pid) - before[0], cpuOf(app.pid) - before[1]];
  const row = stats(file);
  const ok = Number(row['SuccessfulCall(C)']);
  const failed = Number(row['FailedCall(C)']);
  const again = Number(row['Retransmissions(C)']);
  const clean = ok === calls && failed === 0 && again === 0 && took < seconds * 1.15 + 1;
  const cores = (cpu) => `${((100 * cpu) / Math.max(seconds, took)).toFixed(0)} %`;
  console.log(
    `${engine.name.padEnd(16)} ${job.padEnd(9)} ${String(rate).padStart(6)}/s  ${clean ? 'clean' : 'NOT  '} ok ${ok}/${calls} failed ${failed} retransmitted ${again}` +
      `  engine ${cores(engineCpu)} ${((1000 * engineCpu) / Math.max(ok, 1)).toFixed(3)} ms/call, app ${cores(appCpu)}, engine RSS ${rssOf(engine.pid).toFixed(0)} MB`,
  );
  return clean;
}

async function main() {
  const engine = await startEngine();
  const app = run(process.execPath, [join(here, 'app.mjs'), job, engine.control, engine.secret, CALLEE]);
  await firstLine(app);
  if (job === 'b2bua' || job === 'proxy') {
    const [calleeHost, calleePort] = CALLEE.split(':');
    sipp('uas.xml', ['-i', calleeHost, '-p', calleePort]);
  }
  await sleep(500);
  if (job === 'hold') return hold(engine, app);
  let best = 0;
  const scenario = job === 'register' ? 'register.xml' : 'uac.xml';
  await step(engine, app, scenario, 50, 3); // warm-up
  for (const rate of options.rates.split(',').map(Number)) {
    if (await step(engine, app, scenario, rate, Number(options.seconds))) best = rate;
    await sleep(1500);
  }
  console.log(`${engine.name} ${job} ${options.transport}: highest clean rate of these ${best}/s`);
}

async function hold(engine, app) {
  const held = Number(options.held);
  const before = [rssOf(engine.pid), rssOf(app.pid)];
  const uac = sipp('hold.xml', [
    '-i',
    CALLER,
    '-p',
    '5080',
    options.sip,
    '-r',
    '500',
    '-m',
    String(held),
    '-l',
    '100000',
    '-timeout',
    '60',
  ]);
  await sleep((held / 500) * 1000 + 3000);
  const after = [rssOf(engine.pid), rssOf(app.pid)];
  const perCall = (i) => ((after[i] - before[i]) * 1024) / held;
  console.log(
    `${engine.name} hold: ${held} held, engine ${perCall(0).toFixed(1)} KB/call, app ${perCall(1).toFixed(1)} KB/call (RSS)`,
  );
  uac.kill('SIGTERM');
  await exited(uac);
}

try {
  await main();
} finally {
  for (const child of children) child.kill('SIGTERM');
  rmSync(folder, { recursive: true, force: true });
}
