import test from 'ava';
import { killApp } from '../../src/demo/app-process.js';
import { requestsIn, stageFor } from './support.js';

const ALERT = 'ab'.repeat(32);

test.serial('voicemail: a badge without a word, the summary to the phone when it is back, once', async (t) => {
  const stage = await stageFor(t, { edge: 'path', transport: 'tcp' });
  const phone = await stage.phone({ alertToken: ALERT });
  await phone.background();
  t.is((await stage.cucm.voicemail('2001', { new: 1, old: 4 })).status, 200);
  t.is((await stage.cucm.voicemail('2001', { new: 2, old: 4 })).status, 200);
  t.is((await stage.cucm.voicemail('2001', { new: 2, old: 4 })).status, 200);
  await stage.apple.waitFor(2);
  const [, second] = stage.apple.received;
  t.is(second?.headers['apns-push-type'], 'alert');
  t.is(second?.headers['apns-priority'], '5');
  t.like(second?.payload, { aps: { badge: 2 }, callwake: { type: 'voicemail', newMessages: 2, oldMessages: 4 } });
  t.notRegex(JSON.stringify(second?.payload), /"alert"|"sound"/);
  await killApp(stage);
  await phone.register();
  t.regex((await phone.events.seen('notified')).body, /Voice-Message: 2\/4/);
  await phone.background();
  await phone.register();
  t.is((await stage.cucm.voicemail('2001', { new: 0, old: 6 })).status, 200);
  await phone.events.seen('notified', ({ body }) => /Messages-Waiting: no/.test(body));
  t.is(requestsIn(phone.messages, 'NOTIFY').length, 2);
  t.is(requestsIn(phone.messages, 'NOTIFY')[0]?.get('Event'), 'message-summary');
  t.is(stage.apple.received.length, 2);
  t.deepEqual(stage.faults(), []);
});

test.serial('voicemail: announced if the operator wants it; messages that wait count into the badge', async (t) => {
  const stage = await stageFor(t, { edge: 'path', config: { messages: { voicemail: { alert: true, relay: false } } } });
  const phone = await stage.phone({ alertToken: ALERT });
  await phone.background();
  await stage.cucm.send('MESSAGE', '2001', { contentType: 'text/plain', body: 'Hi' });
  await stage.apple.waitFor(1);
  await stage.cucm.voicemail('2001', { new: 1, old: 0 });
  await stage.apple.waitFor(2);
  t.like(stage.apple.received[1]?.payload, { aps: { alert: { title: 'Voicemail' }, badge: 2, sound: 'default' } });
  t.is(stage.apple.received[1]?.headers['apns-priority'], '10');
  await phone.register();
  await phone.events.seen('message');
  t.is(phone.events.all('notified').length, 0);
});

test.serial('NOTIFY that is not for callwake', async (t) => {
  const stage = await stageFor(t, { edge: 'path', transport: 'tcp' });
  await stage.phone();
  const summary = { contentType: 'application/simple-message-summary', body: 'Messages-Waiting: yes\r\n' };
  const event = (name: string) => ({ headers: [['Event', name] as const] });
  t.is((await stage.cucm.send('NOTIFY', '2001', { ...summary, ...event('presence') })).status, 489);
  t.is((await stage.cucm.send('NOTIFY', '2999', { ...summary, ...event('message-summary') })).status, 404);
  t.is(
    (await stage.cucm.send('NOTIFY', '2001', { ...event('message-summary'), contentType: 'text/plain', body: 'x' }))
      .status,
    400,
  );
  t.is((await stage.cucm.send('NOTIFY', '2001', { ...summary, ...event('message-summary') })).status, 200);
});
