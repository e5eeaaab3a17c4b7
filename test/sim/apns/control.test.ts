import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../../src/clock/clock.js';
import { runApnsSim } from '../../../src/sim/apns/run.js';
import { ApnsSimulator } from '../../../src/sim/apns/simulator.js';
import { keyId, newToken, provider, signingKey, simulator, teamId, voipPush } from '../../push/support.js';

type Json = Record<string, unknown>;

function control(apns: ApnsSimulator) {
  const { host, port } = apns.controlAddress;
  return async (method: string, path: string, body?: unknown): Promise<{ status: number; body: Json }> => {
    const response = await fetch(`http://${host}:${port}${path}`, {
      method,
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Json };
  };
}

test('keys, topics and tokens are registered, pushes read, everything reset', async (t) => {
  const apns = await simulator(t, { acceptAnyToken: false });
  apns.world.clear();
  const call = control(apns);
  const publicKey = signingKey.export({ type: 'pkcs8', format: 'pem' });
  const token = newToken();
  t.is((await call('POST', '/keys', { teamId, keyId, publicKey })).status, 200);
  t.is((await call('POST', '/topics', { teamId, topic: 'com.example.phone' })).status, 200);
  t.is((await call('POST', '/tokens', { token, environment: 'production' })).status, 200);
  const client = provider(t, apns);
  t.like(await client.push(voipPush(systemClock, { token })), { kind: 'accepted' });
  t.like((await call('GET', '/status')).body, { keys: 1, tokens: 1, received: 1, connections: [1] });
  t.like((await call('GET', `/pushes?token=${token}`)).body, { total: 1, pushes: [{ token, answer: 200 }] });
  t.deepEqual((await call('GET', `/pushes?token=${newToken()}`)).body, { total: 1, pushes: [] });
  await call('POST', '/tokens/unregister', { token, at: 1_000 });
  t.like(await client.push(voipPush(systemClock, { token })), {
    kind: 'refused',
    reason: 'Unregistered',
    unregisteredAt: 1_000,
  });
  await call('POST', '/reset');
  t.like((await call('GET', '/status')).body, { received: 0, tokens: 1 });
});

test('answers are scripted, listed and taken back', async (t) => {
  const apns = await simulator(t);
  const call = control(apns);
  const token = newToken();
  await call('POST', '/scripts', [
    { token, status: 410, reason: 'ExpiredToken', timestamp: 5 },
    { reason: 'BadTopic', times: 0 },
  ]);
  t.is(apns.scripts.list.length, 2);
  const client = provider(t, apns);
  t.like(await client.push(voipPush(systemClock, { token })), { kind: 'refused', status: 410, reason: 'ExpiredToken' });
  t.like((await call('GET', '/scripts')).body, [{ reason: 'BadTopic', times: 0 }] as unknown as Json);
  await call('DELETE', '/scripts');
  t.like(await client.push(voipPush(systemClock)), { kind: 'accepted' });
});

test('connections are told to go, cut and limited', async (t) => {
  const apns = await simulator(t);
  const call = control(apns);
  const client = provider(t, apns);
  await client.push(voipPush(systemClock));
  await call('POST', '/connections', { goaway: 'Shutdown' });
  t.like(await client.push(voipPush(systemClock)), { kind: 'accepted' });
  await call('POST', '/connections', { close: true });
  t.like(await client.push(voipPush(systemClock)), { kind: 'accepted' });
  t.true(client.counters().connectionsOpened >= 2);
});

test('a wrong command is answered with what is wrong', async (t) => {
  const call = control(await simulator(t));
  t.is((await call('GET', '/nothing')).status, 404);
  t.like(await call('POST', '/scripts', '{'), { status: 400 });
  const unknown = await call('POST', '/scripts', { statsu: 400 });
  t.is(unknown.status, 400);
  t.regex(String(unknown.body.error), /statsu/);
  t.regex(String((await call('POST', '/keys', { teamId, keyId, publicKey: 'no key' })).body.error), /./);
  t.regex(String((await call('POST', '/tokens', { token: 'xyz' })).body.error), /hexadecimal/);
  t.regex(String((await call('POST', '/connections', { frozen: 'all' })).body.error), /freezable/);
  t.is((await call('POST', '/scripts', 'x'.repeat(1_000_001))).status, 413);
});

test('the command says where it listens, reads keys and writes its certificate', async (t) => {
  const folder = await directory(t);
  const keyFile = join(folder, 'key.p8');
  await writeFile(keyFile, signingKey.export({ type: 'pkcs8', format: 'pem' }));
  const lines: string[] = [];
  const caFile = join(folder, 'ca.pem');
  const sim = await runApnsSim({
    keys: [`${teamId}:${keyId}:${keyFile}`],
    caFile,
    acceptAnyToken: true,
    write: (line) => void lines.push(line),
  });
  t.is(readFileSync(caFile, 'utf8'), sim.simulator.ca);
  t.true(lines.some((line) => line.includes(String(sim.simulator.endpoints.production.port))));
  t.like(await provider(t, sim.simulator).push(voipPush(systemClock)), { kind: 'accepted' });
  await sim.close();
  await sim.done;
  await t.throwsAsync(runApnsSim({ keys: ['TEAM'], write: () => {} }), { message: /TEAMID:KEYID:FILE/ });
});

test('it closes though a provider is in the middle of its TLS handshake', async (t) => {
  const apns = await new ApnsSimulator().start();
  const provider = connect(apns.endpoints.production);
  provider.on('error', () => undefined);
  await once(provider, 'connect');
  // The beginning of a record of 512 octets: a ClientHello that does not come.
  provider.write(Buffer.from('1603010200', 'hex'));
  await new Promise(setImmediate);
  await t.notThrowsAsync(apns.close());
});

async function directory(t: ExecutionContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'callwake-'));
  t.teardown(() => rm(path, { recursive: true }));
  return path;
}
