import test from 'ava';
import { apns, bench, instance, iphone, OTHER, values } from './support.js';

const A = 'sip:2001@192.0.2.1:5060';
const B = 'sip:2001@192.0.2.2:5060';
const uris = (answer: Parameters<typeof values>[0]) =>
  values(answer, 'Contact').map((value) => /<([^>]*)>/.exec(value)?.[1]);

test('a REGISTER makes a binding, another refreshes it, and the 200 lists all of the AOR', async (t) => {
  const { register, clock } = bench();
  await register([`<${A}>`], { expires: 600 });
  clock.advance(100_000);
  const second = await register([`<${B}>`], { callId: 'call-2', expires: 900 });
  t.deepEqual(values(second, 'Contact'), [`<${A}>;expires=500`, `<${B}>;expires=900`]);
  const third = await register([`<${A}>`], { expires: 600 });
  t.deepEqual(values(third, 'Contact'), [`<${A}>;expires=600`, `<${B}>;expires=900`]);
});

test('answerContacts own: the 200 lists only the bindings of the phone that asks', async (t) => {
  const { register } = bench({ answerContacts: 'own' });
  await register([`<${A}>`]);
  t.deepEqual(uris(await register([`<${B}>`], { callId: 'call-2' })), [B]);
});

test('the 200 gives back the parameters that the phone gave', async (t) => {
  const { register } = bench();
  const contact = `<${A};transport=tls>${instance()};+u.sip!devicename.ccm.cisco.com="TCTALICE";q=0.5;video`;
  t.deepEqual(values(await register([contact]), 'Contact'), [`${contact};expires=3600`]);
});

test('the expiry is that of the Contact, else of the header, else the default, and at most the maximum', async (t) => {
  const granted = async (contact: string, expires?: number) => {
    const { registry } = bench({ defaultExpires: 1_800_000, maxExpires: 7_200_000 });
    const base = { aor: 'sip:1@a.example', callId: 'c', cseq: 1, path: [], supported: [], featureCaps: [] };
    const rest = { source: 'udp/192.0.2.1:5060', fromEdge: false, ...(expires !== undefined && { expires }) };
    const answer = await registry.register({ ...base, ...rest, contacts: [contact] });
    return /expires=(\d+)$/.exec(values(answer, 'Contact')[0] ?? '')?.[1];
  };
  t.is(await granted(`<${A}>;expires=300`, 600), '300');
  t.is(await granted(`<${A}>`, 600), '600');
  t.is(await granted(`<${A}>`), '1800');
  t.is(await granted(`<${A}>;expires=86400`), '7200');
  t.is(await granted(`<${A}>;expires=soon`), '3600');
});

test('less than the minimum gets 423 with Min-Expires, and all Contacts of that REGISTER are left out', async (t) => {
  const { register, devices } = bench();
  const answer = await register([`<${B}>`, `<${A}>;expires=59`]);
  t.is(answer.status, 423);
  t.deepEqual(values(answer, 'Min-Expires'), ['60']);
  t.deepEqual(await devices(), []);
});

test('a jitter takes its part off the expiry, never below the minimum', async (t) => {
  const { register } = bench({ expiresJitter: 0.2 });
  t.regex(values(await register([`<${A}>`], { expires: 1000 }), 'Contact')[0] ?? '', /expires=900$/);
  t.regex(values(await register([`<${A}>`], { expires: 60 }), 'Contact')[0] ?? '', /expires=60$/);
});

test('a binding ends when its time is over', async (t) => {
  const { register, devices, clock } = bench();
  await register([`<${A}>`], { expires: 600 });
  clock.advance(599_999);
  t.is((await devices()).length, 1);
  clock.advance(1);
  t.deepEqual(await devices(), []);
  t.deepEqual(values(await register([]), 'Contact'), []);
});

test('Expires 0 ends one binding and leaves the others', async (t) => {
  const { register } = bench();
  await register([`<${A}>`, `<${B}>`]);
  const answer = await register([`<${A}>;expires=0`]);
  t.deepEqual(uris(answer), [B]);
  t.deepEqual(answer.registered, []);
});

test('Contact * with Expires 0 ends all', async (t) => {
  const { register, devices } = bench();
  await register([iphone(A), `<${B}>`]);
  const answer = await register(['*'], { expires: 0, callId: 'call-2' });
  t.is(answer.status, 200);
  t.deepEqual(values(answer, 'Contact'), []);
  t.deepEqual(await devices(), []);
});

for (const [what, contacts, expires] of [
  ['with Expires other than 0', ['*'], 3600],
  ['beside another Contact', ['*', `<${A}>`], 0],
] as const) {
  test(`Contact * ${what} gets 400 and ends nothing`, async (t) => {
    const { register, devices } = bench();
    await register([`<${A}>`]);
    t.is((await register(contacts, { expires })).status, 400);
    t.is((await devices()).length, 1);
  });
}

test('Contact * without Expires gets 400', async (t) => {
  const { registry } = bench();
  const rest = { aor: 'sip:1@a.example', callId: 'c', cseq: 1, path: [], supported: [], featureCaps: [] };
  const answer = await registry.register({ ...rest, contacts: ['*'], source: 'udp/192.0.2.1:5060', fromEdge: false });
  t.is(answer.status, 400);
});

test('a REGISTER of the same Call-ID whose CSeq is not higher changes nothing', async (t) => {
  for (const [contacts, expires] of [
    [[`<${A}>`], 600],
    [[`<${A}>`], 0],
    [['*'], 0],
  ] as const) {
    const { register, device } = bench();
    await register([`<${A}>`], { cseq: 7 });
    for (const cseq of [7, 6]) t.is((await register(contacts, { cseq, expires })).status, 500);
    t.is((await device()).bindings[0]?.cseq, 7);
  }
});

test('a REGISTER that is stored already, as when its answer was lost with the process, gets 200 with what is stored', async (t) => {
  const { register, device, clock } = bench({ expiresJitter: 0.1 });
  const first = await register([iphone(A)], { cseq: 7 });
  const stored = await device();
  clock.advance(2_000);
  const again = await register([iphone(A)], { cseq: 7 });
  t.is(again.status, 200);
  t.deepEqual(again.registered, first.registered, 'a held call may go to it');
  t.regex(values(again, 'Contact')[0] ?? '', /^<sip:2001@.*;expires=34/);
  t.deepEqual(values(again, 'Feature-Caps'), values(first, 'Feature-Caps'));
  t.deepEqual(await device(), stored);
});

test('with the CSeq of the stored one but another Contact, Path or expiry it gets 500', async (t) => {
  for (const [contact, rest] of [
    [iphone(B), {}],
    [iphone(A, apns(OTHER)), {}],
    [iphone(A), { path: ['<sip:edge-2.example;lr>'] }],
    [iphone(A), { expires: 1800 }],
  ] as const) {
    const { register, device } = bench();
    await register([iphone(A)], { cseq: 7 });
    const stored = await device();
    t.is((await register([contact], { cseq: 7, ...rest })).status, 500);
    t.deepEqual(await device(), stored);
  }
});

test('an old REGISTER that arrives late does not bring the address of before back', async (t) => {
  const { register, device } = bench();
  await register([iphone(B)], { cseq: 8 });
  t.is((await register([iphone(A)], { cseq: 7 })).status, 500);
  t.is((await device()).bindings[0]?.uri, B);
});

test('another Call-ID counts from anew, as after a restart of the phone', async (t) => {
  const { register } = bench();
  await register([`<${A}>`], { cseq: 700 });
  t.is((await register([`<${A}>`], { cseq: 1, callId: 'call-2' })).status, 200);
});

test('a query changes nothing and registers nobody', async (t) => {
  const { register, device } = bench();
  await register([iphone(A)]);
  const before = await device();
  const answer = await register([]);
  t.is(answer.status, 200);
  t.deepEqual(answer.registered, []);
  t.deepEqual(await device(), before);
});

for (const contact of [
  '<sip:2001@192.0.2.1',
  'sip:',
  '<sip:2001@>',
  '<sip:2001@192.0.2.1:99999>',
  '"open <sip:2001@192.0.2.1>',
  `<${A}>;q=2`,
  `<${A}>;reg-id=0`,
  `<${A}>;reg-id=4294967296`,
  `<${A}>;+sip.instance="<>"`,
  `<${A}>;+sip.instance="${'x'.repeat(200)}"`,
  `<${A};a=1;A=2>`,
  `<${A}>;expires=1;expires=2`,
  `<${A};pn-provider=apns;pn-param=A.b.voip;pn-prid=zz>`,
  `<${A};x=${'y'.repeat(5000)}>`,
]) {
  test(`a malformed Contact gets 400: ${contact.slice(0, 60)}`, async (t) => {
    const { register, devices } = bench();
    const answer = await register([`<${B}>`, contact]);
    t.is(answer.status, 400);
    t.deepEqual(await devices(), []);
  });
}

test('a Contact that is no SIP URI gets 416', async (t) => {
  t.is((await bench().register(['<tel:+4930123456>'])).status, 416);
});

test('more Contacts than allowed get 403, in one REGISTER or in several', async (t) => {
  const contact = (n: number) => `<sip:2001@192.0.2.${n}>`;
  const { register, devices } = bench({ maxContacts: 3 });
  t.is((await register([1, 2, 3, 4].map(contact))).status, 403);
  t.is((await register([1, 2, 3].map(contact))).status, 200);
  t.is((await register([contact(4)])).status, 403);
  t.is((await devices()).length, 3);
  t.is((await register([contact(3)])).status, 200, 'a refresh is no further contact');
});

test('devices that only have a token give way, the oldest first, so that an AOR does not grow for ever', async (t) => {
  const { register, devices, clock } = bench({ maxContacts: 3 });
  for (let n = 0; n < 6; n++) {
    await register([iphone(A, `;pn-provider=apns;pn-param=T.b.voip;pn-prid=${`0${n}`.repeat(8)}`, `phone-${n}`)], {
      expires: 200,
    });
    clock.advance(200_000);
  }
  t.deepEqual(
    (await devices()).map(({ id }) => id),
    ['phone-3', 'phone-4', 'phone-5'],
  );
});

test('Path is stored whole and in order, and given back to those who know it', async (t) => {
  const { register, device } = bench();
  const path = ['<sip:expc.example;lr>', '<sip:expe.example;lr;ob>'];
  const answer = await register([iphone(A)], { path, supported: ['path'], fromEdge: true });
  t.deepEqual(values(answer, 'Path'), path);
  t.deepEqual((await device()).bindings[0]?.path, path);
  t.is((await device()).bindings[0]?.mode, 'path');
  t.deepEqual(values(await register([iphone(A)], { path }), 'Path'), []);
});

test('a Path beyond all measure gets 400', async (t) => {
  const { register } = bench();
  t.is((await register([`<${A}>`], { path: Array(11).fill('<sip:a.example;lr>') })).status, 400);
  t.is((await register([`<${A}>`], { path: [`<sip:${'a'.repeat(3000)};lr>`] })).status, 400);
});

test('the three ways to come are told apart', async (t) => {
  const mode = async (rest: object) => {
    const { register, device } = bench();
    await register([iphone(A)], rest);
    return (await device()).bindings[0]?.mode;
  };
  t.is(await mode({ path: ['<sip:e.example;lr>'], fromEdge: true }), 'path');
  t.is(await mode({ fromEdge: true }), 'rewrite');
  t.is(await mode({}), 'direct');
});

test('outbound is required of a phone that wants it, when the first hop keeps its flow (RFC 5626)', async (t) => {
  const { register } = bench();
  const contact = `${iphone(A)};reg-id=1`;
  const supported = ['path', 'outbound'];
  const required = async (rest: object) => values(await register([contact], { supported, ...rest }), 'Require');
  t.deepEqual(await required({}), ['outbound']);
  t.deepEqual(await required({ path: ['<sip:c.example;lr>', '<sip:e.example;lr;ob>'], fromEdge: true }), ['outbound']);
  t.deepEqual(await required({ path: ['<sip:e.example;lr>'], fromEdge: true }), []);
  t.deepEqual(await required({ fromEdge: true }), []);
  t.deepEqual(values(await register([contact]), 'Require'), []);
});

test('Flow-Timer tells a phone on a flow of its own how often to send keep-alives, and nobody else (RFC 5626 4.4.1)', async (t) => {
  const contact = `${iphone(A)};reg-id=1`;
  const supported = ['path', 'outbound'];
  const { register } = bench({ flowTimer: 90_500 });
  const timer = async (rest: object) => values(await register([contact], { supported, ...rest }), 'Flow-Timer');
  t.deepEqual(await timer({}), ['90']);
  t.deepEqual(await timer({ path: ['<sip:e.example;lr;ob>'], fromEdge: true }), [], 'the flow is the edge’s');
  t.deepEqual(await timer({ supported: ['path'] }), []);
  t.deepEqual(values(await bench({ flowTimer: 0 }).register([contact], { supported }), 'Flow-Timer'), []);
});
