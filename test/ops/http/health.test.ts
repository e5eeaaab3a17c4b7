import test from 'ava';
import { killApp } from '../../../src/demo/app-process.js';
import { ApiStage } from '../api-stage.js';

test('live and ready are for everybody; while it drains it is live and not ready', async (t) => {
  const api = await ApiStage.start(t, { trunk: { hold: '60s' } });
  t.like(await api.ask('/live', { token: null }), { status: 200, json: { status: 'live' } });
  t.like(await api.ask('/ready', { token: null }), { status: 200, json: { status: 'ready' } });
  const phone = await api.stage.phone({ behaviour: { wakeDelayMs: 60_000 } });
  await phone.background();
  const call = api.stage.cucm.call({ to: '2001' });
  await api.stage.callwake.logged('push-asked');
  const over = api.stage.callwake.stop();
  await api.stage.callwake.logged('stopping');
  const draining = await api.ask('/ready', { token: null });
  t.like(draining, { status: 503, json: { title: 'Service Unavailable', missing: ['it is draining'] } });
  t.is(draining.headers.get('retry-after'), '5');
  t.is((await api.ask('/live', { token: null })).status, 200);
  call.cancel();
  t.is(await over, 0);
});

test('the API is there again when the app was killed', async (t) => {
  const api = await ApiStage.start(t);
  const again = api.stage.callwake.logged('api listening', ({ url }) => url !== api.url);
  await killApp(api.stage);
  const { url } = await again;
  t.is((await fetch(`${url}/ready`)).status, 200);
});
