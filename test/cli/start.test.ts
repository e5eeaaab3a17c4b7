import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { stringify } from 'yaml';
import { ping } from '../../src/cli/ping.js';
import { CallwakeProcess } from '../../src/demo/callwake-process.js';

function configFile(t: ExecutionContext, parts: Record<string, unknown> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'callwake-start-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const config = {
    engine: { contacts: ['sip:127.0.0.1:0;transport=udp,tcp'], control: { port: 0 } },
    domains: ['corp.example'],
    trunks: [{ name: 'cucm', peers: [{ host: '127.0.0.1' }] }],
    directPhones: { allow: true },
    push: { provider: 'none' },
    store: { kind: 'memory' },
    api: { enabled: false },
    ...parts,
  };
  const file = join(folder, 'callwake.yaml');
  writeFileSync(file, stringify(config));
  return file;
}

function start(t: ExecutionContext, file: string): CallwakeProcess {
  const callwake = new CallwakeProcess(file);
  t.teardown(() => callwake.stop());
  return callwake;
}

/** Process ids of the commands that a `callwake start` runs, by name. */
function childrenOf(pid: number): Map<string, number> {
  const pids = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter((text) => text !== '');
  return new Map(
    pids.map((child) => {
      const words = readFileSync(`/proc/${child}/cmdline`, 'utf8').split('\0');
      return [words.find((word) => word === 'engine' || word === 'app') ?? '', Number(child)];
    }),
  );
}

async function gone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function freePort(): Promise<{ port: number; close: () => void }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return { port: typeof address === 'object' && address ? address.port : 0, close: () => server.close() };
}

test('SIGTERM ends engine and app, exit code 0', async (t) => {
  const callwake = start(t, configFile(t));
  await callwake.ready();
  const children = childrenOf(callwake.pid);
  t.deepEqual([...children.keys()].sort(), ['app', 'engine']);
  t.is(await callwake.stop(), 0);
  await Promise.all([...children.values()].map(gone));
  t.deepEqual(callwake.errors, []);
});

test('an app that is killed is back at once, on the same engine', async (t) => {
  const callwake = start(t, configFile(t));
  const [listener] = await callwake.ready();
  const before = childrenOf(callwake.pid);
  process.kill(before.get('app') ?? 0, 'SIGKILL');
  await callwake.logged('app ended');
  while (callwake.log.filter(({ event }) => event === 'ready').length < 2)
    await new Promise((resolve) => setTimeout(resolve, 20));
  const after = childrenOf(callwake.pid);
  t.is(after.get('engine'), before.get('engine'));
  t.not(after.get('app'), before.get('app'));
  t.is((await ping(`sip:127.0.0.1:${listener?.port}`, 5000)).status, 200);
});

test('when start itself is killed, engine and app end too', async (t) => {
  const callwake = start(t, configFile(t));
  await callwake.ready();
  const children = [...childrenOf(callwake.pid).values()];
  process.kill(callwake.pid, 'SIGKILL');
  await t.notThrowsAsync(Promise.all(children.map(gone)));
});

test('a port that is taken: one sentence, exit code 2', async (t) => {
  const taken = await freePort();
  t.teardown(taken.close);
  const engine = { contacts: [`sip:127.0.0.1:${taken.port};transport=tcp`], control: { port: 0 } };
  const callwake = start(t, configFile(t, { engine }));
  t.is(await callwake.exited, 2);
  t.regex(callwake.errors.join('\n'), new RegExp(`port in use: 127\\.0\\.0\\.1:${taken.port}`));
  t.notRegex(callwake.errors.join('\n'), /\n\s*at /);
});

test('the wrong secret for an external engine: one sentence, exit code 2', async (t) => {
  const { port, close } = await freePort();
  close();
  const control = { port, secret: 'right' };
  const owner = start(t, configFile(t, { engine: { contacts: ['sip:127.0.0.1:0'], control } }));
  await owner.ready();
  const callwake = start(t, configFile(t, { engine: { mode: 'external', control: { ...control, secret: 'wrong' } } }));
  t.is(await callwake.exited, 2);
  t.regex(callwake.errors.join('\n'), /refused the secret/);
  t.false(JSON.stringify([callwake.errors, callwake.log]).includes('wrong'));
});

test('the secret is in no command line', async (t) => {
  const { port, close } = await freePort();
  close();
  const callwake = start(
    t,
    configFile(t, { engine: { contacts: ['sip:127.0.0.1:0'], control: { port, secret: 'top-secret' } } }),
  );
  await callwake.ready();
  for (const pid of [callwake.pid, ...childrenOf(callwake.pid).values()]) {
    t.false(readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('top-secret'));
  }
});

test('SIGHUP has the push keys read again; a configuration that is wrong changes nothing', async (t) => {
  const file = configFile(t);
  const callwake = start(t, file);
  await callwake.ready();
  const good = readFileSync(file, 'utf8');
  process.kill(callwake.pid, 'SIGHUP');
  t.deepEqual((await callwake.logged('push keys read again')).keys, []);
  writeFileSync(file, good.replace('corp.example', '"not a domain"'));
  process.kill(callwake.pid, 'SIGHUP');
  t.regex(String((await callwake.logged('configuration not read again')).error), /domains\[0\]/);
  t.is(await callwake.stop(), 0);
});
