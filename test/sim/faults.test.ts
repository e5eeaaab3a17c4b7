import test from 'ava';
import { EdgeSimulator } from '../../src/sim/edge/index.js';
import { PhoneSimulator } from '../../src/sim/phone/index.js';
import { FakeRegistrar } from './support/registrar.js';

const UUID = '0b2c8a52-54f1-4b4a-9a1f-3f6f0c3f9f10';
const OTHER = '7d1f8a52-54f1-4b4a-9a1f-3f6f0c3f9f10';

async function bench(t: {
  teardown(fn: () => Promise<void>): void;
}): Promise<{ registrar: FakeRegistrar; phone: PhoneSimulator; edge: EdgeSimulator }> {
  const registrar = await new FakeRegistrar().start();
  t.teardown(() => registrar.close());
  const core = { host: '127.0.0.1', port: registrar.port, transport: 'tcp' } as const;
  const edge = await new EdgeSimulator({ mode: 'path', core }).start();
  t.teardown(() => edge.close());
  const phone = new PhoneSimulator({
    aor: 'sip:2001@corp.example',
    server: { host: '127.0.0.1', port: edge.phones.port, transport: 'tcp' },
    behaviour: { wakeDelayMs: 0, answerDelayMs: 0 },
  });
  t.teardown(() => phone.close());
  return { registrar, phone, edge };
}

test('push parameters in an INVITE', async (t) => {
  const { registrar, phone, edge } = await bench(t);
  await phone.start();
  const call = registrar.call({ uri: `${registrar.binding?.uri};pn-prid=ab12` });
  await call.answered;
  t.deepEqual(phone.faults, ['push parameter pn-prid in INVITE']);
  t.deepEqual(edge.faults, ['push parameter pn-prid in INVITE']);
  await call.hangup();
});

test('a Route beyond the Path', async (t) => {
  const { registrar, phone } = await bench(t);
  await phone.start();
  const { binding } = registrar;
  if (!binding) return t.fail('not registered');
  const to = { ...binding, path: [...binding.path, '<sip:192.0.2.9;lr>'] };
  const call = registrar.call({ to });
  await call.answered;
  t.deepEqual(phone.faults, ["Route that isn't in our Path: <sip:192.0.2.9;lr> in INVITE"]);
  call.drop();
});

test('an INVITE to the edge without the Path’s token', async (t) => {
  const { registrar, phone, edge } = await bench(t);
  await phone.start();
  const { binding } = registrar;
  if (!binding) return t.fail('not registered');
  const path = binding.path.map((value) => value.replace(/sip:[^@]+@/, 'sip:invented@'));
  t.like(await registrar.call({ to: { ...binding, path } }).ended, { how: 'failed', status: 404 });
  t.regex(edge.faults.join('\n'), /^INVITE .* that names no flow/);
});

test('a second INVITE for the call that rang already', async (t) => {
  const { registrar, phone } = await bench(t);
  await phone.start();
  const first = registrar.call({ uuid: UUID });
  await first.answered;
  t.like(await registrar.call({ uuid: UUID }).ended, { how: 'failed', status: 482 });
  t.deepEqual(phone.faults, [`second INVITE for call ${UUID}`]);
  t.is(phone.events.all('ringing').length, 1);
  await first.hangup();
});

test('an INVITE for another call than the push announced', async (t) => {
  const { registrar, phone } = await bench(t);
  phone.receivePush({ callwake: { callUuid: UUID } });
  await phone.events.next('registered');
  const call = registrar.call({ uuid: OTHER });
  await call.answered;
  t.deepEqual(phone.faults, [`INVITE for call ${OTHER}, push had ${UUID}`]);
  await call.hangup();
});

test('two pushes for one call, and a VoIP push for none', async (t) => {
  const { phone } = await bench(t);
  phone.behaviour = { deaf: true };
  phone.receivePush({ callwake: { callUuid: UUID } });
  t.deepEqual(phone.faults, []);
  phone.behaviour = { wakeDelayMs: 0 };
  phone.receivePush({ callwake: { callUuid: UUID } });
  phone.receivePush({ callwake: { callUuid: UUID } });
  phone.receivePush({ aps: {} });
  t.deepEqual(phone.faults, [`second push for call ${UUID}`, 'VoIP push without callwake.callUuid']);
});

test('a Request-URI that is not the Contact', async (t) => {
  const { registrar, phone } = await bench(t);
  await phone.start();
  const call = registrar.call({ uri: 'sip:2001@corp.example' });
  await call.answered;
  t.regex(phone.faults.join('\n'), /^Request-URI sip:2001@corp\.example isn't our Contact/);
  await call.hangup();
});

test('Feature-Caps without the asterisk', async (t) => {
  const { registrar, phone } = await bench(t);
  registrar.featureCaps = ['+sip.pns="apns"'];
  await phone.start();
  t.deepEqual(phone.faults, ['Feature-Caps does not begin with "*": +sip.pns="apns"']);
});

test('an INVITE for a phone whose REGISTER was refused', async (t) => {
  const registrar = await new FakeRegistrar().start();
  t.teardown(() => registrar.close());
  registrar.status = 403;
  const phone = new PhoneSimulator({
    aor: 'sip:2001@corp.example',
    server: { host: '127.0.0.1', port: registrar.port, transport: 'tcp' },
    behaviour: { answerDelayMs: 0 },
  });
  t.teardown(() => phone.close());
  await phone.start();
  const contact = phone.messages[0]?.message.list('contact')[0] ?? '';
  const uri = /<([^;>]+)/.exec(contact)?.[1] ?? '';
  const call = registrar.call({ to: { contact, uri: `${uri};transport=tcp`, path: [] } });
  await call.answered;
  t.regex(phone.faults.join('\n'), /^INVITE .* though the REGISTER was not accepted/);
  await call.hangup();
});
