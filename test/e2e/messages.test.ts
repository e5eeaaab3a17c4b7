import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import { killApp } from '../../src/demo/app-process.js';
import type { EdgeKind } from '../../src/demo/stage.js';
import { Preferences } from '../../src/messages/preferences.js';
import { openStore } from '../../src/store/open.js';
import { opened } from '../push/opened.js';
import { requestsIn, requestsOut, stageFor, wire } from './support.js';

const ALERT = 'ab'.repeat(32);
const OTHER_ALERT = 'cd'.repeat(32);
const TEXT = { contentType: 'text/plain;charset=UTF-8' };
const QUICK = { wakeDelayMs: 50 };

for (const [edge, transport] of [
  ['path', 'udp'],
  ['rewrite', 'tcp'],
  ['direct', 'udp'],
] as const satisfies readonly (readonly [EdgeKind, 'udp' | 'tcp'])[]) {
  test.serial(
    `an active phone gets a message at once, its answer goes back, no push: ${edge}, ${transport}`,
    async (t) => {
      const stage = await stageFor(t, { edge, transport });
      const phone = await stage.phone({ alertToken: ALERT });
      const answer = await stage.cucm.send('MESSAGE', '2001', {
        ...TEXT,
        body: 'Grüße',
        headers: [['X-Site', 'Lübeck']],
      });
      t.is(answer.status, 200);
      const [sent] = requestsOut(stage.cucm.messages, 'MESSAGE');
      const [got, ...others] = requestsIn(phone.messages, 'MESSAGE');
      t.is(others.length, 0);
      t.is(got?.body.toString(), 'Grüße');
      t.is(got?.get('Content-Type'), TEXT.contentType);
      t.is(got?.get('X-Site'), 'Lübeck');
      t.is(got?.from.uri, sent?.from.uri);
      t.not(got?.callId, sent?.callId);
      t.is(stage.apple.received.length, 0);
      t.deepEqual(stage.faults(), []);
    },
  );
}

test.serial('a sleeping phone: 202, one alert push, and the messages in order, once, when it is back', async (t) => {
  const stage = await stageFor(t, { edge: 'path', transport: 'tcp' });
  const phone = await stage.phone({ alertToken: ALERT });
  await phone.background();
  for (const body of ['one', 'two', 'three']) {
    t.is((await stage.cucm.send('MESSAGE', '2001', { ...TEXT, body })).status, 202);
  }
  await stage.apple.waitFor(3);
  const [push] = stage.apple.received;
  t.is(push?.headers['apns-push-type'], 'alert');
  t.is(push?.headers['apns-priority'], '10');
  t.is(push?.headers['apns-topic'], 'com.example.phone');
  t.like(push?.payload, { aps: { alert: { title: '1001', body: 'one' }, badge: 1 }, callwake: { type: 'message' } });
  t.is(new Set(stage.apple.received.map(({ headers }) => headers['apns-collapse-id'])).size, 1);
  t.like(stage.apple.received[2]?.payload, { aps: { badge: 3 } });
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
  const stage = await stageFor(t, { edge: 'path' });
  const key = Buffer.alloc(32, 7);
  const phone = await stage.phone({ alertToken: ALERT, encryptionKey: key.toString('base64url') });
  await phone.background();
  t.is((await stage.cucm.send('MESSAGE', '2001', { ...TEXT, body: 'for your eyes' })).status, 202);
  await stage.apple.waitFor(1);
  const push = stage.apple.received[0]?.payload as { callwake: { id: string; sealed: string } };
  t.like(push, { aps: { alert: { title: 'New message' }, 'mutable-content': 1 } });
  t.notRegex(JSON.stringify({ ...push, callwake: {} }), /1001|eyes/);
  t.like(opened(push.callwake.sealed, key, `1.message.${push.callwake.id}`), {
    alert: { title: '1001', body: 'for your eyes' },
  });
  await phone.register();
  t.is((await phone.events.seen('message')).body, 'for your eyes');
});

test.serial('killed after the 202: the next process delivers, once', async (t) => {
  const stage = await stageFor(t, { edge: 'path' });
  const phone = await stage.phone({ alertToken: ALERT });
  await phone.background();
  t.is((await stage.cucm.send('MESSAGE', '2001', { ...TEXT, body: 'kept' })).status, 202);
  await killApp(stage);
  await phone.register();
  await phone.events.seen('message');
  await phone.background();
  await killApp(stage);
  await phone.register();
  await pause(200);
  t.deepEqual(
    phone.events.all('message').map(({ body }) => body),
    ['kept'],
  );
  t.deepEqual(stage.faults(), []);
});

test.serial('two devices, one awake: it gets the message, the other one gets it later and is not pushed', async (t) => {
  const stage = await stageFor(t, { edge: 'path' });
  const iphone = await stage.phone({ alertToken: ALERT });
  const ipad = await stage.phone({ platform: 'ipad', alertToken: OTHER_ALERT });
  await iphone.background();
  t.is((await stage.cucm.send('MESSAGE', '2001', { ...TEXT, body: 'both' })).status, 200);
  t.is(ipad.events.all('message').length, 1);
  await stage.callwake.logged('notified', (line) => line.outcome === 'other-active');
  t.is(stage.apple.received.length, 0);
  await iphone.register();
  t.is((await iphone.events.seen('message')).body, 'both');
  t.is(ipad.events.all('message').length, 1);
});

test.serial(
  'Apple says the token is dead: the message is stored still and delivered when the phone registers',
  async (t) => {
    const stage = await stageFor(t, { edge: 'path' });
    const phone = await stage.phone({ alertToken: ALERT });
    await phone.background();
    stage.apple.unregisterToken(ALERT);
    t.is((await stage.cucm.send('MESSAGE', '2001', { ...TEXT, body: 'first' })).status, 202);
    await stage.callwake.logged('notified', (line) => line.outcome === 'unreachable');
    t.is((await stage.cucm.send('MESSAGE', '2001', { ...TEXT, body: 'second' })).status, 202);
    t.is(stage.apple.received.length, 1);
    await phone.register();
    await phone.events.seen('message', ({ body }) => body === 'second');
    t.deepEqual(
      phone.events.all('message').map(({ body }) => body),
      ['first', 'second'],
    );
  },
);

for (const transport of ['udp', 'tcp'] as const) {
  test.serial(`a phone that seemed awake and is not: 202 in time, stored and pushed: ${transport}`, async (t) => {
    const stage = await stageFor(t, { edge: 'path', transport, config: { messages: { answerWithin: '600ms' } } });
    const phone = await stage.phone({ alertToken: ALERT });
    await phone.sleepSilently();
    const started = performance.now();
    t.is((await stage.cucm.send('MESSAGE', '2001', { ...TEXT, body: 'late' })).status, 202);
    t.true(performance.now() - started < 3_000);
    await stage.apple.waitFor(1);
    await phone.register();
    await phone.events.seen('message');
    t.deepEqual(
      phone.events.all('message').map(({ body }) => body),
      ['late'],
    );
  });
}

test.serial(
  'composing goes to phones that are awake only; a receipt is stored and never pushed; CPIM passes',
  async (t) => {
    const stage = await stageFor(t, { edge: 'path', transport: 'tcp' });
    const phone = await stage.phone({ alertToken: ALERT });
    const composing = {
      contentType: 'application/im-iscomposing+xml',
      body: '<isComposing><state>active</state></isComposing>',
    };
    const receipt = { contentType: 'message/imdn+xml', body: '<imdn/>' };
    const cpim = {
      contentType: 'message/cpim',
      body: 'From: <im:ada@corp.example>\r\nTo: <im:2001@corp.example>\r\n\r\nContent-Type: message/imdn+xml\r\n\r\n<imdn/>',
    };
    const text = {
      contentType: 'message/cpim',
      body: 'From: <im:ada@corp.example>\r\n\r\nContent-Type: text/plain\r\n\r\nHi',
    };
    t.is((await stage.cucm.send('MESSAGE', '2001', composing)).status, 200);
    await phone.background();
    for (const extras of [composing, receipt, cpim]) {
      t.is((await stage.cucm.send('MESSAGE', '2001', extras)).status, 202);
    }
    t.is((await stage.cucm.send('MESSAGE', '2001', text)).status, 202);
    await stage.apple.waitFor(1);
    t.like(stage.apple.received[0]?.payload, { aps: { alert: { body: 'Hi' } } });
    await phone.register();
    await phone.events.seen('message', ({ body }) => body === text.body);
    t.deepEqual(
      requestsIn(phone.messages, 'MESSAGE').map((request) => request.body.toString()),
      [composing.body, receipt.body, cpim.body, text.body],
    );
    t.is(stage.apple.received.length, 1);
  },
);

test.serial(
  'from a phone to the trunk, with the identity that callwake knows; the trunk’s answer goes back',
  async (t) => {
    const stage = await stageFor(t, { edge: 'path', transport: 'tcp' });
    const phone = await stage.phone();
    t.is((await phone.sendMessage('1001', 'Hallo')).status, 200);
    const [got] = requestsIn(stage.cucm.messages, 'MESSAGE');
    t.is(got?.body.toString(), 'Hallo');
    t.deepEqual(got?.all('P-Asserted-Identity'), ['<sip:2001@corp.example>']);
    t.false(wire(stage.cucm.messages).includes('pn-'));
    t.is(stage.cucm.events.all('message')[0]?.body, 'Hallo');
  },
);

test.serial('from a phone to a phone that sleeps', async (t) => {
  const stage = await stageFor(t, { edge: 'path' });
  const from = await stage.phone({ user: '2002' });
  const to = await stage.phone({ alertToken: ALERT, behaviour: QUICK });
  await to.background();
  t.is((await from.sendMessage('2001', 'Hallo')).status, 202);
  await stage.apple.waitFor(1);
  await to.register();
  t.is((await to.events.seen('message')).from, 'sip:2002@corp.example');
});

test.serial('a trunk that does not answer: no 408, and in time', async (t) => {
  const stage = await stageFor(t, { edge: 'path', peers: () => [{ host: '127.0.0.1', port: 9, transport: 'tcp' }] });
  const phone = await stage.phone();
  t.is((await phone.sendMessage('1001', 'Hallo')).status, 503);
});

test.serial('what is too long, too much, or for nobody', async (t) => {
  const stage = await stageFor(t, {
    edge: 'path',
    transport: 'tcp',
    config: { messages: { maxSize: 100, messagesPerDevice: 2 } },
  });
  const phone = await stage.phone({ alertToken: ALERT });
  await phone.background();
  const send = async (body: string, to = '2001') => (await stage.cucm.send('MESSAGE', to, { ...TEXT, body })).status;
  t.is(await send('x'.repeat(101)), 413);
  t.is(await send('x', '2999'), 404);
  t.deepEqual([await send('1'), await send('2'), await send('3')], [202, 202, 503]);
  const refused = stage.cucm.messages.findLast(
    ({ direction, message }) => direction === 'in' && message.kind === 'response',
  );
  t.truthy(refused?.message.get('Retry-After'));
  await phone.register();
  await phone.events.seen('message', ({ body }) => body === '2');
});

test.serial('a user who wants no calls: his sleeping phone is not woken, and neither is it alerted', async (t) => {
  const stage = await stageFor(t, { edge: 'path', config: { store: { kind: 'lmdb', path: 'data' } } });
  const phone = await stage.phone({ alertToken: ALERT });
  await phone.background();
  const store = await openStore({
    kind: 'lmdb',
    path: stage.configFile.replace(/callwake\.yaml$/, 'data'),
    durable: true,
    cache: 0,
  });
  await new Preferences(store).put('sip:2001@corp.example', { mute: {}, calls: true });
  await store.close();
  t.is((await stage.cucm.call({ to: '2001' }).ended).status, 480);
  t.is((await stage.cucm.send('MESSAGE', '2001', { ...TEXT, body: 'later' })).status, 202);
  t.is((await stage.callwake.logged('notified')).outcome, 'muted');
  t.is(stage.apple.received.length, 0);
  await phone.register();
  t.is((await phone.events.seen('message')).body, 'later');
});
