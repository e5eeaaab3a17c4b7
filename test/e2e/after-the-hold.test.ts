import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import { requestsIn, stageFor } from './support.js';

const QUICK = { wakeDelayMs: 50, answerDelayMs: 100 };
const ALERT = 'ab'.repeat(32);

test.serial('nobody wakes: the call goes to the fallback number over the trunk, and is answered there', async (t) => {
  const stage = await stageFor(t, {
    edge: 'path',
    trunk: { hold: '500ms', whenNotWoken: { fallback: '+49301' } },
    config: { users: { 2002: { fallback: '+49302' } } },
  });
  const [first, second] = [await stage.phone(), await stage.phone({ user: '2002' })];
  for (const phone of [first, second]) {
    phone.behaviour = { deaf: true };
    await phone.background();
  }
  for (const [to, number] of [
    ['2001', '+49301'],
    ['2002', '+49302'],
  ] as const) {
    const call = stage.cucm.call({ to, displayName: 'Ada Lovelace' });
    t.is((await call.answered).status, 200);
    const invite = requestsIn(stage.cucm.messages, 'INVITE').at(-1);
    t.regex(invite?.uri ?? '', new RegExp(`^sip:\\${number}@127\\.0\\.0\\.1:${stage.cucm.local.port}`));
    t.deepEqual(invite?.all('Diversion'), [`<sip:${to}@corp.example>;reason=unavailable;counter=1`]);
    t.regex(invite?.all('History-Info').join(', ') ?? '', new RegExp(`^<sip:${to}@corp.example\\?Reason=.*;mp=1$`));
    t.regex(invite?.get('P-Asserted-Identity') ?? '', /Ada Lovelace/);
    await call.hangup();
  }
  t.deepEqual(stage.faults(), []);
});

test.serial(
  'the fallback number is busy: so is the call; without a number the caller is sent elsewhere with 302',
  async (t) => {
    const stage = await stageFor(t, {
      edge: 'path',
      trunk: { hold: '300ms', whenNotWoken: { fallback: '+49301' } },
    });
    stage.cucm.behaviour = { answer: 'busy' };
    const phone = await stage.phone({ behaviour: { deaf: true } });
    await phone.background();
    const call = stage.cucm.call({ to: '2001' });
    t.is((await call.ended).status, 486);

    const other = await stageFor(t, {
      edge: 'path',
      trunk: { hold: '300ms', whenNotWoken: { answer: 302, contact: 'sip:voicemail@corp.example' } },
    });
    const deaf = await other.phone({ behaviour: { deaf: true } });
    await deaf.background();
    const redirected = other.cucm.call({ to: '2001' });
    t.is((await redirected.ended).status, 302);
    t.is(redirected.responses.at(-1)?.header('Contact'), '<sip:voicemail@corp.example>');
    t.is(redirected.responses.at(-1)?.header('Reason'), 'Q.850;cause=20;text="Subscriber absent"');
  },
);

test.serial(
  'alert pushes tell of a missed call, and of one that another phone took, if the operator wants it',
  async (t) => {
    const stage = await stageFor(t, {
      edge: 'path',
      trunk: { hold: '500ms' },
      config: { alerts: { missedCall: true, answeredElsewhere: true } },
    });
    const phone = await stage.phone({ alertToken: ALERT, behaviour: { deaf: true } });
    await phone.background();
    const missed = stage.cucm.call({ to: '2001', displayName: 'Ada Lovelace' });
    t.is((await missed.ended).status, 480);
    await stage.callwake.logged('alert-accepted');
    const alerts = () => stage.apple.received.filter(({ headers }) => headers['apns-push-type'] === 'alert');
    t.like(alerts()[0]?.payload, {
      aps: { alert: { title: 'Missed call', body: 'Ada Lovelace (1001)' } },
      callwake: { type: 'missed-call', callerNumber: '1001', calledNumber: '2001' },
    });
    t.is(alerts()[0]?.headers['apns-topic'], 'com.example.phone');

    const ipad = await stage.phone({ platform: 'ipad', behaviour: QUICK });
    const answered = stage.cucm.call({ to: '2001', anonymous: true });
    await answered.answered;
    await answered.hangup();
    await stage.callwake.logged(
      'alert-accepted',
      (line) => line.callUuid !== stage.callwake.log.find(({ event }) => event === 'alert-accepted')?.callUuid,
    );
    t.like(alerts()[1]?.payload, {
      aps: { alert: { title: 'Answered on another device', body: 'Unknown caller' } },
      callwake: { type: 'answered-elsewhere', privacy: true },
    });
    t.is(alerts().length, 2);
    t.is(ipad.pushes.length, 0);
  },
);

test.serial('no alert is sent that nobody asked for', async (t) => {
  const stage = await stageFor(t, { edge: 'path', trunk: { hold: '300ms' } });
  const phone = await stage.phone({ alertToken: ALERT, behaviour: { deaf: true } });
  await phone.background();
  const missed = stage.cucm.call({ to: '2001' });
  t.is((await missed.ended).status, 480);
  await pause(200);
  t.is(stage.apple.received.length, 1);
});

test.serial('more held calls than the trunk may have: 503 with Retry-After', async (t) => {
  const stage = await stageFor(t, { edge: 'path', trunk: { hold: '2s', maxHeld: 1, maxActive: 1 } });
  const phone = await stage.phone({ behaviour: { deaf: true } });
  await phone.background();
  const first = stage.cucm.call({ to: '2001' });
  await stage.callwake.logged('push-accepted');
  const second = stage.cucm.call({ to: '2001' });
  t.is((await second.ended).status, 503);
  t.is(second.responses.at(-1)?.header('Retry-After'), '5');
  first.cancel();
  t.is((await first.ended).status, 487);
  phone.behaviour = QUICK;
  const third = stage.cucm.call({ to: '2001' });
  await third.answered;
  const fourth = stage.cucm.call({ to: '2001' });
  t.is((await fourth.ended).status, 503, 'one is answered, more may not be');
  await third.hangup();
});

for (const [ringback, expected] of [
  [180, [100, 180, 480]],
  [183, [100, 183, 480]],
  [110, [100, 110, 480]],
  ['none', [100, 480]],
] as const) {
  test.serial(`ringback ${ringback}: what the caller hears before anybody rings`, async (t) => {
    const stage = await stageFor(t, { edge: 'path', trunk: { hold: '500ms', ringback, ringbackAfter: '100ms' } });
    const phone = await stage.phone({ behaviour: { deaf: true } });
    await phone.background();
    const call = stage.cucm.call({ to: '2001' });
    t.is((await call.ended).status, 480);
    t.deepEqual(
      call.responses.map(({ status }) => status),
      expected,
    );
    t.is(call.responses.find(({ status }) => status === 183)?.body ?? '', '');
  });
}
