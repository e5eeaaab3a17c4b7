import test from 'ava';
import type { Stage } from '../../src/demo/stage.js';
import type { RecordedMessage } from '../../src/sim/ua/types.js';
import { requestsIn, requestsOut, stageOf } from './support.js';

const QUICK = { wakeDelayMs: 50, answerDelayMs: 50 };

/** One callwake for all: each test has a user of its own, and looks at what CUCM got since it began. */
let stage: Stage;

test.before(async () => {
  stage = await stageOf({ edge: 'path', transport: 'tcp' });
});

test.after.always(() => stage.close());

/** A dialog as its party knows it. */
interface Known {
  readonly callId: string;
  readonly local: string;
  readonly remote: string;
}

/** The dialogs whose 2xx to INVITE a simulator has got or sent, in order. */
function dialogsOf(messages: readonly RecordedMessage[]): Known[] {
  const seen = new Map<string, Known>();
  for (const { direction, message } of messages) {
    if (message.kind !== 'response' || message.status !== 200 || message.cseq.method !== 'INVITE') continue;
    const [local, remote] = direction === 'in' ? [message.fromTag, message.toTag] : [message.toTag, message.fromTag];
    seen.set(message.callId, { callId: message.callId, local: local ?? '', remote: remote ?? '' });
  }
  return [...seen.values()];
}

/** How a party names its dialog for the other end of it to match (RFC 3891). */
function forTheOther({ callId, local, remote }: Known): string {
  return `${callId};to-tag=${remote};from-tag=${local}`;
}

/** How whoever has that dialog finds it. */
function forItself({ callId, local, remote }: Known): string {
  return `${callId};to-tag=${local};from-tag=${remote}`;
}

test.serial('REFER without Replaces goes through as it is', async (t) => {
  const before = stage.cucm.messages.length;
  const phone = await stage.phone({ user: '2001', behaviour: QUICK });
  const call = stage.cucm.call({ to: '2001' });
  await call.answered;
  const referTo = '"Bob" <sip:1002@corp.example;user=phone>;x=1';
  t.is((await phone.calls[0]?.request('REFER', { headers: [['Refer-To', referTo]] }))?.status, 202);
  t.is(requestsIn(stage.cucm.messages.slice(before), 'REFER')[0]?.get('Refer-To'), referTo);
  const progress = {
    headers: [
      ['Event', 'refer'],
      ['Subscription-State', 'terminated;reason=noresource'],
    ],
    body: 'SIP/2.0 200 OK\r\n',
    contentType: 'message/sipfrag;version=2.0',
  } as const;
  t.is((await call.request('NOTIFY', progress)).status, 200);
  const [told] = requestsIn(phone.messages, 'NOTIFY');
  t.is(told?.body.toString(), progress.body);
  for (const [name, value] of progress.headers) t.is(told?.get(name), value);
  await call.hangup();
});

test.serial('attended transfer: the Replaces of a phone’s REFER names the dialog that CUCM has', async (t) => {
  const before = stage.cucm.messages.length;
  const phone = await stage.phone({ user: '2002', behaviour: QUICK });
  const first = stage.cucm.call({ to: '2002' });
  await first.answered;
  const second = await phone.call('1002');
  await second.answered;
  const [, consultation] = dialogsOf(phone.messages);
  const [, there] = dialogsOf(stage.cucm.messages.slice(before));
  if (consultation === undefined || there === undefined) throw new Error('two calls were expected');
  const replaces = encodeURIComponent(forTheOther(consultation));
  const referTo = `<sip:1002@corp.example?Replaces=${replaces}&Require=replaces>`;
  t.is((await phone.calls[0]?.request('REFER', { headers: [['Refer-To', referTo]] }))?.status, 202);
  const got = requestsIn(stage.cucm.messages.slice(before), 'REFER')[0]?.get('Refer-To') ?? '';
  const [, value = ''] = /\?Replaces=([^&>]+)&Require=replaces>/.exec(got) ?? [];
  t.is(decodeURIComponent(value), forItself(there));
  t.regex(got, /^<sip:1002@corp\.example\?/);
  await first.hangup();
  await second.hangup();
  t.deepEqual(stage.faults(), []);
});

test.serial('and the Replaces of CUCM’s REFER names the dialog that the phone has', async (t) => {
  const before = stage.cucm.messages.length;
  const phone = await stage.phone({ user: '2005', behaviour: QUICK });
  const first = stage.cucm.call({ to: '2005' });
  await first.answered;
  const second = stage.cucm.call({ to: '2005', from: '1002' });
  await second.answered;
  const [, atCucm] = dialogsOf(stage.cucm.messages.slice(before));
  const [, atPhone] = dialogsOf(phone.messages);
  if (atCucm === undefined || atPhone === undefined) throw new Error('two calls were expected');
  const referTo = `<sip:1002@corp.example?Replaces=${encodeURIComponent(forTheOther(atCucm))}>`;
  const referredBy = '<sip:1001@corp.example>';
  const headers = [
    ['Refer-To', referTo],
    ['Referred-By', referredBy],
  ] as const;
  t.is((await first.request('REFER', { headers })).status, 202);
  const [refer] = requestsIn(phone.messages, 'REFER');
  const [, value = ''] = /\?Replaces=([^&>]+)>/.exec(refer?.get('Refer-To') ?? '') ?? [];
  t.is(decodeURIComponent(value), forItself(atPhone));
  t.is(refer?.get('Referred-By'), referredBy);
  await first.hangup();
  await second.hangup();
  t.deepEqual(stage.faults(), []);
});

test.serial(
  'INVITE with Replaces from the trunk reaches the phone that has the call, naming that phone’s dialog',
  async (t) => {
    const before = stage.cucm.messages.length;
    const phone = await stage.phone({ user: '2003', behaviour: QUICK });
    const other = await stage.phone({ user: '2003', platform: 'ipad', behaviour: { answer: 'ignore' } });
    const first = stage.cucm.call({ to: '2003' });
    await first.answered;
    const [atCucm] = dialogsOf(stage.cucm.messages.slice(before));
    const [atPhone] = dialogsOf(phone.messages);
    if (atCucm === undefined || atPhone === undefined) throw new Error('a call was expected');
    const rang = requestsIn(other.messages, 'INVITE').length;

    const second = stage.cucm.call({ to: '2003', headers: [['Replaces', `${forTheOther(atCucm)};early-only`]] });
    await second.answered;
    t.is(requestsIn(phone.messages, 'INVITE')[1]?.get('Replaces'), `${forItself(atPhone)};early-only`);
    t.is(requestsIn(other.messages, 'INVITE').length, rang);
    t.is(stage.apple.received.length, 0);
    await phone.calls[0]?.hangup();
    t.is((await first.ended).how, 'remote');
    t.is(second.state, 'answered');
    await second.hangup();
  },
);

test.serial(
  'Replaces of a call that nobody has: 481 on the way to a phone, untouched on the way to the trunk',
  async (t) => {
    const before = stage.cucm.messages.length;
    const phone = await stage.phone({ user: '2004', behaviour: QUICK });
    const call = stage.cucm.call({ to: '2004', headers: [['Replaces', 'x@y;to-tag=1;from-tag=2']] });
    t.is((await call.ended).status, 481);
    t.is(requestsIn(phone.messages, 'INVITE').length, 0);
    const out = await phone.call('1002', { headers: [['Replaces', 'x@y;to-tag=1;from-tag=2']] });
    await out.answered;
    t.is(requestsIn(stage.cucm.messages.slice(before), 'INVITE')[0]?.get('Replaces'), 'x@y;to-tag=1;from-tag=2');
    await out.hangup();
    t.is(requestsOut(stage.cucm.messages.slice(before), 'INVITE').length, 1);
  },
);
