import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import { killApp } from '../../src/demo/app-process.js';
import type { EdgeKind } from '../../src/demo/stage.js';
import { Preferences } from '../../src/messages/preferences.js';
import { openStore } from '../../src/store/open.js';
import { requestsIn, requestsOut, stageFor } from './support.js';

const ALERT = 'ab'.repeat(32);
const TEXT = { contentType: 'text/plain;charset=UTF-8' };

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
