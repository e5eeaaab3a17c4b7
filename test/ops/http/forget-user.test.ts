import test from 'ava';
import { asked } from '../../support/asked.js';
import { ApiStage } from '../api-stage.js';

const QUICK = { wakeDelayMs: 50, answerDelayMs: 50 };
const NAME = '2001@corp.example';

test('a user is forgotten with everything that is kept of him, and nobody else; the audit has no name', async (t) => {
  const api = await ApiStage.start(t, {
    edge: 'direct',
    config: { registrar: { digest: { storedUsers: true } }, timeline: { messages: true } },
  });
  const { stage } = api;
  for (const user of ['2001', '2002']) {
    await api.ask(`/v1/users/${user}`, { method: 'PUT', body: { password: 'their password' } });
    await api.ask(`/v1/users/${user}/preferences`, { method: 'PUT', body: { mute: {} } });
    const phone = await stage.phone({
      user,
      credentials: { username: user, password: 'their password' },
      alertToken: `${user}`.repeat(16),
      encryptionKey: Buffer.alloc(32, Number(user)).toString('base64url'),
      behaviour: QUICK,
    });
    const call = stage.cucm.call({ to: user });
    await call.answered;
    await call.hangup();
    await phone.background();
    const text = { contentType: 'text/plain', body: `a message for ${user}` };
    t.is((await stage.cucm.send('MESSAGE', user, text)).status, 202);
    t.is((await stage.cucm.voicemail(user, { new: 1, old: 0 })).status, 200);
    await stage.callwake.logged('end', (line) => line.reason === 'answered');
  }
  const before = (await api.ask('/v1/devices/2002')).text;

  const run = asked(api.url, stage);
  const said = await run('forget-user', '2001', '--json');
  t.is(said.status, 0, said.stderr);
  const { audit, deviceEvents, logLines, ...forgotten } = JSON.parse(said.stdout);
  t.deepEqual(forgotten, {
    credentials: 1,
    devices: 1,
    bindings: 1,
    tokens: 2,
    encryptionKeys: 1,
    preferences: 1,
    messages: 1,
    voicemail: 1,
    refusedTokens: 0,
    alarms: 0,
    calls: 1,
    refusals: 0,
  });
  t.true(deviceEvents > 0 && logLines > 0);
  const line = await stage.callwake.logged('api call', ({ call }) => String(call).startsWith('DELETE'));
  t.is(line.call, `DELETE /v1/users/${audit}`);
  t.regex(audit, /^user:[0-9a-f]{12}$/);

  for (const path of ['/v1/devices', '/v1/calls', '/v1/logs', '/v1/refusals', '/v1/users', '/v1/alarms?limit=1000']) {
    const { status, text } = await api.ask(path);
    t.is(status, 200, path);
    t.false(text.includes(NAME), path);
  }
  t.deepEqual((await api.ask('/v1/users/2001/preferences')).json, {});
  t.is((await stage.cucm.send('MESSAGE', '2001', { contentType: 'text/plain', body: 'too late' })).status, 404);
  t.is((await run('forget-user', '2001')).status, 1);
  t.is((await api.ask('/v1/users/2001', { method: 'DELETE' })).status, 404);
  t.is(
    (await api.ask('/v1/devices/2002')).text.replace(/"ms":\d+|At":\d+/g, ''),
    before.replace(/"ms":\d+|At":\d+/g, ''),
  );
  t.true((await api.ask('/v1/calls')).text.includes('2002@corp.example'));
});
