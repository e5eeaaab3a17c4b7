import test from 'ava';
import { Networks } from '../../src/grammar/networks.js';
import { ALERT, AOR, apns, bench, instance, iphone, OTHER, PARAM, VOIP, values } from './support.js';

const BARE = 'sip:2001@192.0.2.1:5060';
const CAP = '*;+sip.pns="apns"';

test('P2: a Contact with another pn-prid from another phone is no match, though the URI is the same', async (t) => {
  const { register, devices } = bench();
  await register([iphone(BARE, apns(VOIP), 'a')]);
  const answer = await register([iphone(BARE, apns(OTHER), 'b')], { callId: 'call-2' });
  t.deepEqual(
    (await devices()).map(({ id }) => id),
    ['a', 'b'],
  );
  t.deepEqual(
    answer.registered.map(({ id }) => id),
    ['b'],
  );
});

test('P2: a REGISTER without push parameters does not wake the call of the phone that has them', async (t) => {
  const { register } = bench();
  await register([iphone(BARE, apns(VOIP), 'a')]);
  const answer = await register([`<${BARE}>${instance('b')}`], { callId: 'call-2' });
  t.deepEqual(
    answer.registered.map(({ id }) => id),
    ['b'],
  );
});

test('P3: the same push parameters from a new address are the same phone', async (t) => {
  const { register, device } = bench();
  const first = await register([`<${BARE}${apns()}>`]);
  const second = await register([`<sip:2001@198.51.100.9:40000;transport=tls${apns()}>`], { callId: 'call-2' });
  t.is(second.registered[0]?.id, first.registered[0]?.id);
  const { bindings } = await device();
  t.deepEqual(
    bindings.map(({ uri }) => uri),
    ['sip:2001@198.51.100.9:40000;transport=tls'],
  );
});

test('P3: with the switch off the URI has to match besides the token; the token goes with the phone that named it last', async (t) => {
  const { register, devices } = bench({ tokenMatchesAnyAddress: false });
  const first = await register([`<${BARE}${apns()}>`]);
  t.is((await register([`<${BARE}${apns()}>`])).registered[0]?.id, first.registered[0]?.id, 'a refresh');
  const moved = await register([`<sip:2001@198.51.100.9:40000;transport=tls${apns()}>`], { callId: 'call-2' });
  t.not(moved.registered[0]?.id, first.registered[0]?.id);
  t.deepEqual(
    (await devices()).map(({ bindings, tokens }) => [bindings[0]?.uri, tokens.length]),
    [
      [BARE, 0],
      ['sip:2001@198.51.100.9:40000;transport=tls', 1],
    ],
  );
});

test('P3: with the switch off a phone is still known by its instance from any address', async (t) => {
  const { register, device } = bench({ tokenMatchesAnyAddress: false });
  await register([iphone(BARE)]);
  await register([iphone('sip:2001@198.51.100.9:40000')], { callId: 'call-2' });
  t.is((await device()).bindings.length, 1);
});

test('P4: one Feature-Caps for each push service, and sip.vapid only in that of its own', async (t) => {
  const { register } = bench({ pushServices: [{ provider: 'apns' }, { provider: 'webpush', vapid: 'BKey' }] });
  const answer = await register([`<${BARE};pn-provider>;+sip.pnsreg`]);
  t.deepEqual(values(answer, 'Feature-Caps'), [
    '*;+sip.pns="apns";+sip.pnsreg="130"',
    '*;+sip.pns="webpush";+sip.vapid="BKey";+sip.pnsreg="130"',
  ]);
});

test('P5: the Feature-Caps value starts with an asterisk', async (t) => {
  const { register } = bench();
  t.deepEqual(values(await register([iphone()]), 'Feature-Caps'), [CAP]);
});

test('P6: the refresh push is asked for at least 120 s before the binding ends, once', async (t) => {
  const { register, registry, clock } = bench({ refreshPushes: true });
  const asked: number[] = [];
  const start = clock.now();
  registry.onRefreshDue(({ binding }) => asked.push(binding.expiresAt - clock.now()));
  await registry.start();
  await clock.advanceAsync(17_000);
  await register([iphone()], { expires: 611 });
  await clock.advanceAsync(400_000);
  t.deepEqual(asked, []);
  await clock.advanceAsync(100_000);
  t.is(asked.length, 1);
  t.true((asked[0] ?? 0) >= 120_000 && (asked[0] ?? 0) <= 180_000, `asked ${asked[0]} ms before the end`);
  await clock.advanceAsync(1_000_000);
  t.is(asked.length, 1);
  t.true(clock.now() - start >= 1_500_000);
  await registry.close();
});

test('P6: each new binding of a phone gets its own refresh push', async (t) => {
  const { register, registry, clock } = bench({ refreshPushes: true });
  let asked = 0;
  registry.onRefreshDue(() => asked++);
  await registry.start();
  for (let n = 1; n <= 3; n++) {
    await register([iphone()], { expires: 600 });
    await clock.advanceAsync(500_000);
    t.is(asked, n);
  }
  await registry.close();
});

test('P7: a phone with sip.pnsreg is pushed only when 120 s before the end came without its REGISTER', async (t) => {
  const { register, registry, clock } = bench({ refreshPushes: true });
  const asked: number[] = [];
  registry.onRefreshDue(({ binding }) => asked.push(binding.expiresAt - clock.now()));
  await registry.start();
  await register([`${iphone()};+sip.pnsreg`], { expires: 600 });
  await clock.advanceAsync(470_000);
  await register([`${iphone()};+sip.pnsreg`], { expires: 600 });
  await clock.advanceAsync(470_000);
  t.deepEqual(asked, []);
  await clock.advanceAsync(60_000);
  t.is(asked.length, 1);
  t.true((asked[0] ?? 0) <= 120_000 && (asked[0] ?? 0) > 0);
  await registry.close();
});

test('P6, P7: no refresh pushes unless asked for', async (t) => {
  const { register, registry, clock } = bench();
  registry.onRefreshDue(() => t.fail());
  await registry.start();
  await register([iphone()], { expires: 600 });
  await clock.advanceAsync(700_000);
  t.deepEqual((await registry.devicesOf(AOR))[0]?.bindings, []);
  await registry.close();
});

test('P8: after an unregister nothing is left to push to', async (t) => {
  const { register, devices } = bench();
  await register([iphone()]);
  const answer = await register([`<${BARE}>${instance()}`], { expires: 0 });
  t.is(answer.status, 200);
  t.deepEqual(await devices(), []);
});

test('P8: with tokenOutlivesBinding off, a token ends when its binding runs out', async (t) => {
  const { register, devices, clock } = bench({ tokenOutlivesBinding: false });
  await register([iphone()], { expires: 600 });
  clock.advance(600_000);
  t.deepEqual(await devices(), []);
});

test('P8, tokenOutlivesBinding: a phone whose binding ran out can still be woken, until the retention time', async (t) => {
  const { register, registry, device, devices, clock } = bench({ tokenRetention: 86_400_000 });
  await register([iphone()], { expires: 600 });
  clock.advance(600_000);
  const expired = await device();
  t.deepEqual(expired.bindings, []);
  t.deepEqual(
    expired.tokens.map(({ token }) => token),
    [VOIP],
  );
  t.is(registry.stateOf(expired).state, 'unregistered');
  clock.advance(86_400_000);
  t.deepEqual(await devices(), []);
});

test('P9: no pn-prid, no token: a query leaves nothing to push to', async (t) => {
  const { register, device } = bench();
  await register([`<${BARE};pn-provider=apns>${instance()}`]);
  t.deepEqual((await device()).tokens, []);
});

test('P9: a phone that registers again without pn-prid has stopped pushes', async (t) => {
  const { register, device } = bench();
  await register([iphone()]);
  await register([`<${BARE}>${instance()}`]);
  t.deepEqual((await device()).tokens, []);
});

test('P9, registerWithoutTokenEndsToken off: it keeps its token', async (t) => {
  const { register, device } = bench({ registerWithoutTokenEndsToken: false });
  await register([iphone()]);
  await register([`<${BARE}>${instance()}`]);
  t.is((await device()).tokens.length, 1);
});

test('P10: a plain phone gets a plain answer', async (t) => {
  const { register, registry, device } = bench();
  const answer = await register([`<${BARE}>`]);
  t.is(answer.status, 200);
  t.deepEqual(values(answer, 'Feature-Caps'), []);
  t.is(registry.stateOf(await device()).state, 'active');
});

test('P11: when a proxy nearer the phone does the pushes, callwake does none', async (t) => {
  const { register, device } = bench();
  const answer = await register([iphone()], { featureCaps: ['*;+sip.pns="apns"'] });
  t.is(answer.status, 200);
  t.deepEqual(values(answer, 'Feature-Caps'), []);
  t.deepEqual((await device()).tokens, []);
});

test('P11: a nearer proxy for another service changes nothing', async (t) => {
  const { register, device } = bench();
  const answer = await register([iphone()], { featureCaps: ['*;+sip.pns="fcm"'] });
  t.deepEqual(values(answer, 'Feature-Caps'), [CAP]);
  t.is((await device()).tokens.length, 1);
});

for (const [what, params] of [
  ['a foreign provider', ';pn-provider=fcm;pn-param=proj;pn-prid=abc'],
  ['a missing pn-param', `;pn-provider=apns;pn-prid=${VOIP}`],
] as const) {
  test(`P12: ${what} registers as plain SIP, without push`, async (t) => {
    const { register, device } = bench();
    const answer = await register([`<${BARE}${params}>`]);
    t.is(answer.status, 200);
    t.deepEqual(values(answer, 'Feature-Caps'), []);
    t.deepEqual((await device()).tokens, []);
  });

  test(`P12: ${what} gets 555 when nobody further on could help, and nothing is stored`, async (t) => {
    const { register, devices } = bench({ allow555: true });
    const answer = await register([`<${BARE}${params}>`]);
    t.is(answer.status, 555);
    t.deepEqual(answer.registered, []);
    t.deepEqual(await devices(), []);
  });
}

test('P12: an app that callwake may not push to registers as plain SIP, without its token', async (t) => {
  const { register, device } = bench({ apps: [{ teamId: 'ABCDE12345', bundleIds: ['com.example.other'] }] });
  const answer = await register([iphone()]);
  t.is(answer.status, 200);
  t.deepEqual(values(answer, 'Feature-Caps'), []);
  t.deepEqual((await device()).tokens, []);
  const served = bench({ apps: [{ teamId: 'ABCDE12345', bundleIds: [] }] });
  t.deepEqual(values(await served.register([iphone()]), 'Feature-Caps'), [CAP]);
});

test('P13: a push registration too short for a refresh push gets 423 with Min-Expires', async (t) => {
  const { register, devices } = bench();
  for (const expires of [60, 120]) {
    const answer = await register([iphone()], { expires });
    t.is(answer.status, 423);
    t.deepEqual(values(answer, 'Min-Expires'), ['121']);
  }
  t.deepEqual(await devices(), []);
  t.is((await register([iphone()], { expires: 121 })).status, 200);
});

test('P13, shortPushExpiry skip: registered, but without push', async (t) => {
  const { register, device } = bench({ shortPushExpiry: 'skip' });
  const answer = await register([iphone()], { expires: 60 });
  t.is(answer.status, 200);
  t.deepEqual(values(answer, 'Feature-Caps'), []);
  t.deepEqual((await device()).tokens, []);
});

test('P13: the same expiry is enough for a plain phone', async (t) => {
  const { register } = bench();
  t.is((await register([`<${BARE}>`], { expires: 60 })).status, 200);
});

test('P15: when what is granted is too short, push is not offered', async (t) => {
  const { register, device } = bench({ maxExpires: 100_000 });
  const answer = await register([iphone()], { expires: 3600 });
  t.is(answer.status, 200);
  t.regex(values(answer, 'Contact')[0] ?? '', /;expires=100$/);
  t.deepEqual(values(answer, 'Feature-Caps'), []);
  t.deepEqual((await device()).tokens, []);
});

test('P16: sip.vapid goes with the service that uses it', async (t) => {
  const { register } = bench({ pushServices: [{ provider: 'webpush', vapid: 'BKey' }] });
  const answer = await register([`<${BARE};pn-provider=webpush>`]);
  t.deepEqual(values(answer, 'Feature-Caps'), ['*;+sip.pns="webpush";+sip.vapid="BKey"']);
});

test('P17: a phone with sip.pnsreg is told a value above 120, others nothing', async (t) => {
  const { register } = bench();
  const [told] = values(await register([`${iphone()};+sip.pnsreg`]), 'Feature-Caps');
  const seconds = Number(/\+sip\.pnsreg="(\d+)"/.exec(told ?? '')?.[1]);
  t.true(seconds > 120);
  t.deepEqual(values(await register([iphone()]), 'Feature-Caps'), [CAP]);
});

test('P18: a question for a service that is there is answered', async (t) => {
  const { register } = bench();
  t.deepEqual(values(await register([`<${BARE};pn-provider=apns>`]), 'Feature-Caps'), [CAP]);
});

test('P18: a question for another service is answered 200 without it', async (t) => {
  const { register } = bench();
  const answer = await register([`<${BARE};pn-provider=fcm>`]);
  t.is(answer.status, 200);
  t.deepEqual(values(answer, 'Feature-Caps'), []);
});

test('P18: it is no 555 when somebody nearer has said what he supports', async (t) => {
  const { register } = bench({ allow555: true });
  const answer = await register([`<${BARE};pn-provider=fcm>`], { featureCaps: ['*;+sip.pns="fcm"'] });
  t.is(answer.status, 200);
});

test('P19: 555 only when configuration says that nobody supports the service', async (t) => {
  t.is((await bench().register([`<${BARE};pn-provider=fcm>`])).status, 200);
  t.is((await bench({ allow555: true }).register([`<${BARE};pn-provider=fcm>`])).status, 555);
  t.is((await bench({ allow555: true }).register([`<${BARE};pn-provider=apns>`])).status, 200);
});

test('P20: an empty pn-provider asks for all services', async (t) => {
  const { register } = bench({ allow555: true, pushServices: [{ provider: 'apns' }, { provider: 'webpush' }] });
  for (const query of [';pn-provider', ';pn-provider=']) {
    const answer = await register([`<${BARE}${query}>`]);
    t.deepEqual(values(answer, 'Feature-Caps'), ['*;+sip.pns="apns"', '*;+sip.pns="webpush"']);
  }
});

test('P21: a 555 holds no Feature-Caps', async (t) => {
  const { register } = bench({ allow555: true });
  t.deepEqual((await register([`<${BARE};pn-provider=fcm>`])).headers, []);
});

test('P24: a listener hears of a registration only when it is stored', async (t) => {
  const { register, registry, store } = bench();
  const heard: number[] = [];
  registry.onRegistered(async ({ aor }) => heard.push((await store.devicesOf(aor)).length));
  await register([iphone()]);
  await register([iphone()], { expires: 60 });
  t.deepEqual(heard, [1]);
});

test('P32: each 200 brings a new PURR that only callwake can read', async (t) => {
  const { register } = bench({ purrKey: new Uint8Array(32).fill(7) });
  const purrs = await Promise.all([register([iphone()]), register([iphone()])]);
  const texts = purrs.map((answer) => /\+sip\.pnspurr="([^"]+)"/.exec(values(answer, 'Feature-Caps')[0] ?? '')?.[1]);
  t.truthy(texts[0]);
  t.not(texts[0], texts[1]);
  t.false(texts.some((text) => text?.includes('2001')));
});

test('P37: what a leg is sent to holds no push parameters', async (t) => {
  const { register, device } = bench();
  await register([
    `<sip:2001@192.0.2.1:5060;transport=tls${apns()};pn-timeout=0;PN-Silent=1;app-id=x;ob>${instance()}`,
  ]);
  t.deepEqual(
    (await device()).bindings.map(({ uri }) => uri),
    ['sip:2001@192.0.2.1:5060;transport=tls;ob'],
  );
});

test('P37: a phone sees its own push parameters in the 200, never those of another phone', async (t) => {
  const { register } = bench();
  await register([iphone('sip:a@192.0.2.1', apns(VOIP), 'a')]);
  const answer = await register([iphone('sip:b@192.0.2.2', apns(OTHER), 'b')], { callId: 'call-2' });
  const [first = '', second = ''] = values(answer, 'Contact');
  t.false(first.includes('pn-'));
  t.true(first.startsWith('<sip:a@192.0.2.1>'));
  t.true(second.includes(`pn-prid=${OTHER}`));
});

test('P37: a REGISTER that only asks shows no push parameters of anybody', async (t) => {
  const { register } = bench();
  await register([iphone()]);
  const answer = await register([]);
  t.is(values(answer, 'Contact').length, 1);
  t.false(values(answer, 'Contact').join().includes('pn-'));
});

test('P38: push parameters over UDP or TCP are refused, except from an edge and from networks that are named', async (t) => {
  const { register } = bench();
  t.is((await register([iphone()], { source: 'udp/127.0.0.1:5060' })).status, 200, 'this machine');
  t.is((await register([iphone()], { source: 'tcp/[::1]:5060' })).status, 200, 'this machine');
  t.is((await register([iphone()], { source: 'ws/[2001:db8::1]:5060' })).status, 403);
  t.is((await register([iphone()], { source: 'udp/192.0.2.1:5060' })).status, 403);
  t.is((await register([iphone()], { source: 'tcp/192.0.2.1:5060' })).status, 403);
  t.is((await register([iphone()], { source: 'udp/192.0.2.1:5060', fromEdge: true })).status, 200);
  t.is((await register([iphone()], { source: 'tls/192.0.2.1:5061' })).status, 200);
  t.is((await register([`<${BARE}>`], { source: 'udp/192.0.2.1:5060' })).status, 200);
  const vpn = bench({ cleartextNetworks: new Networks(['10.1.0.0/16', '2001:db8::/32']) });
  t.is((await vpn.register([iphone()], { source: 'udp/10.1.2.3:5060' })).status, 200);
  t.is((await vpn.register([iphone()], { source: 'tcp/[2001:db8::1]:5060' })).status, 200);
  t.is((await vpn.register([iphone()], { source: 'udp/10.2.2.3:5060' })).status, 403);
  t.is((await vpn.register([iphone()], { source: 'udp/127.0.0.1:5060' })).status, 403);
  const lab = bench({ requireSecureTransport: false });
  t.is((await lab.register([iphone()], { source: 'udp/192.0.2.1:5060' })).status, 200);
});

test('P39: the first dot of pn-param ends the team, the last one begins the service', async (t) => {
  const { register, device } = bench();
  await register([iphone(BARE, apns(VOIP, 'ABCDE12345.com.example.many.dots.voip'))]);
  const [token] = (await device()).tokens;
  t.is(token?.teamId, 'ABCDE12345');
  t.is(token?.bundleId, 'com.example.many.dots');
  t.is(token?.kind, 'voip');
});

test('P40: several REGISTERs after one push name the same device each time', async (t) => {
  const { register, devices } = bench();
  const contacts = [1, 2].map((flow) => `${iphone(`sip:2001@192.0.2.${flow}`)};reg-id=${flow}`);
  const answers = await Promise.all([
    register([contacts[0] ?? '']),
    register([contacts[1] ?? ''], { callId: 'call-2' }),
    register([contacts[0] ?? '']),
  ]);
  t.deepEqual([...new Set(answers.flatMap(({ registered }) => registered.map(({ id }) => id)))].length, 1);
  t.is((await devices()).length, 1);
});

test('P41: an unregister needs no pn-prid, and comes from a new address too: the token ends by instance', async (t) => {
  const { register, devices } = bench();
  await register([iphone(BARE, apns(`${VOIP}:voip&${ALERT}:remote`, `${PARAM}&remote`))]);
  await register([`<sip:2001@198.51.100.7:41000>${instance()}`], { expires: 0 });
  t.deepEqual(await devices(), []);
});

test('P41: one of two flows unregistered leaves the token', async (t) => {
  const { register, device } = bench();
  await register([`${iphone('sip:2001@192.0.2.1')};reg-id=1`]);
  await register([`${iphone('sip:2001@192.0.2.2')};reg-id=2`]);
  await register([`<sip:2001@192.0.2.1>${instance()};reg-id=1;expires=0`]);
  const left = await device();
  t.deepEqual(
    left.bindings.map(({ regId }) => regId),
    [2],
  );
  t.is(left.tokens.length, 1);
});
