import test from 'ava';
import { deviceSettings } from '../../src/devices/settings.js';
import { confirmUpstream, prepareUpstream } from '../../src/devices/upstream.js';
import { apns, bench, instance, iphone, request, values } from './support.js';

const A = 'sip:2001@192.0.2.1:5060';

test('P14: a REGISTER that goes on tells that push is taken care of, and nothing of the token (P37)', (t) => {
  const onward = prepareUpstream(request([`<${A};transport=tls${apns()}>${instance()};expires=600`]), deviceSettings());
  t.deepEqual(onward, {
    contacts: [`<${A};transport=tls>${instance()};expires=600`],
    featureCaps: ['*;+sip.pns="apns"'],
  });
});

test('P10: the REGISTER of a plain phone goes on as it came', (t) => {
  t.deepEqual(prepareUpstream(request([`<${A}>;expires=600`]), deviceSettings()), {
    contacts: [`<${A}>;expires=600`],
    featureCaps: [],
  });
  t.deepEqual(prepareUpstream({ ...request(['*']), expires: 0 }, deviceSettings()), {
    contacts: ['*'],
    featureCaps: [],
  });
});

test('P13: one too short for push is refused before it goes on', (t) => {
  const refused = prepareUpstream({ ...request([iphone()]), expires: 60 }, deviceSettings());
  t.like(refused, { status: 423, headers: [['Min-Expires', '121']] });
});

test('P12: one for another push service goes on', (t) => {
  const onward = prepareUpstream(request([`<${A};pn-provider=fcm;pn-param=p;pn-prid=x>`]), deviceSettings());
  t.deepEqual(onward, { contacts: [`<${A}>`], featureCaps: [] });
});

test('a malformed one is refused before it goes on', (t) => {
  t.like(prepareUpstream(request(['<sip:']), deviceSettings()), { status: 400 });
});

test('P15: what the registrar granted is what counts', async (t) => {
  const { registry, device, clock } = bench();
  const answer = await confirmUpstream(registry, request([iphone()]), { contacts: [`<${A}>;expires=300`] });
  t.is(answer.status, 200);
  t.is(answer.registered.length, 1);
  t.deepEqual(values(answer, 'Feature-Caps'), ['*;+sip.pns="apns"']);
  t.is((await device()).bindings[0]?.expiresAt, clock.now() + 300_000);
});

test('P15: when the registrar shortens it too much, it is passed on without push', async (t) => {
  const { registry, device } = bench();
  const answer = await confirmUpstream(registry, request([iphone()]), { contacts: [`<${A}>;expires=100`] });
  t.is(answer.status, 200);
  t.deepEqual(values(answer, 'Feature-Caps'), []);
  t.deepEqual((await device()).tokens, []);
});

test('the Expires header of the 2xx counts where the Contact says nothing; other Contacts in it are not ours', async (t) => {
  const { registry, device, clock } = bench();
  const contacts = ['<sip:desk@192.0.2.99>;expires=77', '<bro"ken', `<${A}>`];
  await confirmUpstream(registry, request([iphone()]), { contacts, expires: 1200 });
  t.deepEqual(
    (await device()).bindings.map(({ expiresAt }) => expiresAt),
    [clock.now() + 1_200_000],
  );
});

test('a Contact that the registrar does not list is not registered', async (t) => {
  const { registry, devices } = bench();
  const answer = await confirmUpstream(registry, request([iphone()]), { contacts: [] });
  t.deepEqual(answer.registered, []);
  t.deepEqual(await devices(), []);
});

test('an unregister that the registrar accepted ends the token', async (t) => {
  const { registry, devices } = bench();
  await confirmUpstream(registry, request([iphone()]), { contacts: [`<${A}>;expires=300`] });
  await confirmUpstream(registry, { ...request([`<${A}>${instance()}`]), cseq: 2, expires: 0 }, { contacts: [] });
  t.deepEqual(await devices(), []);
});
