import test from 'ava';
import type { EdgeKind } from '../../src/demo/stage.js';
import { PhoneSimulator } from '../../src/sim/phone/index.js';
import { requestsIn, requestsOut, stageFor, transports, wire } from './support.js';

const QUICK = { wakeDelayMs: 50, answerDelayMs: 100 };

for (const edge of ['path', 'rewrite', 'direct'] satisfies EdgeKind[]) {
  for (const transport of transports('udp', 'tcp')) {
    test.serial(`a phone calls the trunk: ${edge}, ${transport}`, async (t) => {
      const stage = await stageFor(t, { edge, transport });
      const phone = await stage.phone({ behaviour: QUICK });
      const call = await phone.call('1001', {
        headers: [
          ['P-Asserted-Identity', '<sip:boss@corp.example>'],
          ['P-Preferred-Identity', '<sip:boss@corp.example>'],
          ['Remote-Party-ID', '<sip:boss@corp.example>;party=calling'],
          ['X-Site', 'Lübeck'],
        ],
      });
      t.is((await call.answered).status, 200);
      t.truthy(call.remoteSdp);
      const [invite] = requestsIn(stage.cucm.messages, 'INVITE');
      t.regex(invite?.uri ?? '', new RegExp(`^sip:1001@127\\.0\\.0\\.1:${stage.cucm.local.port}`));
      t.deepEqual(invite?.all('P-Asserted-Identity'), ['<sip:2001@corp.example>']);
      t.false(invite?.has('P-Preferred-Identity'));
      t.false(invite?.has('Remote-Party-ID'));
      t.is(invite?.get('X-Site'), 'Lübeck');
      t.is(invite?.from.uri, 'sip:2001@corp.example');
      t.false(wire(stage.cucm.messages).includes('pn-'), 'push parameters toward the trunk');
      const there = stage.cucm.calls[0];
      t.is((await call.reinvite({ hold: true })).status, 200);
      t.is((await there?.reinvite())?.status, 200);
      t.is((await call.request('INFO', { body: 'Signal=5\r\n', contentType: 'application/dtmf-relay' })).status, 200);
      await there?.hangup();
      t.is((await call.ended).how, 'remote');
      t.is(stage.apple.received.length, 0);
      t.deepEqual(stage.faults(), []);
    });
  }
}

test.serial('the trunk says busy, and the phone hears it; the phone cancels, and the trunk hears that', async (t) => {
  const stage = await stageFor(t, { edge: 'path' });
  const phone = await stage.phone();
  stage.cucm.behaviour = { answer: 'busy' };
  const busy = await phone.call('1001');
  t.is((await busy.ended).status, 486);
  t.regex((await busy.ended).reason ?? '', /cause=17/);

  stage.cucm.behaviour = { answer: 'ignore' };
  const ringing = await phone.call('1001');
  await ringing.response('18x');
  ringing.cancel('SIP;cause=487;text="changed my mind"');
  t.is((await ringing.ended).status, 487);
  t.is((await stage.cucm.calls[1]?.ended)?.how, 'cancelled');
  t.regex((await stage.cucm.calls[1]?.ended)?.reason ?? '', /changed my mind/);
});

test.serial('the first peer says 503: the call goes to the second', async (t) => {
  const stage = await stageFor(t, {
    edge: 'path',
    peers: (cucm, standby) => [cucm, { ...standby, priority: 2 }],
  });
  stage.cucm.behaviour = { answer: 503 };
  const phone = await stage.phone();
  const call = await phone.call('1001');
  await call.answered;
  t.is(requestsIn(stage.cucm.messages, 'INVITE').length, 1);
  t.is(requestsIn(stage.standby?.messages ?? [], 'INVITE').length, 1);
  await call.hangup();
});

test.serial('the first peer is gone: the call goes to the second, and the next one there at once', async (t) => {
  const stage = await stageFor(t, {
    edge: 'path',
    transport: 'tcp',
    peers: (cucm, standby) => [
      { ...cucm, port: 9 },
      { ...standby, priority: 2 },
    ],
    trunk: { ping: { interval: '0s' } },
  });
  const phone = await stage.phone();
  const first = await phone.call('1001');
  await first.answered;
  await first.hangup();
  const out = await stage.callwake.logged('trunk peer out of service');
  const { transport } = stage.sip;
  t.is(out.peer, `${transport}/127.0.0.1:9`);
  t.regex(String(out.reason), /^INVITE: /);
  const second = await phone.call('1001');
  await second.answered;
  await second.hangup();
  const tried = stage.callwake.log.filter(({ event }) => event === 'trunk-invited').map((line) => line.peer);
  t.deepEqual(tried.slice(-1), [`${transport}/127.0.0.1:${stage.standby?.local.port}`]);
  t.is(tried.length, 3);
});

test.serial('a silent peer is left for the next one after failoverAfter', async (t) => {
  const stage = await stageFor(t, {
    edge: 'path',
    peers: (cucm, standby) => [cucm, { ...standby, priority: 2 }],
    trunk: { failoverAfter: '300ms' },
  });
  stage.cucm.behaviour = { answer: 'mute' };
  const phone = await stage.phone();
  const call = await phone.call('1001');
  await call.answered;
  t.is(requestsIn(stage.standby?.messages ?? [], 'INVITE').length, 1);
  t.is(requestsIn(stage.cucm.messages, 'CANCEL').length, 1);
  await call.hangup();
});

test.serial('no peer in service: 503 with Retry-After to the phone', async (t) => {
  const stage = await stageFor(t, { edge: 'path', peers: (cucm) => [{ ...cucm, port: 9, transport: 'tcp' }] });
  await stage.callwake.logged('trunk peer out of service');
  const phone = await stage.phone();
  const call = await phone.call('1001');
  t.is((await call.ended).status, 503);
  t.is(call.responses.at(-1)?.header('Retry-After'), '5');
});

test.serial('one phone calls another: it is held and woken like a call from the trunk', async (t) => {
  const stage = await stageFor(t, { edge: 'path', transport: 'tcp' });
  const caller = await stage.phone({ user: '2001', behaviour: QUICK });
  const callee = await stage.phone({ user: '2002', behaviour: QUICK });
  await callee.background();
  const call = await caller.call('2002', { headers: [['P-Asserted-Identity', '<sip:boss@corp.example>']] });
  await call.answered;
  t.is(stage.apple.received.length, 1);
  t.like(stage.apple.received[0]?.payload, { callwake: { callerNumber: '2001', calledNumber: '2002' } });
  t.deepEqual(requestsIn(callee.messages, 'INVITE')[0]?.all('P-Asserted-Identity'), ['<sip:2001@corp.example>']);
  t.is(requestsIn(stage.cucm.messages, 'INVITE').length, 0);
  await call.hangup();
  t.is((await callee.calls[0]?.ended)?.how, 'remote');
  t.deepEqual(stage.faults(), []);
});

test.serial('nobody calls who has not registered, or as somebody else', async (t) => {
  const stage = await stageFor(t, { edge: 'direct' });
  const phone = await stage.phone({ user: '2001' });
  const stranger = new PhoneSimulator({ aor: 'sip:2009@corp.example', server: stage.sip, tls: stage.tls });
  t.teardown(() => stranger.close());
  await stranger.wake();
  const asStranger = new PhoneSimulator({ aor: 'sip:2001@corp.example', server: stage.sip, tls: stage.tls });
  t.teardown(() => asStranger.close());
  for (const [who, from] of [
    [stranger, 'a stranger'],
    [asStranger, 'a stranger who says he is 2001'],
  ] as const) {
    const call = await who.call('1001', {}, { register: false });
    t.is((await call.ended).status, 403, from);
  }
  t.is(requestsIn(stage.cucm.messages, 'INVITE').length, 0);
  const call = await phone.call('1001');
  await call.answered;
  await call.hangup();
});

test.serial('peers are pinged; one that answers 503 is out of service until it answers otherwise', async (t) => {
  const stage = await stageFor(t, { edge: 'path', trunk: { ping: { interval: '200ms', retry: '1s' } } });
  await stage.callwake.logged('trunk peer in service', (line) => line.reason === 'OPTIONS: 200');
  const [ping] = requestsIn(stage.cucm.messages, 'OPTIONS');
  t.true(ping?.from.uri.startsWith(`sip:callwake@${stage.sip.host}`));
  stage.cucm.behaviour = { optionsStatus: 503 };
  const out = await stage.callwake.logged('trunk peer out of service');
  t.like(out, { trunk: 'cucm', before: 'in-service', reason: 'OPTIONS: 503' });
  stage.cucm.behaviour = { optionsStatus: 404 };
  const back = await stage.callwake.logged('trunk peer in service', (line) => line.before === 'out-of-service');
  t.is(back.reason, 'OPTIONS: 404');
  t.true(requestsOut(stage.cucm.messages, 'INVITE').length === 0);
});
