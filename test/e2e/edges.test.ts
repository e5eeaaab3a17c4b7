import test from 'ava';
import { CallwakeProcess } from '../../src/demo/callwake-process.js';
import { stageFor } from './support.js';

test.serial('an OPTIONS ping is answered 200, whatever Apple or a phone does; an unknown user gets 404', async (t) => {
  const stage = await stageFor(t, { edge: 'path' });
  t.deepEqual(await stage.cucm.ping(), { status: 200, inService: true });
  const call = stage.cucm.call({ to: '2999' });
  t.is((await call.ended).status, 404);
  const phone = await stage.phone();
  await phone.background();
  stage.apple.script({ times: 0, status: 503, reason: 'ServiceUnavailable' });
  const held = stage.cucm.call({ to: '2001' });
  await stage.apple.waitFor(1);
  t.deepEqual(await stage.cucm.ping(), { status: 200, inService: true });
  await stage.apple.close();
  t.deepEqual(await stage.cucm.ping(), { status: 200, inService: true });
  held.cancel();
  t.is((await held.ended).status, 487);
});

test.serial('bindings and tokens survive a restart: a phone that slept through it is woken', async (t) => {
  const stage = await stageFor(t, { edge: 'path' });
  const phone = await stage.phone({ behaviour: { wakeDelayMs: 50, answerDelayMs: 100 } });
  await phone.background();
  t.is(await stage.callwake.stop(), 0);
  const { host, port, transport } = stage.sip;
  const contact = transport === 'tls' ? `sips:${host}:${port};transport=tls` : `sip:${host}:${port};transport=udp,tcp`;
  const env = { CALLWAKE_ENGINE__CONTACTS: `["${contact}"]` };
  const again = new CallwakeProcess(stage.configFile, env, [], stage.callwake.secrets);
  t.teardown(() => again.stop());
  await again.ready();
  const call = stage.cucm.call({ to: '2001' });
  await call.answered;
  await call.hangup();
  t.is(stage.apple.received.length, 1);
});

test.serial('a REGISTER for a domain that is not ours gets 404', async (t) => {
  const stage = await stageFor(t, { edge: 'path' });
  const phone = await stage.phone({ aor: 'sip:2001@elsewhere.example' }).catch((error: unknown) => error);
  t.truthy(phone);
  const refused = await stage.callwake.logged('register refused');
  t.is(refused.status, 404);
});
