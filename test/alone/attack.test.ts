import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Stage, StageOptions } from '../../src/demo/stage.js';
import type { SimCall } from '../../src/sim/ua/types.js';
import { ApiStage } from '../ops/api-stage.js';
import { eventually } from '../support/eventually.js';
import { type Ran, run, Slowloris, sipvicious } from './attackers.js';

/** Megabytes that a process may grow by under attack. */
const GROWTH = 200;
/** The table in which svwar lists what it has found. */
const FOUND = /^\|\s*(1001|200[12])\s*\|/m;
/** What was refused, by the app and by the engine. */
const REFUSED = /^callwake_(?:refusals|engine_refused_requests)_total\{.*\} (\d+)$/gm;
const PASSWORD = 'k7-quiet-harbour';

function megabytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1024;
}

/** The engine and the app of a callwake. */
function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ').map(Number);
}

/** callwake with default limits: CUCM over UDP, phones with passwords over UDP, one in a call, one asleep. */
async function underway(t: ExecutionContext, options: Partial<StageOptions> = {}) {
  const api = await ApiStage.start(t, {
    edge: 'direct',
    ...options,
    peersAddress: '127.8.1.1',
    shedding: true,
    limits: 'default',
    // svcrack knows nothing better than MD5.
    config: { registrar: { digest: { storedUsers: true, algorithms: ['MD5'] } } },
  });
  const { stage } = api;
  for (const user of ['2001', '2002']) {
    await api.ask(`/v1/users/${user}`, { method: 'PUT', body: { password: PASSWORD } });
  }
  const behaviour = { wakeDelayMs: 50, answerDelayMs: 50 };
  const phone = (user: string) => stage.phone({ user, behaviour, credentials: { username: user, password: PASSWORD } });
  const [talking, asleep] = [await phone('2001'), await phone('2002')];
  await asleep.background();
  const call = stage.cucm.call({ to: '2001' });
  await call.answered;
  return { api, stage, call, talking, asleep };
}

/** A call to the sleeping phone, made again when callwake says that it is too busy, as CUCM does. */
async function wakes(stage: ApiStage['stage']): Promise<SimCall> {
  for (let left = 10; ; left--) {
    const call = stage.cucm.call({ to: '2002', from: '1002' });
    const answered = await call.answered.then(
      () => true,
      () => false,
    );
    if (answered) return call;
    const { status } = await call.ended;
    if (status !== 503 || left === 0) {
      throw new Error(`the call ended with ${status}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** Those that Apple got, each counted once: one whose answer is late on a machine under flood is sent again under its apns-id. */
function pushesAt({ apple }: Stage): number {
  return new Set(apple.received.map(({ apnsId }) => apnsId)).size;
}

/** Both calls as they should be: the one that is up goes on, another wakes its phone. */
async function callsGoOn(
  t: ExecutionContext,
  { stage, call, asleep }: Awaited<ReturnType<typeof underway>>,
): Promise<void> {
  t.is((await call.request('INFO', { body: 'x', contentType: 'text/plain' })).status, 200);
  const pushes = pushesAt(stage);
  const woken = await wakes(stage);
  t.is(pushesAt(stage), pushes + 1, 'pushes for the call');
  await woken.hangup();
  await asleep.background();
}

/** Nothing died, nothing was logged as a defect. */
function unharmed(t: ExecutionContext, { stage }: Awaited<ReturnType<typeof underway>>): void {
  const bad = ['fault', 'crash', 'app ended', 'engine ended'];
  t.deepEqual(
    stage.callwake.log.filter(({ event }) => bad.includes(event)),
    [],
  );
  t.deepEqual(
    stage.callwake.errors.filter((line) => !line.startsWith('callwake engine: 503 to a request')),
    [],
  );
}

test.serial('sipvicious finds nothing out: no extension, no password though it is in its list', async (t) => {
  t.timeout(90_000);
  const world = await underway(t);
  const { stage, api } = world;
  const { host, port } = stage.sip;
  const list = join(process.env.TMPDIR ?? '/tmp', `callwake-words-${process.pid}`);
  t.teardown(() => rmSync(list, { force: true }));
  writeFileSync(list, [...Array.from({ length: 60 }, (_, i) => `secret${i}`), PASSWORD, ''].join('\n'));
  const at = ['-p', String(port), '-t', '0.002'];
  const extensions = ['--maximumtime', '2', '--force', '-e', '1998-2010', host];
  const banned = async () => (await api.ask('/v1/refusals')).json.banned as { address: string }[];
  /** Settles once the ban has met some requests. */
  const refused = () =>
    eventually(async () => /what="REGISTER",reason="banned"\} \d{2}/.test((await api.ask('/metrics')).text));
  /** What a program did has banned this machine, and is forgiven for the next one's sake. */
  const ban = async ({ said }: Ran): Promise<void> => {
    t.like(await banned(), [{ address: '127.0.0.1' }], said);
    t.is((await api.ask('/v1/bans/127.0.0.1', { method: 'DELETE' })).status, 204);
  };
  const [war] = await Promise.all([run(t, sipvicious('svwar'), [...at, ...extensions]), callsGoOn(t, world)]);
  t.notRegex(war.said, FOUND, war.said);
  const invites = await run(t, sipvicious('svwar'), [...at, '-m', 'INVITE', ...extensions]);
  t.notRegex(invites.said, FOUND, invites.said);
  await api.ask('/v1/bans/127.0.0.1', { method: 'DELETE' });
  /** svcrack gives up when an answer is late; whoever runs it begins again, and so until it is banned. */
  const attack = async (): Promise<Ran> => {
    for (let more = 3; ; more--) {
      const ran = await run(t, sipvicious('svcrack'), [...at, '-u', '2001', '-d', list, host], refused());
      t.notRegex(ran.said, new RegExp(PASSWORD), ran.said);
      if (more === 0 || (await banned()).length > 0) return ran;
    }
  };
  const [crack] = await Promise.all([attack(), callsGoOn(t, world)]);
  await ban(crack);
  const map = await run(t, sipvicious('svmap'), [...at, host]);
  await ban(map);
  t.is(stage.apple.received.length, 2, 'no scanner made a phone ring');
  await world.call.hangup();
  unharmed(t, world);
});

test.serial('floods and slow connections: calls go on, memory stays bounded, and room is made again', async (t) => {
  t.timeout(120_000);
  const world = await underway(t, { phonesOver: 'ws' });
  const { stage, api } = world;
  const { host, port } = stage.sip;
  const pids = childrenOf(stage.callwake.pid);
  const before = pids.map(megabytes);
  const httpPort = Number(new URL(api.url).port);
  const listeners = await stage.callwake.ready();
  const portOf = (transport: string) => listeners.find((listener) => listener.transport === transport)?.port ?? 0;
  const invite = 'INVITE sip:2001@corp.example SIP/2.0\r\nVia: SIP/2.0/TCP x;branch=z9hG4bK';
  // A body may take 20 s.
  new Slowloris(t, httpPort, 100, '127.8.3.2', 'POST /v1/notifications HTTP/1.1\r\nContent-Length: 900\r\n\r\n', ' ');
  const slow = [
    new Slowloris(t, httpPort, 300, '127.8.3.1', 'GET /v1/calls HTTP/1.1\r\nHost: x\r\n', 'X-A: b\r\n'),
    new Slowloris(t, portOf('tcp'), 300, '127.8.3.3', invite, 'x'),
    new Slowloris(t, portOf('ws'), 200, '127.8.3.4', 'GET / HTTP/1.1\r\nUpgrade: websocket\r\n', 'X-A: b\r\n'),
    new Slowloris(t, portOf('tls'), 200, '127.8.3.5', '\x16\x03\x01', '\x00'),
  ];
  const sipp = (from: string, transport: string, more: readonly string[]) => {
    const rate = ['-r', '400', '-m', '1200', '-l', '1000', '-timeout', '12s', '-nostdin', '-t', transport];
    return run(t, 'sipp', [`${host}:${port}`, '-i', from, ...rate, ...more]);
  };
  const register = join(process.cwd(), 'bench/engine/register.xml');
  await Promise.all([
    sipp('127.8.3.10', 'u1', ['-sn', 'uac', '-s', '2001']),
    sipp('127.8.3.11', 't1', ['-sn', 'uac', '-s', '2002']),
    sipp('127.8.3.12', 'u1', ['-sf', register]),
    callsGoOn(t, world),
    api.ask('/ready', { token: null }).then(({ status }) => t.is(status, 200)),
  ]);
  await callsGoOn(t, world);
  const counts = [...(await api.ask('/metrics')).text.matchAll(REFUSED)].map(([, count]) => Number(count));
  t.true(counts.reduce((sum, count) => sum + count, 0) > 1000, `${counts}`);
  await eventually(() => slow.every(({ open }) => open === 0), 'the end of the slow connections');
  pids.forEach((pid, index) => {
    const now = megabytes(pid);
    t.log(`${Math.round(before[index] ?? 0)} MB before, ${Math.round(now)} MB after`);
    t.true(now < (before[index] ?? 0) + GROWTH, `${now} MB, ${before[index]} before`);
  });
  t.is(pushesAt(stage), 2, 'no flood made a phone ring');
  await world.call.hangup();
  unharmed(t, world);
});
