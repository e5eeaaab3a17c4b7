import test from 'ava';
import { parseNameAddr } from '../../src/grammar/name-addr.js';
import { parseUri } from '../../src/grammar/uri.js';
import { type EdgeMode, EdgeSimulator } from '../../src/sim/edge/index.js';
import { PhoneSimulator, type PhoneSimulatorOptions } from '../../src/sim/phone/index.js';
import { FakeClock } from '../support/fake-clock.js';
import { FakeRegistrar } from './support/registrar.js';

const UUID = '0b2c8a52-54f1-4b4a-9a1f-3f6f0c3f9f10';
const quick = { wakeDelayMs: 0, answerDelayMs: 0 };

interface Bench {
  readonly registrar: FakeRegistrar;
  readonly edge: EdgeSimulator;
  readonly phone: PhoneSimulator;
}

async function bench(
  t: { teardown(fn: () => Promise<void>): void },
  mode: EdgeMode,
  transports: { phone?: 'udp' | 'tcp'; core?: 'udp' | 'tcp' } = {},
  options: Partial<PhoneSimulatorOptions> = {},
): Promise<Bench> {
  const registrar = await new FakeRegistrar().start();
  t.teardown(() => registrar.close());
  const core = { host: '127.0.0.1', port: registrar.port, transport: transports.core ?? 'udp' } as const;
  const edge = await new EdgeSimulator({ mode, core }).start();
  t.teardown(() => edge.close());
  const phone = new PhoneSimulator({
    aor: 'sip:2001@corp.example',
    server: { host: '127.0.0.1', port: edge.phones.port, transport: transports.phone ?? 'tcp' },
    behaviour: quick,
    ...options,
  });
  t.teardown(() => phone.close());
  return { registrar, edge, phone };
}

for (const mode of ['path', 'rewrite'] as const) {
  for (const phoneSide of ['tcp', 'udp'] as const) {
    for (const coreSide of ['tcp', 'udp'] as const) {
      test(`edge ${mode}, phone over ${phoneSide}, core over ${coreSide}: a call goes through in both directions`, async (t) => {
        const { registrar, edge, phone } = await bench(t, mode, { phone: phoneSide, core: coreSide });
        await phone.start();
        t.true(phone.registered);
        phone.behaviour = { ...quick, answerDelayMs: 20 };
        const call = registrar.call({ uuid: UUID });
        await call.response(180);
        await call.answered;
        t.regex(call.remoteSdp ?? '', /m=audio \d+ RTP\/AVP/);
        const [atPhone] = phone.calls;
        t.is(atPhone?.callUuid, UUID);
        t.is((await call.reinvite({ hold: true })).status, 200);
        t.is((await atPhone?.reinvite({ offer: 'delayed' }))?.status, 200);
        t.is((await call.request('INFO', { body: 'Signal=5', contentType: 'application/dtmf-relay' })).status, 200);
        t.is((await atPhone?.request('UPDATE'))?.status, 200);
        await atPhone?.hangup();
        t.is((await call.ended).how, 'remote');

        const outgoing = await phone.call('1001');
        await outgoing.answered;
        await registrar.incoming[0]?.hangup();
        t.is((await outgoing.ended).how, 'remote');
        t.deepEqual([...phone.faults, ...edge.faults, ...registrar.faults], []);
      });
    }
  }
}

test('path: Contact is the phone’s own, push parameters on it, and the edge stands in Path with a flow token', async (t) => {
  const { registrar, edge, phone } = await bench(
    t,
    'path',
    {},
    { voipToken: 'ab12', bundleId: 'com.example.soft.phone' },
  );
  await phone.start();
  const [register] = registrar.registers;
  const contact = parseNameAddr(register?.get('Contact') ?? '');
  const uri = parseUri(contact.uri);
  t.is(uri.user, '2001');
  t.not(uri.port, edge.core.port);
  t.is(uri.params.get('pn-provider'), 'apns');
  t.is(uri.params.get('pn-param'), 'ABCDE12345.com.example.soft.phone.voip');
  t.is(uri.params.get('pn-prid'), 'ab12');
  t.is(contact.params.get('+sip.instance'), `"<${phone.identity.instance}>"`);
  t.is(contact.params.get('app-state'), 'foreground');
  const path = parseUri(parseNameAddr(register?.get('Path') ?? '').uri);
  t.is(path.port, edge.core.port);
  t.true(path.params.has('lr'));
  t.truthy(path.user);
});

test('rewrite: Contact is the edge’s with an opaque user, push parameters and instance kept, no Path', async (t) => {
  const { registrar, edge, phone } = await bench(t, 'rewrite', {}, { voipToken: 'ab12' });
  await phone.start();
  const [register] = registrar.registers;
  const contact = parseNameAddr(register?.get('Contact') ?? '');
  const uri = parseUri(contact.uri);
  t.is(uri.host, '127.0.0.1');
  t.is(uri.port, edge.core.port);
  t.regex(uri.user ?? '', /^[0-9a-f]{18}$/);
  t.not(uri.user, '2001');
  t.is(uri.params.get('pn-prid'), 'ab12');
  t.is(contact.params.get('+sip.instance'), `"<${phone.identity.instance}>"`);
  t.false(register?.has('Path') ?? true);
  t.deepEqual(phone.faults, []);
});

test('an alert token stands beside the VoIP token in pn-prid, as Linphone writes it', async (t) => {
  const { registrar, phone } = await bench(t, 'path', {}, { voipToken: 'aa', alertToken: 'bb' });
  await phone.start();
  t.regex(
    registrar.registers[0]?.get('Contact') ?? '',
    /;pn-param=ABCDE12345\.com\.example\.phone\.voip&remote;pn-prid=aa:voip&bb:remote/,
  );
});

for (const [mode, status] of [
  ['path', 430],
  ['rewrite', 480],
] as const) {
  test(`edge ${mode}: the flow of a sleeping phone is gone, the INVITE gets ${status}; a push wakes it, then it rings`, async (t) => {
    const { registrar, edge, phone } = await bench(t, mode);
    await phone.start();
    const stale = registrar.binding;
    const closed = edge.events.next('flow-closed');
    await phone.sleepSilently();
    await closed;
    t.true(phone.asleep);
    const failed = registrar.call({ uuid: UUID });
    t.like(await failed.ended, { how: 'failed', status });
    t.like(edge.events.all('flow-failed')[0], { status, method: 'INVITE' });

    phone.receivePush({ aps: {}, callwake: { callUuid: UUID.toUpperCase() } });
    await phone.events.next('registered');
    t.is(registrar.registers.length, 2);
    t.notDeepEqual(registrar.binding, stale);
    const call = registrar.call({ uuid: UUID });
    await call.answered;
    await call.hangup();
    t.deepEqual(
      phone.events.all('ringing').map((event) => event.callUuid),
      [UUID],
    );
    t.deepEqual(phone.faults, []);
    t.deepEqual(edge.faults, []);
  });
}

test('background: the phone says so on Contact, then closes its flow', async (t) => {
  const { registrar, edge, phone } = await bench(t, 'path');
  await phone.start();
  const closed = edge.events.next('flow-closed');
  await phone.background();
  await closed;
  t.is(parseNameAddr(registrar.registers.at(-1)?.get('Contact') ?? '').params.get('app-state'), 'background');
  t.like(phone.events.all('asleep')[0], { said: true });
  t.is(registrar.registers[0]?.callId, registrar.registers[1]?.callId);
  t.true((registrar.registers[1]?.cseq.number ?? 0) > (registrar.registers[0]?.cseq.number ?? 0));
});

test('unregister: no push parameters and expires=0', async (t) => {
  const { registrar, phone } = await bench(t, 'path');
  await phone.start();
  t.true(await phone.unregister());
  const last = registrar.registers.at(-1);
  t.notRegex(last?.get('Contact') ?? '', /pn-/);
  t.is(parseNameAddr(last?.get('Contact') ?? '').params.get('expires'), '0');
  t.is(registrar.binding, undefined);
});

test('one push may lead to several REGISTERs', async (t) => {
  const { registrar, phone } = await bench(t, 'path', {}, { behaviour: { ...quick, registersPerPush: 3 } });
  phone.receivePush({ callwake: { callUuid: UUID } });
  let seen = 0;
  await phone.events.next('registered', () => ++seen === 3);
  t.is(registrar.registers.length, 3);
  t.is(new Set(registrar.registers.map((register) => register.cseq.number)).size, 3);
});

test('digest: a challenged REGISTER is sent again with an answer', async (t) => {
  const credentials = { username: '2001', password: 'secret' };
  const { registrar, phone } = await bench(t, 'path', {}, { credentials });
  registrar.challenge = 'Digest realm="corp.example", nonce="abc", qop="auth", algorithm=SHA-256';
  t.true(await phone.register());
  t.regex(registrar.registers[1]?.get('Authorization') ?? '', /^Digest username="2001".*response="[0-9a-f]{64}"/);
});

test('a REGISTER that is refused is told, and the phone does not count as registered', async (t) => {
  const { registrar, phone } = await bench(t, 'path');
  registrar.status = 403;
  t.false(await phone.register());
  t.like(phone.events.all('register-failed')[0], { status: 403 });
  t.false(phone.registered);
});

test('delayed offer: the phone offers in its 200 and takes the answer from the ACK', async (t) => {
  const { registrar, phone } = await bench(t, 'path');
  await phone.start();
  const call = registrar.call({ offer: false });
  await call.answered;
  t.regex(call.remoteSdp ?? '', /m=audio \d+ RTP\/AVP 9 0 8 101/);
  const atPhone = phone.calls[0];
  await atPhone?.request('INFO');
  t.regex(atPhone?.remoteSdp ?? '', /m=audio \d+ RTP\/AVP 9 101/);
  await call.hangup();
  t.deepEqual([...phone.faults, ...registrar.faults], []);
});

test('100rel: the phone asks for PRACK and gets one', async (t) => {
  const { registrar, phone } = await bench(t, 'path', {}, { behaviour: { ...quick, reliable: true } });
  await phone.start();
  const call = registrar.call();
  t.is((await call.response(180)).header('RSeq') !== undefined, true);
  await call.answered;
  t.true(phone.calls[0]?.requests.some((request) => request.method === 'PRACK') ?? false);
  await call.hangup();
  t.deepEqual([...phone.faults, ...registrar.faults], []);
});

for (const [answer, status] of [
  ['busy', 486],
  ['decline', 603],
] as const) {
  test(`answer: ${answer} gives ${status}`, async (t) => {
    const { registrar, phone } = await bench(t, 'rewrite', {}, { behaviour: { ...quick, answer } });
    await phone.start();
    const call = registrar.call();
    t.like(await call.ended, { how: 'failed', status });
    await t.throwsAsync(call.answered, { message: new RegExp(String(status)) });
  });
}

test('CANCEL: 487, and the phone tells the reason', async (t) => {
  const { registrar, phone } = await bench(t, 'path', {}, { behaviour: { ...quick, answer: 'ignore' } });
  await phone.start();
  const call = registrar.call({ uuid: UUID });
  await call.response(180);
  call.cancel('SIP;cause=200;text="Call completed elsewhere"');
  t.like(await call.ended, { how: 'cancelled', status: 487 });
  const cancelled = await phone.events.seen('cancelled');
  t.is(cancelled.callUuid, UUID);
  t.is(cancelled.reason, 'SIP;cause=200;text="Call completed elsewhere"');
  t.deepEqual(phone.events.all('answered'), []);
});

test('a message reaches the phone', async (t) => {
  const { registrar, phone } = await bench(t, 'path');
  await phone.start();
  const { binding, ua } = registrar;
  const message = ua.newRequest('MESSAGE', binding?.uri ?? '', '<sip:1001@corp.example>', '<sip:2001@corp.example>', {
    body: 'hello',
    contentType: 'text/plain',
  });
  for (const route of binding?.path ?? []) message.add('Route', route);
  t.is((await ua.send(message)).status, 200);
  t.like(await phone.events.seen('message'), { body: 'hello', contentType: 'text/plain' });
  t.deepEqual(await phone.sendMessage('1001', 'hi'), { status: 200, reason: 'OK' });
});

test('the PURR of the 2xx goes into Contacts of dialogs', async (t) => {
  const { registrar, phone } = await bench(t, 'path');
  registrar.featureCaps = ['*;+sip.pns="apns";+sip.pnspurr="opaque1"'];
  await phone.start();
  const call = registrar.call();
  const ok = await call.answered;
  t.regex(ok.header('Contact') ?? '', /;pn-purr=opaque1>/);
  await call.hangup();
  t.deepEqual(phone.faults, []);
});

test('a woken phone waits its wake delay, by its own clock', async (t) => {
  const clock = new FakeClock();
  const { registrar, phone } = await bench(t, 'path', {}, { clock, behaviour: { wakeDelayMs: 1800 } });
  phone.receivePush({ callwake: { callUuid: UUID } });
  await clock.advanceAsync(1799);
  t.true(phone.asleep);
  t.is(registrar.registers.length, 0);
  clock.advance(1);
  const registered = await phone.events.next('registered');
  t.is(registered.at, (phone.events.all('pushed')[0]?.at ?? 0) + 1800);
});

test('an awake phone refreshes its registration at half of its time', async (t) => {
  const clock = new FakeClock();
  const { registrar, phone } = await bench(t, 'path', {}, { clock, expires: 600 });
  await phone.start();
  clock.advance(299_000);
  t.is(registrar.registers.length, 1);
  const again = phone.events.next('registered');
  clock.advance(1000);
  await again;
  t.is(registrar.registers.length, 2);
});

test('a background push leads to a REGISTER and no call; an alert to nothing', async (t) => {
  const { registrar, phone } = await bench(t, 'path');
  phone.receivePush({ aps: { alert: 'Missed call' } }, 'alert');
  const registered = phone.events.next('registered');
  phone.receivePush({ aps: { 'content-available': 1 } }, 'background');
  await registered;
  t.is(registrar.registers.length, 1);
  t.deepEqual(phone.faults, []);
});
