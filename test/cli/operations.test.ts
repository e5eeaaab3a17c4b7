import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import { killApp } from '../../src/demo/app-process.js';
import { ApiStage, token } from '../ops/api-stage.js';
import { asked, type Said } from '../support/asked.js';

const QUICK = { wakeDelayMs: 50, answerDelayMs: 50 };
const CLI = ['build/src/cli.js'];

/** Runs a command to its end, or until it has said `until`. */
async function callwake(args: readonly string[], until?: RegExp): Promise<Said> {
  const child = spawn(process.execPath, [...CLI, ...args], {
    env: { PATH: process.env.PATH },
    timeout: 30_000,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    if (until?.test(stdout)) child.kill();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, stdout, stderr };
}

test('a phone is found, woken, called, and the call followed: what an operator does at a terminal', async (t) => {
  const api = await ApiStage.start(t, { config: { timeline: { calls: 100 } } });
  const run = asked(api.url, api.stage);
  const phone = await api.stage.phone({ behaviour: QUICK });
  await phone.background();
  const id = phone.identity.instance.replace('urn:uuid:', '');

  const devices = await run('devices', '2001');
  t.regex(devices.stdout, new RegExp(`^device .*\n${id} +iphone .* suspended `));
  const device = await run('device', 'sip:2001@corp.example', id.slice(0, 8));
  t.regex(device.stdout, new RegExp(`^device +${id} of sip:2001@corp\\.example\n`));
  t.is((await run('device', '2001')).stdout, device.stdout);
  t.regex((await run('devices')).stdout, new RegExp(`^user .*\n2001@corp\\.example +${id} +iphone `));
  t.regex(device.stdout, /\ntokens +voip token:\w+ for com\.example\.phone of ABCDE12345/);
  t.false(device.stdout.includes(String(phone.identity.voipToken)));

  const woken = await run('wake', '2001', '--mode', 'call');
  t.is(woken.status, 0, woken.stderr);
  t.deepEqual(
    [...woken.stdout.matchAll(/ ms {2}ok {6}(\w+)/g)].map(([, step]) => step),
    ['device', 'push', 'register', 'options', 'call'],
  );
  t.regex(woken.stdout, /\nThe phone wakes: back in \d+ ms\.\n$/);
  t.is(api.stage.apple.received.length, 1);

  t.regex(
    (await run('device', '2001')).stdout,
    /\nlately\n( {2}\S+ {2}registered .*\n)*? {2}\S+ {2}wake-test {3}The phone wakes: back in \d+ ms\.\n/,
  );
  await phone.background();
  const reach = ['--url', api.url, '--config', api.stage.configFile];
  const following = callwake(['calls', '--follow', '--text', '1001', ...reach], / answered .*\n/);
  const call = api.stage.cucm.call({ to: '2001', from: '1001' });
  await call.answered;
  await call.hangup();
  t.regex((await following).stdout, /^when .*\n(.* 1001 +2001 .*\n)+$/);

  const list = await run('calls', '--reason', 'answered', '--json');
  t.is(JSON.parse(list.stdout).total, 1);
  t.regex((await run('calls', '--text', 'nobody')).stdout, /^No calls\.\n$/);
  const status = await run('status');
  t.regex(status.stdout, /\ncalls +0 held, 0 ringing, 0 up\nwake +p50 [\d.]+ m?s, .*\noutcomes +answered 1 /);
  t.regex(status.stdout, /\ntrunk cucm +\S+ in-service .*\n/);
  t.regex((await run('trunks')).stdout, /\ncucm +0 +0 +\S+ +in-service /);
  t.is((await run('alarms')).stdout, 'No alarms.\n');
});

test('a phone that does not come: the wake test says where it broke, exit code 1', async (t) => {
  const api = await ApiStage.start(t, { trunk: { hold: '4s' } });
  const phone = await api.stage.phone({ behaviour: { deaf: true } });
  await phone.background();
  const { status, stdout } = await asked(api.url, api.stage)('wake', '2001');
  t.is(status, 1);
  t.regex(stdout, / failed {2}register .*\nIt broke at register: no REGISTER within 4 s\. /);
  const nobody = await asked(api.url, api.stage)('wake', '2099');
  t.like(nobody, { status: 1, stderr: '2099 has no phone that is registered or can be woken.\n' });
});

test('the log is read and followed; alarms are kept over a restart and found by name', async (t) => {
  const api = await ApiStage.start(t);
  const run = asked(api.url, api.stage);
  const reach = ['--url', api.url, '--config', api.stage.configFile];
  const phone = await api.stage.phone({ behaviour: QUICK });
  await phone.background();
  const following = callwake(['logs', '--follow', '--text', 'leg-answered', ...reach], /leg-answered/);
  const call = api.stage.cucm.call({ to: '2001' });
  await call.answered;
  t.regex((await following).stdout, /^\d\d:\d\d:\d\d\.\d{3} info {2}leg-answered callUuid=\S+ .*status=200/);
  const { callUuid } = await api.stage.callwake.logged('leg-answered');
  const lines = (await run('logs', '--call', String(callUuid), '--json')).stdout.trimEnd().split('\n');
  t.like(JSON.parse(lines[0] ?? ''), { event: 'invite-received', callUuid, level: 'info' });
  t.is((await run('logs', '--level', 'error')).stdout, '');

  await call.hangup();
  await phone.background();
  api.stage.apple.unregisterToken(String(phone.identity.voipToken));
  t.is((await api.stage.cucm.call({ to: '2001' }).ended).status, 480);
  await api.stage.callwake.logged('alarm event');
  const again = api.stage.callwake.logged('api listening', ({ url }) => url !== api.url);
  await killApp(api.stage);
  const history = asked(String((await again).url), api.stage);
  const refused = await history(
    'alarms',
    '--history',
    '--since',
    '7d',
    '--name',
    'PushNotificationInvalidDeviceTokenResponse',
  );
  const id = phone.identity.instance.replace('urn:uuid:', '');
  t.regex(
    refused.stdout,
    new RegExp(`  device ${id} of sip:2001@corp\\.example token:\\w+  \\(error, event\\)\n    Unregistered\n    `),
  );
  t.is((await history('alarms', '--history', '--name', 'SIPTrunkOOS')).stdout, 'No alarms so far.\n');
});

test('a node is drained and taken back, and its log level set', async (t) => {
  const api = await ApiStage.start(t, { trunk: { hold: '60s' } });
  const run = asked(api.url, api.stage);
  const phone = await api.stage.phone({ behaviour: { wakeDelayMs: 60_000, answerDelayMs: 20 } });
  await phone.background();
  const held = api.stage.cucm.call({ to: '2001' });
  await api.stage.callwake.logged('push-accepted');
  t.like(await run('drain'), { status: 0, stdout: 'No new calls are taken; 1 waits for an answer, 0 are up.\n' });
  t.regex((await run('status')).stdout, /\nready +no: it is draining\n/);
  t.is((await run('drain', '--wait', '10ms')).status, 1);
  const waiting = run('drain', '--wait', '20s', '--json');
  await phone.wake();
  await phone.register();
  await held.answered;
  t.deepEqual(JSON.parse((await waiting).stdout), { draining: true, waiting: 0, up: 1 });
  t.is((await run('drain', '--wait', '10ms', '--up')).status, 1);
  await held.hangup();
  await held.ended;
  t.like(await run('drain', '--wait', '20s', '--up'), {
    status: 0,
    stdout: 'No new calls are taken; 0 wait for an answer, 0 are up. callwake may be stopped.\n',
  });
  t.like(await run('drain', '--undo'), { status: 0, stdout: 'New calls are taken.\n' });
  t.is((await run('log-level', 'debug')).stdout, 'debug\n');
  t.is((await run('log-level')).stdout, 'debug\n');
});

test('what can’t be asked is said in a sentence: nobody there, no good token, scope, nothing found, not the API', async (t) => {
  const api = await ApiStage.start(t);
  const run = asked(api.url);
  t.like(await asked('http://127.0.0.1:1')('status', '--token', 'x'), {
    status: 1,
    stdout: '',
    stderr: "The API at http://127.0.0.1:1 can't be asked: bad port.\n",
  });
  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port } = closed.address() as AddressInfo;
  closed.close();
  const away = await callwake(['status', '--url', `http://127.0.0.1:${port}`, '--token', 'x']);
  t.regex(away.stderr, /can't be asked: .*ECONNREFUSED/);
  t.is(away.status, 1);
  const unknown = await run('status', '--token', 'x');
  t.regex(unknown.stderr, /answers 401: .* Give --token, or a --config /);
  t.is(unknown.status, 1);
  const scope = await run('devices', '2001', '--token', token(['calls:read']));
  t.regex(scope.stderr, /answers 403: The token must have the scope devices:read\./);
  const call = await callwake(['call', 'nobody', '--url', api.url, '--token', token(['calls:read'])]);
  t.like(call, { status: 1, stdout: '' });
  t.regex(call.stderr, /answers 404: There is no call with this id/);
  t.is((await run('devices', 'a b', '--token', token())).status, 1);
  t.like(await asked('here')('status', '--token', 'x'), { status: 2, stdout: '' });

  const other = createServer((_request, response) => response.end('<html>')).listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.teardown(() => other.close());
  const page = await callwake([
    'status',
    '--url',
    `http://127.0.0.1:${(other.address() as AddressInfo).port}`,
    '--token',
    'x',
  ]);
  t.is(page.status, 1);
  t.regex(page.stderr, /^The API at .* can't be asked: .*JSON/);
  t.notRegex(page.stderr, /\n\s+at /);
});

/** What bash offers for each command line, its last word unfinished. */
function completed(...lines: readonly (readonly string[])[]): string[][] {
  const offers = lines.map((words) =>
    [
      `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')})`,
      `COMP_CWORD=${words.length - 1}`,
      '_callwake',
      `echo "\${COMPREPLY[*]}"`,
    ].join('\n'),
  );
  const source = `source <(${process.execPath} build/src/cli.js completion bash)`;
  const script = [source, ...offers].join('\n');
  const { stdout } = spawnSync('bash', ['-c', script], { encoding: 'utf8', timeout: 20_000 });
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' '));
}

test('bash completes commands, options, values and files', (t) => {
  const [commands, states, levels, options, deeper, files, all] = completed(
    ['callwake', 'sta'],
    ['callwake', 'calls', '--state', ''],
    ['callwake', 'log-level', 'w'],
    ['callwake', 'wake', '2001', '--m'],
    ['callwake', 'sim', 'ap'],
    ['callwake', 'check', '--config', 'tsconfig.bu'],
    ['callwake', ''],
  );
  t.deepEqual(commands, ['start', 'status']);
  t.deepEqual(states, ['held', 'ringing', 'up', 'over']);
  t.deepEqual(levels, ['warn']);
  t.deepEqual(options, ['--mode']);
  t.deepEqual(deeper, ['apns']);
  t.deepEqual(files, ['tsconfig.build.json']);
  t.false(all?.includes('app'));
});

test('a held call is pushed again and ended, and a phone’s token forgotten', async (t) => {
  const api = await ApiStage.start(t, { trunk: { hold: '120s' } });
  const run = asked(api.url, api.stage);
  const phone = await api.stage.phone({ behaviour: { wakeDelayMs: 600_000 } });
  await phone.background();
  const id = phone.identity.instance.replace('urn:uuid:', '');
  const call = api.stage.cucm.call({ to: '2001' });
  const { callUuid } = await api.stage.callwake.logged('push-accepted');
  const pushed = await run('push-again', String(callUuid));
  t.is(pushed.status, 0, pushed.stderr);
  t.regex(pushed.stdout, new RegExp(`^${id}: accepted \\(apns-id [-0-9a-f]+\\)\n$`));
  t.like(await run('push-again', String(callUuid), 'another'), { status: 1, stdout: '' });
  t.is((await run('end', call.callId)).stdout, `Ended: ${callUuid}, which waited for a phone.\n`);
  t.is((await call.ended).status, 480);
  t.regex((await run('end', call.callId)).stderr, /answers 409: The call is over: cleared\.\n$/);
  t.is(
    (await run('forget', '2001', id, 'voip-token')).stdout,
    `Forgotten: the voip token of ${id} of sip:2001@corp.example.\n`,
  );
  t.is((await run('forget', '2001', id, 'voip-token')).status, 1);
  t.is((await run('forget', '2001', id, 'device')).status, 0);
  t.like(await run('devices', '2001'), { stdout: '2001 has no phone that is registered or can be woken.\n' });
});
