import test from 'ava';
import { ApiStage } from '../api-stage.js';

test('a node that drains takes no new calls, keeps those it has, and takes new ones again when told', async (t) => {
  const api = await ApiStage.start(t, { trunk: { hold: '60s' } });
  const phone = await api.stage.phone({ behaviour: { wakeDelayMs: 60_000, answerDelayMs: 20 } });
  await phone.background();
  const held = api.stage.cucm.call({ to: '2001' });
  await api.stage.callwake.logged('push-accepted');
  t.deepEqual((await api.ask('/v1/drain')).json, { draining: false, waiting: 1 });
  t.deepEqual((await api.ask('/v1/drain', { method: 'POST' })).json, { draining: true, waiting: 1 });
  t.like(await api.ask('/ready'), { status: 503, json: { missing: ['it is draining'] } });
  t.is((await api.stage.cucm.call({ to: '2001' }).ended).status, 503);
  await phone.wake();
  await phone.register();
  t.is((await held.answered).status, 200);
  t.deepEqual((await api.ask('/v1/drain')).json, { draining: true, waiting: 0 });
  t.deepEqual((await api.ask('/v1/drain', { method: 'DELETE' })).json, { draining: false, waiting: 0 });
  t.is((await api.ask('/ready')).status, 200);
  t.is((await api.stage.cucm.call({ to: '4711' }).ended).status, 404);
  await held.hangup();
});

test('the log level changes at once', async (t) => {
  const api = await ApiStage.start(t);
  t.deepEqual((await api.ask('/v1/log-level')).json, { level: 'info' });
  t.deepEqual((await api.ask('/v1/log-level', { method: 'PUT', body: { level: 'error' } })).json, { level: 'error' });
  const before = api.stage.callwake.log.length;
  await api.stage.phone();
  t.is(api.stage.callwake.log.slice(before).filter(({ level }) => level === 'info').length, 0);
  t.like(await api.ask('/v1/log-level', { method: 'PUT', body: { level: 'loud' } }), { status: 400 });
});
