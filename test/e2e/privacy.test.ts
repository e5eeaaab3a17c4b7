import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { OutputScan, Secrets } from '../../src/demo/secrets.js';
import { Stage } from '../../src/demo/stage.js';
import { ApiStage } from '../ops/api-stage.js';
import { asked } from '../support/asked.js';

const TOKEN = 'ab'.repeat(32);
const TEXT = 'meet me behind the old harbour at nine';
const KEY = Buffer.alloc(32, 7).toString('base64url');

/** Takes what callwake POSTs. */
async function receiver(t: ExecutionContext) {
  const texts: string[] = [];
  const server = createServer((request, response) => {
    request.setEncoding('utf8').on('data', (chunk: string) => texts.push(chunk));
    request.on('end', () => response.end('{}'));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return { texts, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test('secrets are found wherever they stand, and nothing else is', (t) => {
  const secrets = new Secrets();
  secrets.add('push token', TOKEN);
  secrets.add('password', 'hunter22');
  secrets.add('password', 'abc');
  t.deepEqual(secrets.findIn(`x${TOKEN.toUpperCase()}:voip hunter22`), ['push token', 'password']);
  t.deepEqual(secrets.findIn('{"body":"v=0\\r\\no=- 1 2 IN IP4 192.0.2.1\\r\\nm=audio 4000 RTP/AVP 0"}'), ['SDP']);
  t.deepEqual(secrets.findIn(`abc ${'cd'.repeat(32)} token:abababababab team=audio`), []);
  const scan = new OutputScan(secrets);
  scan.take('first line');
  scan.take('what is known later: too late');
  secrets.add('password', 'too late');
  t.deepEqual(scan.end(), ['password in: what is known later: too late']);
});

test('a process that shows a secret fails its test, over its log, over the API and in its commands', async (t) => {
  const stage = await Stage.start({ edge: 'path' });
  stage.callwake.secrets.add('password', 'sip:2001@corp.example');
  await stage.phone();
  await t.throwsAsync(stage.close(), { message: /password in: .*registered/ });
  const api = await ApiStage.start(t, { edge: 'path' });
  api.stage.callwake.secrets.add('password', 'callwake_info');
  await t.throwsAsync(api.ask('/metrics'), { message: '/metrics shows password' });
  api.stage.callwake.secrets.forget('callwake_info');
  api.stage.callwake.secrets.add('password', 'in-service');
  await t.throwsAsync(asked(api.url, api.stage)('trunks'), { message: /^the command shows password/ });
  api.stage.callwake.secrets.forget('in-service');
});

test('with all that can be told switched on, no token, key, password, text or SDP is in what leaves callwake', async (t) => {
  const { texts, url } = await receiver(t);
  const api = await ApiStage.start(t, {
    edge: 'direct',
    config: {
      registrar: { digest: { storedUsers: true } },
      timeline: { messages: true, folder: 'calls' },
      tracing: { url: `${url}/v1/traces`, interval: '100ms', headerSecret: 'X-Key: the-key-of-the-collector' },
      alarms: { webhooks: [{ url, secret: 'the-secret-of-the-webhook' }] },
      alerts: { missedCall: true },
      log: { level: 'debug' },
      limits: { bans: { failures: 1 } },
    },
  });
  const { stage } = api;
  const { secrets } = stage.callwake;
  const password = 'correct horse battery staple';
  secrets.add('text of a message', TEXT);
  secrets.add('key of an app', KEY);
  secrets.add('password', password);
  await api.ask('/v1/users/2001', { method: 'PUT', body: { password } });
  const phone = await stage.phone({
    credentials: { username: '2001', password },
    encryptionKey: KEY,
    alertToken: 'cd'.repeat(32),
    behaviour: { wakeDelayMs: 50, answerDelayMs: 50 },
  });
  await phone.background();
  const call = stage.cucm.call({ to: '2001', offer: 'early' });
  await call.answered;
  await call.hangup();
  await phone.background();
  await stage.cucm.send('MESSAGE', '2001', { contentType: 'text/plain', body: TEXT });
  await stage.callwake.logged('push-accepted');
  const tokens = [{ kind: 'alert', token: TOKEN, teamId: 'ABCDE12345', bundleId: 'com.example.phone' }];
  secrets.add('push token', TOKEN);
  await api.ask('/v1/devices/2002/tablet', { method: 'PUT', body: { platform: 'ipad', tokens, encryptionKey: KEY } });
  await api.ask('/v1/notifications', { body: { kind: 'message', to: '2002', text: TEXT, sender: { name: 'Ada' } } });
  const callUuid = String((await stage.callwake.logged('end')).callUuid);

  const paths = [`/${callUuid}`, `/${callUuid}/ladder`, `/${callUuid}/capture`].map((rest) => `/v1/calls${rest}`);
  const reads = [
    '/metrics',
    '/v1/devices',
    '/v1/devices/2001',
    '/v1/logs',
    '/v1/alarms',
    '/v1/refusals',
    '/v1/configuration',
  ];
  for (const path of [...paths, ...reads, '/v1/calls', '/v1/refused-tokens', '/v1/users', '/v1/overview', '/ready']) {
    const { status, text } = await api.ask(path);
    t.is(status, 200, path);
    t.deepEqual(secrets.findIn(text), [], path);
  }
  const folder = join(dirname(stage.configFile), 'calls');
  await stage.callwake.stop();
  const files = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'));
  t.true(files.join('').includes(callUuid));
  t.true(texts.join('').includes('resourceSpans'));
  for (const text of [...files, ...texts]) t.deepEqual(secrets.findIn(text), []);
});
