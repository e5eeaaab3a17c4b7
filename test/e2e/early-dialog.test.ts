import test from 'ava';
import type { Stage } from '../../src/demo/stage.js';
import { requestsIn, stageOf } from './support.js';

const QUICK = { wakeDelayMs: 50, answerDelayMs: 300 };

/** One callwake for all: each test has a user of its own, and looks at what CUCM and Apple got since it began. */
let stage: Stage;

test.before(async () => {
  stage = await stageOf({ edge: 'path', transport: 'tcp' });
});

test.after.always(() => stage.close());

for (const [offer, user] of [
  ['early', '2001'],
  ['delayed', '2002'],
] as const) {
  test.serial(`a phone that rings reliably gets the caller's PRACK: ${offer} offer`, async (t) => {
    const phone = await stage.phone({ user, behaviour: { ...QUICK, reliable: true, earlyMedia: true } });
    await phone.background();
    const call = stage.cucm.call({ to: user, offer });
    const ringing = await call.response(180);
    t.regex(ringing.header('Require') ?? '', /100rel/);
    t.regex(ringing.body, /^v=0/);
    await call.answered;
    const [prack, ...more] = requestsIn(phone.messages, 'PRACK');
    t.deepEqual(more, []);
    const rseq = phone.messages.flatMap(({ message }) =>
      message.kind === 'response' && message.status === 180 ? [message.get('RSeq')] : [],
    )[0];
    t.is(prack?.get('RAck'), `${rseq} ${requestsIn(phone.messages, 'INVITE')[0]?.cseq.number} INVITE`);
    t.is(prack?.body.toString().startsWith('v=0'), offer === 'delayed');
    t.truthy(phone.calls[0]?.remoteSdp);
    await call.hangup();
    t.deepEqual(stage.faults(), []);
  });
}

test.serial("CUCM rings a phone's call reliably", async (t) => {
  const before = stage.cucm.messages.length;
  const { behaviour } = stage.cucm;
  stage.cucm.behaviour = { reliable: true, answerDelayMs: 200 };
  t.teardown(() => {
    stage.cucm.behaviour = behaviour;
  });
  const phone = await stage.phone({ user: '2003' });
  const call = await phone.call('1001');
  t.regex((await call.response(180)).header('Require') ?? '', /100rel/);
  await call.answered;
  t.is(requestsIn(stage.cucm.messages.slice(before), 'PRACK').length, 1);
  await call.hangup();
  t.deepEqual(stage.faults(), []);
});

test.serial('UPDATE before the answer goes through in both directions', async (t) => {
  const before = stage.cucm.messages.length;
  const behaviour = { ...QUICK, answerDelayMs: 1500, reliable: true, earlyMedia: true };
  const phone = await stage.phone({ user: '2004', behaviour });
  await phone.background();
  const call = stage.cucm.call({ to: '2004', offer: 'early' });
  await call.response(180);
  await phone.events.seen('ringing');
  const there = phone.calls[0];
  const fromCucm = await call.request('UPDATE', { headers: [['Session-Expires', '1800;refresher=uac']] });
  t.is(fromCucm.status, 200);
  t.is(requestsIn(phone.messages, 'UPDATE')[0]?.get('Session-Expires'), '1800;refresher=uac');
  t.is((await there?.request('UPDATE'))?.status, 200);
  t.is(requestsIn(stage.cucm.messages.slice(before), 'UPDATE').length, 1);
  await call.answered;
  await call.hangup();
  t.deepEqual(stage.faults(), []);
});

test.serial('session timers are the two sides’ own: either may refresh, by UPDATE or re-INVITE', async (t) => {
  const before = stage.cucm.messages.length;
  const phone = await stage.phone({ user: '2005', behaviour: { wakeDelayMs: 50, answerDelayMs: 50 } });
  const call = stage.cucm.call({ to: '2005', offer: 'early' });
  await call.answered;
  const there = phone.calls[0];
  const [invite] = requestsIn(phone.messages, 'INVITE');
  t.is(invite?.get('Session-Expires'), '1800');
  t.is(invite?.get('Min-SE'), '1800');
  t.is((await call.request('UPDATE')).status, 200);
  t.is(requestsIn(phone.messages, 'UPDATE')[0]?.get('Session-Expires'), '1800;refresher=uac');
  const refreshed = await there?.request('UPDATE', {
    headers: [
      ['Session-Expires', '1800;refresher=uac'],
      ['Supported', 'timer'],
    ],
  });
  t.is(refreshed?.status, 200);
  t.is(requestsIn(stage.cucm.messages.slice(before), 'UPDATE')[0]?.get('Session-Expires'), '1800;refresher=uac');
  const reinvited = await there?.reinvite({
    headers: [
      ['Session-Expires', '1800;refresher=uas'],
      ['Supported', 'timer'],
    ],
  });
  t.is(reinvited?.status, 200);
  t.is(reinvited?.header('Session-Expires'), '1800;refresher=uas');
  t.regex(reinvited?.header('Require') ?? '', /timer/);
  await call.hangup();
  t.deepEqual(stage.faults(), []);
});

test.serial('re-INVITEs that cross get 491, and the call goes on', async (t) => {
  const phone = await stage.phone({ user: '2006', behaviour: { wakeDelayMs: 50, answerDelayMs: 50 } });
  const call = stage.cucm.call({ to: '2006', offer: 'early' });
  await call.answered;
  const there = phone.calls[0];
  if (there === undefined) throw new Error('the phone has no call');
  const statuses = await Promise.all([call.reinvite({ hold: true }), there.reinvite({ hold: true })]);
  const sorted = statuses.map(({ status }) => status).sort();
  t.true(sorted.includes(491), sorted.join());
  t.true(
    sorted.every((status) => status === 200 || status === 491),
    sorted.join(),
  );
  t.is((await call.reinvite()).status, 200);
  t.is((await there.reinvite()).status, 200);
  await call.hangup();
  t.is((await there.ended).how, 'remote');
});

test.serial('any body goes through: multipart, and one in which characters are many bytes', async (t) => {
  const phone = await stage.phone({ user: '2007', behaviour: { wakeDelayMs: 50, answerDelayMs: 50 } });
  const body = [
    '--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\no=x 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 20000 RTP/AVP 0\r\n',
    '--b\r\nContent-Type: application/x-cisco-remotecc-request+xml\r\n\r\n<x>Grüße, 中文 😀</x>\r\n--b--\r\n',
  ].join('\r\n');
  const call = stage.cucm.call({ to: '2007', body, contentType: 'multipart/mixed;boundary=b' });
  await call.answered;
  const [invite] = requestsIn(phone.messages, 'INVITE');
  t.is(invite?.body.toString(), body);
  t.regex(invite?.get('Content-Type') ?? '', /^multipart\/mixed;\s*boundary="?b"?$/);
  await call.hangup();
});

test.serial('an anonymous caller stays anonymous in the push and reaches the phone as CUCM told it', async (t) => {
  const pushed = stage.apple.received.length;
  const phone = await stage.phone({ user: '2008', behaviour: QUICK });
  await phone.background();
  const call = stage.cucm.call({ to: '2008', anonymous: true, displayName: 'Ada Lovelace' });
  await call.answered;
  const push = stage.apple.received[pushed]?.payload;
  t.like(push, { callwake: { privacy: true } });
  t.false(JSON.stringify(push).includes('Ada'));
  const [invite] = requestsIn(phone.messages, 'INVITE');
  t.is(invite?.get('Privacy'), 'id');
  t.regex(invite?.from.uri ?? '', /Anonymous/);
  await call.hangup();
});

test.serial('with two phones none rings reliably or sends early media: CUCM sees one dialog for both', async (t) => {
  const early = { reliable: true, earlyMedia: true };
  const iphone = await stage.phone({ user: '2009', behaviour: { ...QUICK, answer: 'ignore', ...early } });
  const ipad = await stage.phone({
    user: '2009',
    platform: 'ipad',
    behaviour: { ...QUICK, answerDelayMs: 800, ...early },
  });
  await ipad.background();
  const call = stage.cucm.call({ to: '2009', offer: 'delayed' });
  const ringing = await call.response(180);
  t.is(ringing.header('Require'), undefined);
  t.is(ringing.body, '');
  await call.answered;
  t.is((await call.request('INFO')).status, 200);
  t.regex(requestsIn(ipad.messages, 'ACK')[0]?.body.toString() ?? '', /^v=0/);
  t.is(requestsIn(iphone.messages, 'PRACK').length + requestsIn(ipad.messages, 'PRACK').length, 0);
  const supported = requestsIn(ipad.messages, 'INVITE')[0]?.list('Supported') ?? [];
  t.false(supported.includes('100rel'));
  t.true(supported.includes('timer') && supported.includes('X-cisco-srtp-fallback'));
  await call.hangup();
  t.deepEqual(stage.faults(), []);
});
