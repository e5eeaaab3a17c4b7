import test from 'ava';
import type { EdgeKind } from '../../src/demo/stage.js';
import { externalEngine, requestsIn, requestsOut, stageFor, wire } from './support.js';

const QUICK = { wakeDelayMs: 50, answerDelayMs: 100 };

/** drachtio-server takes the spaces after "=" out of some headers that it parses, and writes several lines of a list as one. */
function unspaced(value: string): string {
  return value.replace(/=\s+/g, '=');
}

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

test.serial(
  'what CUCM says beside the dialog reaches the phone untouched, and what the phone says comes back',
  async (t) => {
    const stage = await stageFor(t, { edge: 'path' });
    const phone = await stage.phone({ behaviour: QUICK });
    await phone.background();
    const call = stage.cucm.call({
      to: '2001',
      headers: [
        ['X-Site', 'Lübeck; floor=3'],
        ['X-Site', 'second line'],
        ['Diversion', '<sip:4000@corp.example>;reason=no-answer'],
      ],
    });
    await call.answered;
    const [sent] = requestsOut(stage.cucm.messages, 'INVITE');
    const [got] = requestsIn(phone.messages, 'INVITE');
    for (const name of [
      'Session-ID',
      'Cisco-Guid',
      'P-Asserted-Identity',
      'Remote-Party-ID',
      'Call-Info',
      'X-Site',
      'Diversion',
      'Supported',
      'Allow',
      'Min-SE',
      'Session-Expires',
      'Expires',
      'Date',
    ]) {
      t.deepEqual(got?.list(name).map(unspaced), sent?.list(name).map(unspaced), name);
    }
    t.is(got?.from.uri, sent?.from.uri);
    t.is(got?.from.display, sent?.from.display);
    t.not(got?.callId, sent?.callId);
    t.is(got?.maxForwards, (sent?.maxForwards ?? 0) - 2, 'callwake and the edge');
    await call.hangup();
  },
);

test.serial('the phone hangs up', async (t) => {
  const stage = await stageFor(t, { edge: 'path', transport: 'tcp' });
  const phone = await stage.phone({ behaviour: { ...QUICK, hangupAfterMs: 100 } });
  await phone.background();
  const call = stage.cucm.call({ to: '2001' });
  await call.answered;
  t.is((await call.ended).how, 'remote');
  t.is(requestsIn(stage.cucm.messages, 'BYE').length, 1);
});

test.serial('re-INVITE, UPDATE and INFO go through in both directions', async (t) => {
  const stage = await stageFor(t, { edge: 'path', transport: 'tcp' });
  const phone = await stage.phone({ behaviour: QUICK });
  await phone.background();
  const call = stage.cucm.call({ to: '2001', offer: 'early' });
  await call.answered;
  const there = phone.calls[0];
  if (there === undefined) throw new Error('the phone has no call');
  t.is((await call.reinvite({ hold: true })).status, 200);
  t.is((await call.reinvite({ offer: 'delayed' })).status, 200);
  t.is((await there.reinvite({ hold: true })).status, 200);
  t.is((await call.request('INFO', { body: 'Signal=5\r\n', contentType: 'application/dtmf-relay' })).status, 200);
  t.is((await there.request('UPDATE')).status, 200);
  t.deepEqual(
    there.requests.map(({ method }) => method).filter((method) => method !== 'ACK'),
    ['INVITE', 'INVITE', 'INFO'],
  );
  t.is(requestsIn(phone.messages, 'INFO')[0]?.body.toString(), 'Signal=5\r\n');
  await call.hangup();
});

test.serial('bodies that are no text reach the other side byte for byte', async (t) => {
  const stage = await stageFor(t, { edge: 'path', transport: 'tcp' });
  const phone = await stage.phone({ behaviour: QUICK });
  const call = stage.cucm.call({ to: '2001' });
  await call.answered;
  const body = Buffer.from([0, 1, 0x7f, 0x80, 0xc3, 0xff, 13, 10, 13, 10, 0xfe]);
  t.is((await call.request('INFO', { body, contentType: 'application/qsig' })).status, 200);
  const [info] = requestsIn(phone.messages, 'INFO');
  t.deepEqual(info?.body, body);
  t.false(info?.has('X-Body-Encoding'));
  await call.hangup();
  t.deepEqual(stage.faults(), []);
});

test.serial('an active phone rings at once, without a push', async (t) => {
  const stage = await stageFor(t, { edge: 'rewrite' });
  const phone = await stage.phone({ behaviour: QUICK });
  const call = stage.cucm.call({ to: '2001' });
  await call.answered;
  t.is(stage.apple.received.length, 0);
  t.is(requestsIn(phone.messages, 'INVITE').length, 1);
  await call.hangup();
});

test.serial('CANCEL while held: 487, and the phone that wakes late is told that the call is over', async (t) => {
  const stage = await stageFor(t, { edge: 'path' });
  const phone = await stage.phone({ behaviour: { ...QUICK, wakeDelayMs: 400 } });
  await phone.background();
  const told = phone.events.next('cancelled');
  const call = stage.cucm.call({ to: '2001' });
  await phone.events.seen('pushed');
  call.cancel('Q.850;cause=16');
  t.is((await call.ended).status, 487);
  t.regex((await told).reason ?? '', /cause=16/);
  t.is(requestsIn(phone.messages, 'INVITE').length, 1);
  t.is(stage.apple.received.length, 1);
});

test.serial('CANCEL while ringing: 487 to the caller, CANCEL to the phone', async (t) => {
  const stage = await stageFor(t, { edge: 'path', transport: 'tcp' });
  const phone = await stage.phone({ behaviour: { wakeDelayMs: 50, answer: 'ignore' } });
  await phone.background();
  const call = stage.cucm.call({ to: '2001' });
  await call.response('18x');
  call.cancel();
  t.is((await call.ended).status, 487);
  t.is((await phone.calls[0]?.ended)?.how, 'cancelled');
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

test.serial('two sleeping devices: one push each, one INVITE each, the loser is told where', async (t) => {
  const stage = await stageFor(t, { edge: 'path' });
  const iphone = await stage.phone({ behaviour: { wakeDelayMs: 50, answerDelayMs: 500 } });
  const ipad = await stage.phone({ platform: 'ipad', behaviour: { wakeDelayMs: 150, answer: 'ignore' } });
  await iphone.background();
  await ipad.background();
  const told = ipad.events.next('cancelled');
  const call = stage.cucm.call({ to: '2001' });
  await call.answered;
  t.regex((await told).reason ?? '', /Call completed elsewhere/);
  t.is(stage.apple.received.length, 2);
  t.is(requestsIn(iphone.messages, 'INVITE').length, 1);
  t.is(requestsIn(ipad.messages, 'INVITE').length, 1);
  await call.hangup();
  t.deepEqual(stage.faults(), []);
});

test.serial('three REGISTERs after one push: still one INVITE', async (t) => {
  const stage = await stageFor(t, { edge: 'path' });
  const phone = await stage.phone({ behaviour: { ...QUICK, registersPerPush: 3 } });
  await phone.background();
  const call = stage.cucm.call({ to: '2001' });
  await call.answered;
  t.is(requestsIn(phone.messages, 'INVITE').length, 1);
  await call.hangup();
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

test.serial(
  'Apple says the token is dead: the call ends at once with 480, and the next one isn’t pushed',
  async (t) => {
    const stage = await stageFor(t, { edge: 'path' });
    const phone = await stage.phone({ behaviour: QUICK });
    await phone.background();
    stage.apple.unregisterToken(phone.identity.voipToken ?? '');
    const first = stage.cucm.call({ to: '2001' });
    t.is((await first.ended).status, 480);
    await stage.callwake.logged('end', (line) => line.reason === 'push-failed');
    const second = stage.cucm.call({ to: '2001' });
    t.is((await second.ended).how, 'failed');
    t.is(stage.apple.received.length, 1);
  },
);
