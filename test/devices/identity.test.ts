import test from 'ava';
import { AOR, apns, bench, INSTANCE, INSTANCE_2, instance, iphone, OTHER, VOIP } from './support.js';

const A = 'sip:2001@192.0.2.1:5060';
const B = 'sip:2001@198.51.100.9:40000';

test('a phone is known by its instance: a new address takes the place of the old one', async (t) => {
  const { register, device } = bench();
  await register([iphone(A)]);
  await register([iphone(B)], { callId: 'call-2' });
  const { id, bindings } = await device();
  t.is(id, INSTANCE);
  t.deepEqual(
    bindings.map(({ uri }) => uri),
    [B],
  );
});

test('the instance is compared without regard to case', async (t) => {
  const { register, devices } = bench();
  await register([iphone(A)]);
  await register([iphone(B, apns(), INSTANCE.toUpperCase())]);
  t.is((await devices()).length, 1);
});

for (const [what, before, after] of [
  ['from path to rewrite', { path: ['<sip:e.example;lr>'], fromEdge: true }, { fromEdge: true }],
  ['from edge to direct', { path: ['<sip:e.example;lr>'], fromEdge: true }, {}],
  ['from one edge to another', { path: ['<sip:e1.example;lr>'] }, { path: ['<sip:e2.example;lr>'] }],
] as const) {
  test(`changing ${what} leaves no ghost`, async (t) => {
    const { register, device } = bench();
    await register([iphone(A)], before);
    await register([iphone(what.includes('rewrite') ? 'sip:2001@e.example:5061' : A)], { ...after, callId: 'call-2' });
    t.is((await device()).bindings.length, 1);
  });
}

test('with reg-id, each flow is a binding of its own and a flow replaces itself (RFC 5626)', async (t) => {
  const { register, device } = bench();
  const flow = (uri: string, id: number) => `${iphone(uri)};reg-id=${id}`;
  await register([flow('sip:x@192.0.2.1', 1)]);
  await register([flow('sip:x@192.0.2.2', 2)]);
  await register([flow('sip:x@192.0.2.3', 1)]);
  const { bindings } = await device();
  t.deepEqual(
    bindings.map(({ uri, regId }) => [uri, regId]),
    [
      ['sip:x@192.0.2.2', 2],
      ['sip:x@192.0.2.3', 1],
    ],
  );
});

test('a registration without reg-id takes the place of all flows', async (t) => {
  const { register, device } = bench();
  await register([`${iphone('sip:x@192.0.2.1')};reg-id=1`]);
  await register([`${iphone('sip:x@192.0.2.2')};reg-id=2`]);
  await register([iphone('sip:x@192.0.2.3')]);
  t.is((await device()).bindings.length, 1);
});

test('two phones behind two NATs may have the same Contact URI', async (t) => {
  const { register, devices } = bench();
  await register([iphone(A, apns(VOIP), INSTANCE)]);
  await register([iphone(A, apns(OTHER), INSTANCE_2)], { callId: 'call-2' });
  t.deepEqual(
    (await devices()).map(({ id }) => id),
    [INSTANCE, INSTANCE_2],
  );
});

test('without instance and token, the Contact URI is what counts, compared as RFC 3261 wants', async (t) => {
  const { register, devices } = bench();
  await register(['<sip:2001@Phone.Example;transport=tcp>']);
  await register(['<sip:2001@phone.example;transport=TCP;x=1>']);
  t.is((await devices()).length, 1);
  await register(['<sip:2001@phone.example;transport=udp>']);
  t.is((await devices()).length, 2);
});

test('a phone that was known by its token keeps its id when it begins to tell its instance', async (t) => {
  const { register, device } = bench();
  const first = await register([`<${A}${apns()}>`]);
  await register([iphone(B)], { callId: 'call-2' });
  const third = await register([iphone(A, apns(OTHER))], { callId: 'call-3' });
  t.is(first.registered[0]?.id, (await device()).id);
  t.is(third.registered[0]?.id, first.registered[0]?.id);
});

test('the same token under a new instance is the same phone after a new installation', async (t) => {
  const { register, device } = bench();
  await register([iphone(A, apns(VOIP), INSTANCE)]);
  await register([iphone(B, apns(VOIP), INSTANCE_2)], { callId: 'call-2' });
  const { id, instance: now, bindings } = await device();
  t.is(id, INSTANCE);
  t.is(now, INSTANCE_2);
  t.is(bindings.length, 1);
});

test('a phone that takes over a token of another record leaves one record', async (t) => {
  const { register, device } = bench();
  await register([iphone(A, apns(VOIP), INSTANCE)]);
  await register([iphone(B, apns(OTHER), INSTANCE_2)], { callId: 'call-2' });
  await register([iphone(B, apns(VOIP), INSTANCE_2)], { callId: 'call-2' });
  const { id, bindings, tokens } = await device();
  t.is(id, INSTANCE_2);
  t.deepEqual([bindings.length, tokens.length], [1, 1]);
});

test('an instance that comes back after its record went to another gets an id of its own', async (t) => {
  const { register, devices } = bench();
  await register([iphone(A, apns(VOIP), INSTANCE)]);
  await register([iphone(B, apns(VOIP), INSTANCE_2)], { callId: 'call-2' });
  await register([iphone(A, apns(OTHER), INSTANCE)], { callId: 'call-3' });
  const ids = (await devices()).map(({ id }) => id);
  t.is(new Set(ids).size, 2);
});

test('a phone with a new token keeps no old one', async (t) => {
  const { register, device } = bench();
  await register([iphone(A, apns(VOIP))]);
  await register([iphone(A, apns(OTHER))]);
  t.deepEqual(
    (await device()).tokens.map(({ token }) => token),
    [OTHER],
  );
});

test('the unregister of an address that was already replaced ends nothing', async (t) => {
  const { register, device } = bench();
  await register([iphone(A)]);
  await register([iphone(B)]);
  await register([`<${A}>${instance()}`], { expires: 0 });
  const { bindings, tokens } = await device();
  t.deepEqual(
    bindings.map(({ uri }) => uri),
    [B],
  );
  t.is(tokens.length, 1);
});

for (const order of ['new first', 'old first']) {
  test(`new address and end of the old one in one REGISTER, ${order}`, async (t) => {
    const { register, device } = bench();
    await register([iphone(A)]);
    const contacts = [iphone(B), `<${A}>${instance()};expires=0`];
    const answer = await register(order === 'new first' ? contacts : contacts.reverse());
    const { id, bindings, tokens } = await device();
    t.is(id, INSTANCE);
    t.deepEqual(
      bindings.map(({ uri }) => uri),
      [B],
    );
    t.is(tokens.length, 1);
    t.is(answer.registered.length, 1);
  });
}

test('a phone that was provisioned by hand is found again by its instance, token or Cisco device name', async (t) => {
  const token = { kind: 'voip', token: VOIP, teamId: 'ABCDE12345', bundleId: 'com.example.phone' } as const;
  for (const [provision, contact] of [
    [{ id: INSTANCE }, `<${A}>${instance()}`],
    [{ id: 'alice' }, `<${A}${apns()}>${instance()}`],
    [{ id: 'alice', deviceName: 'TCTALICE' }, `<${A}>${instance()};+u.sip!devicename.ccm.cisco.com="TCTALICE"`],
  ] as const) {
    const { register, registry, device } = bench();
    await registry.provision(AOR, { platform: 'iphone', tokens: [token], ...provision });
    t.is(registry.stateOf(await device()).state, 'unregistered');
    const answer = await register([contact]);
    const { id, tokens, bindings } = await device();
    t.is(id, provision.id);
    t.is(answer.registered[0]?.id, provision.id);
    t.deepEqual([tokens.length, bindings.length], [1, 1]);
  }
});

test('a phone known by its token alone leaves no ghost when Apple has ended the token and it comes from a new address', async (t) => {
  const { register, registry, device, clock } = bench();
  const first = await register([`<${A}${apns()}>`]);
  await registry.tokenVerdict(AOR, first.registered[0]?.id ?? '', { token: VOIP, verdict: 'dead', at: clock.now() });
  await register([`<${B}${apns()}>`], { callId: 'call-2' });
  t.deepEqual(
    (await device()).bindings.map(({ uri }) => uri),
    [B],
  );
});
