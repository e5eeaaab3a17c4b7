import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { ApiStage, token } from '../api-stage.js';

const DEVICE = '0f6e3d62-58c1-4c5e-9f0a-3a4b1c2d3e4f';
const PASSWORD = 'correct horse battery staple';
const tokens = (voip: string, alert: string) => [
  { kind: 'voip', token: voip, teamId: 'ABCDE12345', bundleId: 'com.example.phone' },
  { kind: 'alert', token: alert, teamId: 'ABCDE12345', bundleId: 'com.example.phone' },
];

test('a user made over the API registers with his password, and no more when he is deleted', async (t) => {
  const api = await ApiStage.start(t, { edge: 'direct', config: { registrar: { digest: { storedUsers: true } } } });
  const put = (body: unknown) => api.ask('/v1/users/2001@corp.example', { method: 'PUT', body });
  const user = {
    aor: 'sip:2001@corp.example',
    username: '2001',
    realm: 'corp.example',
    algorithms: ['SHA-256', 'MD5'],
  };
  t.like(await api.ask('/v1/users/2001@corp.example'), { status: 404 });
  t.like(await put({ password: 'first' }), { status: 201, json: user });
  t.like(await put({ password: PASSWORD }), { status: 200, json: user });
  const phone = await api.stage.phone({ credentials: { username: '2001', password: PASSWORD } });
  t.like((await api.ask('/v1/users')).json, { items: [user] });
  const devices = await api.ask('/v1/devices/sip%3A2001%40corp.example');
  t.like(devices.json, { items: [{ platform: 'iphone', state: { state: 'active' }, tokens: [{ kind: 'voip' }] }] });
  const [device] = devices.json.items as { id: string; bindings: { uri: string }[] }[];
  t.like(await api.ask(`/v1/devices/2001@corp.example/${device?.id}`), { status: 200, json: { id: device?.id } });
  t.notRegex(devices.text, new RegExp(`${phone.identity.voipToken}|pn-prid`));
  t.like((await api.ask('/v1/devices')).json, { items: [{ aor: user.aor, devices: [{ id: device?.id }] }] });

  t.like((await api.ask('/v1/users/2001@corp.example', { method: 'DELETE' })).json, { credentials: 1, devices: 1 });
  t.is((await api.ask('/v1/users/2001@corp.example', { method: 'DELETE' })).status, 404);
  t.deepEqual((await api.ask('/v1/devices/2001@corp.example')).json, { items: [] });
  t.false((await api.stage.phone({ credentials: { username: '2001', password: PASSWORD } })).registered);

  await api.ask('/ready');
  const stored = join(dirname(api.stage.configFile), 'data');
  for (const name of readdirSync(stored).filter((file) => file.endsWith('.mdb'))) {
    t.false(readFileSync(join(stored, name)).includes(PASSWORD), `the password is in ${name}`);
  }
  t.notRegex(JSON.stringify(api.stage.callwake.log), new RegExp(PASSWORD));
  const audit = api.stage.callwake.log.filter(({ event }) => event === 'api call');
  t.like(audit[0], { by: 'tests', call: 'PUT /v1/users/2001@corp.example', status: 201 });
});

test('a phone that says no token is woken by the one it was provisioned with', async (t) => {
  const api = await ApiStage.start(t);
  const [voip, alert] = ['5e'.repeat(32), 'a1'.repeat(32)] as const;
  api.stage.apple.registerToken({ token: voip, topics: ['com.example.phone.voip'], environment: 'production' });
  const phone = await api.stage.phone({ voipToken: null, instance: DEVICE, behaviour: { answerDelayMs: 50 } });
  const path = `/v1/devices/2001@corp.example/urn:uuid:${DEVICE.toUpperCase()}`;
  const body = { platform: 'iphone', tokens: tokens(voip, alert), encryptionKey: null };
  const put = await api.ask(path, { method: 'PUT', body });
  t.like(put, { status: 200, json: { id: DEVICE, platform: 'iphone', encrypted: false } });
  t.false(put.text.includes(voip));
  await phone.background();
  const call = api.stage.cucm.call({ to: '2001' });
  await api.stage.callwake.logged('push-accepted');
  phone.receivePush(api.stage.apple.received[0]?.payload);
  t.is((await call.answered).status, 200);
  await call.hangup();
  t.deepEqual(
    api.stage.apple.received.map((push) => push.token),
    [voip],
  );

  const keyed = { platform: 'iphone', encryptionKey: 'A'.repeat(43), encryptionKeyId: 'k1' };
  const encrypted = await api.ask(path, { method: 'PUT', body: keyed });
  t.like(encrypted.json, { encrypted: true, encryptionKeyId: 'k1', tokens: [{ kind: 'voip' }, { kind: 'alert' }] });
  t.notRegex(encrypted.text, /AAAA/);
  t.is((await api.ask(path, { method: 'DELETE' })).status, 204);
  t.is((await api.ask(path, { method: 'DELETE' })).status, 404);
  t.notRegex(JSON.stringify(api.stage.callwake.log), new RegExp(`${voip}|${alert}`));
});

test('what can not be provisioned is told part by part, and changes nothing', async (t) => {
  const api = await ApiStage.start(t);
  const device = '/v1/devices/2001@corp.example/phone1';
  const put = (path: string, body: unknown) => api.ask(path, { method: 'PUT', body });
  const cases: readonly (readonly [string, unknown, number, Record<string, unknown>])[] = [
    [device, { platform: 'android' }, 400, { path: 'platform', value: '"android"', allowed: 'iphone, ipad or other' }],
    [
      device,
      { platform: 'iphone', tokens: [{ ...tokens('xyz', '')[0] }] },
      400,
      { path: 'tokens[0].token', value: '(hidden)' },
    ],
    [
      device,
      { platform: 'iphone', tokens: [tokens('ab'.repeat(32), '')[0], tokens('cd'.repeat(32), '')[0]] },
      422,
      { path: 'tokens[1].kind' },
    ],
    [
      device,
      { platform: 'iphone', tokens: [{ ...tokens('ab'.repeat(32), '')[0], teamId: 'OTHERTEAM1' }] },
      422,
      { path: 'tokens[0].bundleId' },
    ],
    [device, { platform: 'iphone', encryptionKey: 'short' }, 400, { path: 'encryptionKey', value: '(hidden)' }],
    [device, { platform: 'iphone', plattform: 1 }, 400, { path: 'plattform', allowed: /did you mean platform/ }],
    [device, [], 400, { path: '', in: 'body' }],
    [
      '/v1/devices/2001@elsewhere.example/x',
      { platform: 'ipad', tokens: tokens('ab'.repeat(32), 'cd'.repeat(32)) },
      422,
      { path: 'aor', in: 'path' },
    ],
    [
      '/v1/devices/a%20b@corp.example/x',
      { platform: 'ipad' },
      400,
      { path: 'aor', in: 'path', value: '"a b@corp.example"' },
    ],
    ['/v1/users/2001@corp.example', {}, 400, { path: '', allowed: 'either password or ha1' }],
    ['/v1/users/2001@corp.example', { ha1: { md5: 'x' } }, 400, { path: 'ha1.md5', value: '(hidden)' }],
    ['/v1/users/2001@corp.example', { ha1: {} }, 422, { path: 'ha1' }],
    [
      '/v1/users/2001@elsewhere.example',
      { password: 'x' },
      422,
      { path: 'aor', allowed: 'an address of corp.example' },
    ],
  ];
  for (const [path, body, status, error] of cases) {
    const answer = await put(path, body);
    t.is(answer.status, status, `${path} ${JSON.stringify(body)} ${answer.text}`);
    const [first] = answer.json.errors as Record<string, unknown>[];
    const { allowed, ...rest } = error;
    t.like(first, rest);
    if (allowed instanceof RegExp) t.regex(String(first?.allowed), allowed);
    else if (allowed !== undefined) t.is(first?.allowed, allowed);
  }
  const some = { platform: 'ipad', tokens: tokens('ab'.repeat(32), 'cd'.repeat(32)) };
  for (let index = 0; index < 10; index++) {
    t.is((await put(`/v1/devices/2002@corp.example/phone${index}`, some)).status, 200);
  }
  t.like(await put('/v1/devices/2002@corp.example/phone10', some), { status: 422 });
  t.like((await api.ask('/v1/devices')).json, { items: [{ aor: 'sip:2002@corp.example' }] });
  t.deepEqual((await api.ask('/v1/users')).json, { items: [] });
  t.like(await api.ask('/v1/users?limit=0'), { status: 400 });
  t.like(await api.ask('/v1/users?limit=2&page=3'), { status: 400 });
  const { status, json } = await api.ask(device, { method: 'PUT', body: {}, token: token(['devices:read']) });
  t.is(status, 403);
  t.is(json.scope, 'devices:write');
});

test('long lists come in pages', async (t) => {
  const api = await ApiStage.start(t);
  const names = Array.from({ length: 7 }, (_, index) => `${3000 + index}`);
  const some = { platform: 'ipad', tokens: tokens('ab'.repeat(32), 'cd'.repeat(32)) };
  for (const name of names) {
    await api.ask(`/v1/users/${name}@corp.example`, { method: 'PUT', body: { password: 'x' } });
    await api.ask(`/v1/devices/${name}@corp.example/d`, { method: 'PUT', body: some });
  }
  for (const list of ['/v1/users', '/v1/devices']) {
    const seen: string[] = [];
    let after = '';
    do {
      const { json } = await api.ask(`${list}?limit=3&after=${encodeURIComponent(after)}`);
      seen.push(...(json.items as { aor: string }[]).map(({ aor }) => aor));
      after = String(json.next ?? '');
    } while (after !== '');
    t.deepEqual(
      seen,
      names.map((name) => `sip:${name}@corp.example`),
      list,
    );
  }
});
