import test from 'ava';
import type { Stage } from '../../src/demo/stage.js';
import { requestsIn, requestsOut, stageOf } from './support.js';

const QUICK = { wakeDelayMs: 50, answerDelayMs: 100 };

/** One callwake for all: each test has a user of its own, and looks at what CUCM and Apple got since it began. */
let stage: Stage;

test.before(async () => {
  stage = await stageOf({ edge: 'path', transport: 'tcp' });
});

test.after.always(() => stage.close());

/** drachtio-server takes the spaces after "=" out of some headers that it parses, and writes several lines of a list as one. */
function unspaced(value: string): string {
  return value.replace(/=\s+/g, '=');
}

test.serial(
  'what CUCM says beside the dialog reaches the phone untouched, and what the phone says comes back',
  async (t) => {
    const before = stage.cucm.messages.length;
    const phone = await stage.phone({ user: '2001', behaviour: QUICK });
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
    const [sent] = requestsOut(stage.cucm.messages.slice(before), 'INVITE');
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
  const before = stage.cucm.messages.length;
  const phone = await stage.phone({ user: '2002', behaviour: { ...QUICK, hangupAfterMs: 100 } });
  await phone.background();
  const call = stage.cucm.call({ to: '2002' });
  await call.answered;
  t.is((await call.ended).how, 'remote');
  t.is(requestsIn(stage.cucm.messages.slice(before), 'BYE').length, 1);
});

test.serial('re-INVITE, UPDATE and INFO go through in both directions', async (t) => {
  const phone = await stage.phone({ user: '2003', behaviour: QUICK });
  await phone.background();
  const call = stage.cucm.call({ to: '2003', offer: 'early' });
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
  const phone = await stage.phone({ user: '2004', behaviour: QUICK });
  const call = stage.cucm.call({ to: '2004' });
  await call.answered;
  const body = Buffer.from([0, 1, 0x7f, 0x80, 0xc3, 0xff, 13, 10, 13, 10, 0xfe]);
  t.is((await call.request('INFO', { body, contentType: 'application/qsig' })).status, 200);
  const [info] = requestsIn(phone.messages, 'INFO');
  t.deepEqual(info?.body, body);
  t.false(info?.has('X-Body-Encoding'));
  await call.hangup();
  t.deepEqual(stage.faults(), []);
});

test.serial('CANCEL while held: 487, and the phone that wakes late is told that the call is over', async (t) => {
  const pushed = stage.apple.received.length;
  const phone = await stage.phone({ user: '2005', behaviour: { ...QUICK, wakeDelayMs: 400 } });
  await phone.background();
  const told = phone.events.next('cancelled');
  const call = stage.cucm.call({ to: '2005' });
  await phone.events.seen('pushed');
  call.cancel('Q.850;cause=16');
  t.is((await call.ended).status, 487);
  t.regex((await told).reason ?? '', /cause=16/);
  t.is(requestsIn(phone.messages, 'INVITE').length, 1);
  t.is(stage.apple.received.length - pushed, 1);
});

test.serial('CANCEL while ringing: 487 to the caller, CANCEL to the phone', async (t) => {
  const phone = await stage.phone({ user: '2006', behaviour: { wakeDelayMs: 50, answer: 'ignore' } });
  await phone.background();
  const call = stage.cucm.call({ to: '2006' });
  await call.response('18x');
  call.cancel();
  t.is((await call.ended).status, 487);
  t.is((await phone.calls[0]?.ended)?.how, 'cancelled');
});

test.serial('two sleeping devices: one push each, one INVITE each, the loser is told where', async (t) => {
  const pushed = stage.apple.received.length;
  const iphone = await stage.phone({ user: '2007', behaviour: { wakeDelayMs: 50, answerDelayMs: 500 } });
  const ipad = await stage.phone({
    user: '2007',
    platform: 'ipad',
    behaviour: { wakeDelayMs: 150, answer: 'ignore' },
  });
  await iphone.background();
  await ipad.background();
  const told = ipad.events.next('cancelled');
  const call = stage.cucm.call({ to: '2007' });
  await call.answered;
  t.regex((await told).reason ?? '', /Call completed elsewhere/);
  t.is(stage.apple.received.length - pushed, 2);
  t.is(requestsIn(iphone.messages, 'INVITE').length, 1);
  t.is(requestsIn(ipad.messages, 'INVITE').length, 1);
  await call.hangup();
  t.deepEqual(stage.faults(), []);
});

test.serial('three REGISTERs after one push: still one INVITE', async (t) => {
  const phone = await stage.phone({ user: '2008', behaviour: { ...QUICK, registersPerPush: 3 } });
  await phone.background();
  const call = stage.cucm.call({ to: '2008' });
  await call.answered;
  t.is(requestsIn(phone.messages, 'INVITE').length, 1);
  await call.hangup();
});

test.serial(
  'Apple says the token is dead: the call ends at once with 480, and the next one isn’t pushed',
  async (t) => {
    const pushed = stage.apple.received.length;
    const phone = await stage.phone({ user: '2009', behaviour: QUICK });
    await phone.background();
    stage.apple.unregisterToken(phone.identity.voipToken ?? '');
    const first = stage.cucm.call({ to: '2009' });
    t.is((await first.ended).status, 480);
    await stage.callwake.logged('end', (line) => line.reason === 'push-failed');
    const second = stage.cucm.call({ to: '2009' });
    t.is((await second.ended).how, 'failed');
    t.is(stage.apple.received.length - pushed, 1);
  },
);
