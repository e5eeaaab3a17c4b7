import test from 'ava';
import type { Stage } from '../../src/demo/stage.js';
import { requestsIn, requestsOut, responsesOut, stageOf } from './support.js';

const QUICK = { wakeDelayMs: 50, answerDelayMs: 100 };

/** One callwake for all: each test has a user of its own, and looks at what CUCM and Apple got since it began. */
let stage: Stage;

test.before(async () => {
  stage = await stageOf({ edge: 'path', transport: 'tcp', trunk: { codes: { 608: 486 } } });
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
    const said = [
      ['X-Floor', 'third; a=b'],
      ['Call-Info', '<sip:pic@corp.example>;purpose=icon'],
      ['Session-Expires', '1800;refresher=uas'],
      ['Require', 'timer'],
    ] as const;
    const phone = await stage.phone({ user: '2001', behaviour: { ...QUICK, headers: said } });
    await phone.background();
    const call = stage.cucm.call({
      to: '2001',
      headers: [
        ['X-Site', 'Lübeck; floor=3'],
        ['X-Site', 'second line'],
        ['Diversion', '<sip:4000@corp.example>;reason=no-answer'],
        [
          'History-Info',
          '<sip:4000@corp.example?Reason=SIP%3Bcause%3D302>;index=1,<sip:2001@corp.example>;index=1.1;mp=1',
        ],
        ['Privacy', 'none'],
        ['Geolocation', '<cid:floor3@corp.example>'],
      ],
    });
    const answer = await call.answered;
    const ringing = await call.response(180);
    for (const [name, value] of said) {
      for (const response of [ringing, answer]) t.is(unspaced(response.header(name) ?? ''), value, name);
    }
    t.regex(answer.header('Session-ID') ?? '', /^[0-9a-f]{32};\s*remote=[0-9a-f]{32}$/);
    t.is(answer.header('Allow'), responsesOut(phone.messages, 200)[0]?.get('Allow'));
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
      'History-Info',
      'Privacy',
      'Geolocation',
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

test.serial(
  'whatever comes inside the call goes through in both directions: hold, resume, video, DTMF, messages',
  async (t) => {
    const before = stage.cucm.messages.length;
    const phone = await stage.phone({ user: '2003', behaviour: QUICK });
    await phone.background();
    const call = stage.cucm.call({ to: '2003', offer: 'early' });
    await call.answered;
    const there = phone.calls[0];
    if (there === undefined) throw new Error('the phone has no call');
    const held = await call.reinvite({ hold: true });
    t.regex(there.remoteSdp ?? '', /^a=sendonly/m);
    t.regex(held.body, /^a=recvonly/m);
    const resumed = await call.reinvite({ offer: 'delayed' });
    t.regex(resumed.body, /^a=sendrecv/m);
    const video = `${there.remoteSdp ?? ''}m=video 20002 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n`;
    t.is((await call.reinvite({ body: video })).status, 200);
    t.is(requestsIn(phone.messages, 'INVITE').at(-1)?.body.toString(), video);
    t.regex((await there.reinvite({ hold: true })).body, /^a=recvonly/m);
    t.regex(requestsIn(stage.cucm.messages.slice(before), 'INVITE')[0]?.body.toString() ?? '', /^a=sendonly/m);
    const inside = [
      ['INFO', 'Signal=5\r\n', 'application/dtmf-relay', []],
      ['MESSAGE', 'Grüße', 'text/plain;charset=UTF-8', []],
      ['OPTIONS', '', '', []],
      [
        'NOTIFY',
        '<x/>',
        'application/kpml-response+xml',
        [
          ['Event', 'kpml'],
          ['Subscription-State', 'active'],
        ],
      ],
    ] as const;
    for (const [method, body, contentType, headers] of inside) {
      const extras = { headers, ...(body === '' ? {} : { body, contentType }) };
      t.is((await call.request(method, extras)).status, 200, method);
      t.is((await there.request(method, extras)).status, 200, method);
      for (const messages of [phone.messages, stage.cucm.messages.slice(before)]) {
        const [got, ...more] = requestsIn(messages, method);
        t.deepEqual([got?.body.toString(), more], [body, []], method);
        for (const [name, value] of headers) t.is(got?.get(name), value);
      }
    }
    t.is((await there.request('UPDATE')).status, 200);
    t.is((await call.request('UPDATE')).status, 200);
    await call.hangup();
    t.deepEqual(stage.faults(), []);
  },
);

test.serial('what a phone finally says reaches CUCM as docs/calls.md has it, or as the trunk wants it', async (t) => {
  const contact = '<sip:2010@192.0.2.1;pn-provider=apns;pn-prid=abc:voip;pn-param=T.b>;q=0.5';
  const phone = await stage.phone({ user: '2010' });
  for (const [answer, expected, headers] of [
    [302, 302, [['Contact', contact]]],
    [403, 480],
    [404, 480],
    [408, 480],
    [420, 420, [['Unsupported', 'gruu']]],
    [422, 422, [['Min-SE', '3600']]],
    [481, 480],
    [486, 486],
    [488, 488, [['Warning', '304 phone "Media type not available"']]],
    [500, 480],
    [503, 480],
    [600, 600],
    [603, 603, [['Reason', 'Q.850;cause=21;text="call rejected"']]],
    [604, 603],
    [606, 606],
    [607, 607],
    [608, 486],
  ] as const satisfies readonly (readonly [number, number, (readonly (readonly [string, string])[])?])[]) {
    phone.behaviour = { answer, answerDelayMs: 0, ...(headers === undefined ? {} : { headers }) };
    const call = stage.cucm.call({ to: '2010' });
    t.is((await call.ended).status, expected, String(answer));
    const final = call.responses.at(-1);
    for (const [name, value] of headers ?? []) {
      const untouched = name === 'Contact' ? '<sip:2010@192.0.2.1>;q=0.5' : value;
      t.is(final?.header(name), untouched, `${answer}: ${name}`);
    }
  }
  t.deepEqual(phone.pushes, []);
  t.deepEqual(stage.faults(), []);
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
