import test from 'ava';
import type { EdgeKind } from '../../src/demo/stage.js';
import { externalEngine, requestsIn, requestsOut, stageFor, wire } from './support.js';

const QUICK = { wakeDelayMs: 50, answerDelayMs: 100 };

for (const edge of ['path', 'rewrite', 'direct'] satisfies EdgeKind[]) {
  for (const [transport, offer] of [
    ['udp', 'delayed'],
    ['tcp', 'early'],
    ['tls', 'delayed'],
  ] as const) {
    if (transport === 'tls' && externalEngine !== undefined) continue;
    test.serial(`P22: a call wakes a sleeping phone: ${edge}, ${transport}, ${offer} offer`, async (t) => {
      const stage = await stageFor(t, { edge, transport });
      const phone = await stage.phone({ behaviour: QUICK });
      await phone.background();
      t.true(phone.asleep);

      const call = stage.cucm.call({ to: '2001', offer, displayName: 'Ada Lovelace' });
      const answer = await call.answered;
      t.is(answer.status, 200);
      t.truthy(call.remoteSdp);
      t.is(call.responses[0]?.status, 100);
      await call.hangup();
      t.is((await call.ended).how, 'local');
      t.is((await phone.calls[0]?.ended)?.how, 'remote');
      t.truthy(phone.calls[0]?.remoteSdp);

      t.is(requestsIn(phone.messages, 'INVITE').length, 1);
      t.is(stage.apple.received.length, 1);
      const [push] = stage.apple.received;
      t.is(push?.answer, 200);
      t.is(push?.headers['apns-push-type'], 'voip');
      t.is(push?.headers['apns-priority'], '10');
      t.is(push?.headers['apns-topic'], 'com.example.phone.voip');
      t.regex(push?.headers['apns-expiration'] ?? '', /^\d+$/);
      t.like(push?.payload, { callwake: { v: 1, callerName: 'Ada Lovelace', calledNumber: '2001' } });
      const callUuid = requestsIn(phone.messages, 'INVITE')[0]?.get('X-Callwake-Call-UUID');
      t.regex(callUuid ?? '', /^[0-9A-F-]{36}$/);
      t.like(push?.payload, { callwake: { callUuid } });
      t.false(wire(stage.cucm.messages).includes('pn-'), 'push parameters toward the trunk');
      if (edge === 'path') {
        const path = requestsOut(stage.edge?.messages ?? [], 'REGISTER')
          .at(-1)
          ?.all('path');
        const [invite] = requestsIn(stage.edge?.messages ?? [], 'INVITE');
        t.deepEqual(invite?.list('route'), path);
      }
      t.deepEqual(stage.faults(), []);
    });
  }
}

test.serial('an active phone rings at once, without a push', async (t) => {
  const stage = await stageFor(t, { edge: 'rewrite' });
  const phone = await stage.phone({ behaviour: QUICK });
  const call = stage.cucm.call({ to: '2001' });
  await call.answered;
  t.is(stage.apple.received.length, 0);
  t.is(requestsIn(phone.messages, 'INVITE').length, 1);
  await call.hangup();
});

test.serial('nobody wakes: ringback, then 480 after the hold', async (t) => {
  const stage = await stageFor(t, { edge: 'path', trunk: { hold: '900ms', ringbackAfter: '300ms' } });
  const phone = await stage.phone({ behaviour: { deaf: true } });
  await phone.background();
  const call = stage.cucm.call({ to: '2001' });
  const end = await call.ended;
  t.is(end.status, 480);
  t.deepEqual(
    call.responses.map(({ status }) => status),
    [100, 180, 480],
  );
});

test.serial(
  'a phone that went to sleep without a word is found asleep by the call and woken in the same hold',
  async (t) => {
    const stage = await stageFor(t, { edge: 'path', transport: 'tcp', trunk: { probe: '300ms' } });
    const phone = await stage.phone({ behaviour: QUICK });
    await phone.sleepSilently();
    const call = stage.cucm.call({ to: '2001' });
    await call.answered;
    t.is(stage.apple.received.length, 1);
    t.is(requestsIn(phone.messages, 'INVITE').length, 1);
    await call.hangup();
  },
);
