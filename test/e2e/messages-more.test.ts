import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import type { Stage } from '../../src/demo/stage.js';
import { opened } from '../push/opened.js';
import { requestsIn, stageOf, wire } from './support.js';

const TEXT = { contentType: 'text/plain;charset=UTF-8' };
const QUICK = { wakeDelayMs: 50 };

/** One callwake for all: each test has a user and tokens of its own, and looks at what CUCM and Apple got since it began. */
let stage: Stage;

test.before(async () => {
  stage = await stageOf({ edge: 'path', transport: 'tcp' });
});

test.after.always(() => stage.close());

test.serial('a sleeping phone: 202, one alert push, and the messages in order, once, when it is back', async (t) => {
  const pushed = stage.apple.received.length;
  const phone = await stage.phone({ user: '2001', alertToken: '2001'.repeat(16) });
  await phone.background();
  for (const body of ['one', 'two', 'three']) {
    t.is((await stage.cucm.send('MESSAGE', '2001', { ...TEXT, body })).status, 202);
  }
  await stage.apple.waitFor(pushed + 3);
  const [push] = stage.apple.received.slice(pushed);
  t.is(push?.headers['apns-push-type'], 'alert');
  t.is(push?.headers['apns-priority'], '10');
  t.is(push?.headers['apns-topic'], 'com.example.phone');
  t.like(push?.payload, { aps: { alert: { title: '1001', body: 'one' }, badge: 1 }, callwake: { type: 'message' } });
  t.is(new Set(stage.apple.received.slice(pushed).map(({ headers }) => headers['apns-collapse-id'])).size, 1);
  t.like(stage.apple.received[pushed + 2]?.payload, { aps: { badge: 3 } });
  await phone.register();
  await phone.events.seen('message', ({ body }) => body === 'three');
  await pause(100);
  t.deepEqual(
    phone.events.all('message').map(({ body }) => body),
    ['one', 'two', 'three'],
  );
  const got = requestsIn(phone.messages, 'MESSAGE');
  t.is(new Set(got.map(({ callId }) => callId)).size, 3);
  t.true(got.every((request) => request.has('Date')));
  await phone.background();
  await phone.register();
  await pause(100);
  t.is(requestsIn(phone.messages, 'MESSAGE').length, 3);
  t.deepEqual(stage.faults(), []);
});

test.serial('a phone that has given a key: Apple sees neither sender nor text, the app can open both', async (t) => {
  const pushed = stage.apple.received.length;
  const key = Buffer.alloc(32, 7);
  const phone = await stage.phone({
    user: '2011',
    alertToken: '2011'.repeat(16),
    encryptionKey: key.toString('base64url'),
  });
  await phone.background();
  t.is((await stage.cucm.send('MESSAGE', '2011', { ...TEXT, body: 'for your eyes' })).status, 202);
  await stage.apple.waitFor(pushed + 1);
  const push = stage.apple.received[pushed]?.payload as { callwake: { id: string; sealed: string } };
  t.like(push, { aps: { alert: { title: 'New message' }, 'mutable-content': 1 } });
  t.notRegex(JSON.stringify({ ...push, callwake: {} }), /1001|eyes/);
  t.like(opened(push.callwake.sealed, key, `1.message.${push.callwake.id}`), {
    alert: { title: '1001', body: 'for your eyes' },
  });
  await phone.register();
  t.is((await phone.events.seen('message')).body, 'for your eyes');
});

test.serial('two devices, one awake: it gets the message, the other one gets it later and is not pushed', async (t) => {
  const pushed = stage.apple.received.length;
  const iphone = await stage.phone({ user: '2021', alertToken: '2021'.repeat(16) });
  const ipad = await stage.phone({ user: '2021', platform: 'ipad', alertToken: 'cd'.repeat(32) });
  await iphone.background();
  t.is((await stage.cucm.send('MESSAGE', '2021', { ...TEXT, body: 'both' })).status, 200);
  t.is(ipad.events.all('message').length, 1);
  await stage.callwake.logged(
    'notified',
    (line) => line.aor === 'sip:2021@corp.example' && line.outcome === 'other-active',
  );
  t.is(stage.apple.received.length - pushed, 0);
  await iphone.register();
  t.is((await iphone.events.seen('message')).body, 'both');
  t.is(ipad.events.all('message').length, 1);
});

test.serial(
  'Apple says the token is dead: the message is stored still and delivered when the phone registers',
  async (t) => {
    const pushed = stage.apple.received.length;
    const phone = await stage.phone({ user: '2031', alertToken: '2031'.repeat(16) });
    await phone.background();
    stage.apple.unregisterToken('2031'.repeat(16));
    t.is((await stage.cucm.send('MESSAGE', '2031', { ...TEXT, body: 'first' })).status, 202);
    await stage.callwake.logged(
      'notified',
      (line) => line.aor === 'sip:2031@corp.example' && line.outcome === 'unreachable',
    );
    t.is((await stage.cucm.send('MESSAGE', '2031', { ...TEXT, body: 'second' })).status, 202);
    t.is(stage.apple.received.length - pushed, 1);
    await phone.register();
    await phone.events.seen('message', ({ body }) => body === 'second');
    t.deepEqual(
      phone.events.all('message').map(({ body }) => body),
      ['first', 'second'],
    );
  },
);

test.serial(
  'composing goes to phones that are awake only; a receipt is stored and never pushed; CPIM passes',
  async (t) => {
    const pushed = stage.apple.received.length;
    const phone = await stage.phone({ user: '2041', alertToken: '2041'.repeat(16) });
    const composing = {
      contentType: 'application/im-iscomposing+xml',
      body: '<isComposing><state>active</state></isComposing>',
    };
    const receipt = { contentType: 'message/imdn+xml', body: '<imdn/>' };
    const cpim = {
      contentType: 'message/cpim',
      body: 'From: <im:ada@corp.example>\r\nTo: <im:2041@corp.example>\r\n\r\nContent-Type: message/imdn+xml\r\n\r\n<imdn/>',
    };
    const text = {
      contentType: 'message/cpim',
      body: 'From: <im:ada@corp.example>\r\n\r\nContent-Type: text/plain\r\n\r\nHi',
    };
    t.is((await stage.cucm.send('MESSAGE', '2041', composing)).status, 200);
    await phone.background();
    for (const extras of [composing, receipt, cpim]) {
      t.is((await stage.cucm.send('MESSAGE', '2041', extras)).status, 202);
    }
    t.is((await stage.cucm.send('MESSAGE', '2041', text)).status, 202);
    await stage.apple.waitFor(pushed + 1);
    t.like(stage.apple.received[pushed]?.payload, { aps: { alert: { body: 'Hi' } } });
    await phone.register();
    await phone.events.seen('message', ({ body }) => body === text.body);
    t.deepEqual(
      requestsIn(phone.messages, 'MESSAGE').map((request) => request.body.toString()),
      [composing.body, receipt.body, cpim.body, text.body],
    );
    t.is(stage.apple.received.length - pushed, 1);
  },
);

test.serial(
  'from a phone to the trunk, with the identity that callwake knows; the trunk’s answer goes back',
  async (t) => {
    const before = stage.cucm.messages.length;
    const phone = await stage.phone({ user: '2051' });
    t.is((await phone.sendMessage('1001', 'Hallo')).status, 200);
    const [got] = requestsIn(stage.cucm.messages.slice(before), 'MESSAGE');
    t.is(got?.body.toString(), 'Hallo');
    t.deepEqual(got?.all('P-Asserted-Identity'), ['<sip:2051@corp.example>']);
    t.false(wire(stage.cucm.messages.slice(before)).includes('pn-'));
    t.is(stage.cucm.events.all('message')[0]?.body, 'Hallo');
  },
);

test.serial('from a phone to a phone that sleeps', async (t) => {
  const pushed = stage.apple.received.length;
  const from = await stage.phone({ user: '2062' });
  const to = await stage.phone({ user: '2061', alertToken: '2061'.repeat(16), behaviour: QUICK });
  await to.background();
  t.is((await from.sendMessage('2061', 'Hallo')).status, 202);
  await stage.apple.waitFor(pushed + 1);
  await to.register();
  t.is((await to.events.seen('message')).from, 'sip:2062@corp.example');
});
