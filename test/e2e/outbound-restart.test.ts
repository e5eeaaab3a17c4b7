import test from 'ava';
import { killApp } from '../../src/demo/app-process.js';
import { requestsIn, stageFor } from './support.js';

test.serial('killed while a phone’s call to the trunk is up: re-INVITE and BYE go through as before', async (t) => {
  const stage = await stageFor(t, { edge: 'path', transport: 'tcp' });
  const phone = await stage.phone();
  const call = await phone.call('1001');
  await call.answered;
  await killApp(stage);
  t.is(call.state, 'answered');
  t.is((await call.reinvite({ hold: true })).status, 200);
  t.is((await stage.cucm.calls[0]?.reinvite())?.status, 200);
  await stage.cucm.calls[0]?.hangup();
  t.is((await call.ended).how, 'remote');
  t.deepEqual(stage.faults(), []);
});

test.serial('killed while a phone’s call rings at CUCM: it rings on, once, and is answered', async (t) => {
  const stage = await stageFor(t, { edge: 'path', transport: 'tcp' });
  stage.cucm.behaviour = { answer: 'ignore' };
  const phone = await stage.phone();
  const call = await phone.call('1001');
  await call.response('18x');
  await killApp(stage);
  stage.cucm.calls[0]?.accept();
  t.is((await call.answered).status, 200);
  t.is(requestsIn(stage.cucm.messages, 'INVITE').length, 1);
  t.is(requestsIn(stage.cucm.messages, 'CANCEL').length, 0);
  await call.hangup();
  t.is((await stage.cucm.calls[0]?.ended)?.how, 'remote');
});

test.serial('killed while the fallback number rings: it rings on, once, and is answered', async (t) => {
  const stage = await stageFor(t, {
    edge: 'path',
    transport: 'tcp',
    trunk: { hold: '300ms', whenNotWoken: { fallback: '+49301' } },
  });
  stage.cucm.behaviour = { answer: 'ignore' };
  const phone = await stage.phone({ behaviour: { deaf: true } });
  await phone.background();
  const call = stage.cucm.call({ to: '2001' });
  await stage.cucm.events.next('invited');
  await killApp(stage);
  stage.cucm.calls.find(({ direction }) => direction === 'in')?.accept();
  t.is((await call.answered).status, 200);
  t.is(requestsIn(stage.cucm.messages, 'INVITE').length, 1);
  t.is(stage.apple.received.length, 1);
  await call.hangup();
});
