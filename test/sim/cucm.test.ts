import test from 'ava';
import { CucmSimulator } from '../../src/sim/cucm/index.js';
import { type PhoneBehaviour, PhoneSimulator } from '../../src/sim/phone/index.js';

/** CUCM and a phone without anything between them: the phone's address is the trunk. */
async function bench(
  t: { teardown(fn: () => Promise<void>): void },
  transport: 'udp' | 'tcp',
  behaviour: PhoneBehaviour = {},
): Promise<{ cucm: CucmSimulator; phone: PhoneSimulator }> {
  const trunk = { host: '127.0.0.1', port: 9, transport };
  const cucm = await new CucmSimulator({ trunk }).start();
  t.teardown(() => cucm.close());
  const phone = new PhoneSimulator({
    aor: 'sip:2001@127.0.0.1',
    server: { host: '127.0.0.1', port: cucm.local.port, transport },
    behaviour: { answerDelayMs: 0, ...behaviour },
  });
  t.teardown(() => phone.close());
  cucm.trunk = { ...trunk, port: (await phone.wake()).port };
  return { cucm, phone };
}

for (const transport of ['udp', 'tcp'] as const) {
  for (const offer of ['early', 'delayed'] as const) {
    test(`${offer} offer over ${transport}: answered, held, hung up from both sides`, async (t) => {
      const { cucm, phone } = await bench(t, transport);
      const call = cucm.call({ to: '2001', from: '1005', displayName: 'Alice "A" Example', offer });
      const ok = await call.answered;
      t.deepEqual(
        call.responses.map((response) => response.status),
        [100, 180, 200],
      );
      t.truthy(ok.header('Contact'));
      t.regex(call.remoteSdp ?? '', /m=audio/);
      t.like(await phone.events.seen('invited'), { displayName: 'Alice "A" Example', offer: offer === 'early' });
      t.is((await call.reinvite({ hold: true })).status, 200);
      t.is((await phone.calls[0]?.reinvite())?.status, 200);
      t.regex(phone.calls[0]?.remoteSdp ?? '', /m=audio/);
      await phone.calls[0]?.hangup();
      t.is((await call.ended).how, 'remote');

      const second = cucm.call({ to: '2001', offer, hangupAfterMs: 0 });
      t.is((await second.ended).how, 'local');
      t.is((await phone.calls[1]?.ended)?.how, 'remote');
      t.deepEqual([...cucm.faults, ...phone.faults], []);
    });
  }
}

test('the INVITE is that of a CUCM 12.5 trunk', async (t) => {
  const { cucm } = await bench(t, 'tcp', { answer: 'busy' });
  const call = cucm.call({
    to: '2001',
    from: '1005',
    displayName: 'Alice',
    headers: [['Diversion', '<sip:3000@cucm>']],
  });
  await call.ended;
  const invite = cucm.messages.find((entry) => entry.direction === 'out')?.message;
  if (invite?.kind !== 'request') return t.fail('no INVITE');
  t.is(invite.uri, 'sip:2001@127.0.0.1');
  t.is(invite.body.length, 0);
  t.regex(invite.fromTag ?? '', /^\d+~[0-9a-f-]{36}-\d+$/);
  t.deepEqual(invite.all('Supported'), [
    '100rel,timer,resource-priority,replaces',
    'X-cisco-srtp-fallback,X-cisco-original-called',
  ]);
  t.is(invite.get('Min-SE'), '1800');
  t.is(invite.get('Session-Expires'), '1800');
  t.is(invite.get('Expires'), '180');
  t.regex(invite.get('Session-ID') ?? '', /^[0-9a-f]{32};remote=0{32}$/);
  t.regex(invite.get('Cisco-Guid') ?? '', /^\d{10}-\d{10}-\d{10}-\d{10}$/);
  t.is(invite.get('P-Asserted-Identity'), '"Alice" <sip:1005@127.0.0.1>');
  t.is(invite.get('Remote-Party-ID'), '"Alice" <sip:1005@127.0.0.1>;party=calling;screen=yes;privacy=off');
  t.regex(invite.all('Call-Info')[0] ?? '', /^<urn:x-cisco-remotecc:callinfo>;/);
  t.regex(invite.get('Contact') ?? '', /\+u\.sip!devicename\.ccm\.cisco\.com="SEP[0-9A-F]{12}"/);
  t.is(invite.get('User-Agent'), 'Cisco-CUCM12.5');
  t.is(invite.get('Diversion'), '<sip:3000@cucm>');
  t.regex(invite.get('Allow') ?? '', /PRACK.*UPDATE/);
});

test('anonymous: From hides the caller, RPID says so', async (t) => {
  const { cucm, phone } = await bench(t, 'udp', { answer: 'decline' });
  const call = cucm.call({ to: '2001', from: '1005', displayName: 'Alice', anonymous: true });
  t.like(await call.ended, { how: 'failed', status: 603 });
  const invite = phone.messages.find((entry) => entry.direction === 'in')?.message;
  t.is(invite?.from.uri, 'sip:Anonymous@127.0.0.1');
  t.regex(invite?.get('Remote-Party-ID') ?? '', /privacy=full/);
});

test('CANCEL while it rings', async (t) => {
  const { cucm, phone } = await bench(t, 'udp', { answer: 'ignore' });
  const call = cucm.call({ to: '2001' });
  await call.response('18x');
  call.cancel('Q.850;cause=16');
  t.like(await call.ended, { how: 'cancelled', status: 487 });
  t.like(await phone.events.seen('cancelled'), { reason: 'Q.850;cause=16' });
  t.deepEqual([...cucm.faults, ...phone.faults], []);
});

test('an incoming call on the trunk is answered as CUCM does', async (t) => {
  const { cucm, phone } = await bench(t, 'tcp');
  cucm.behaviour = { hangupAfterMs: 0 };
  const call = await phone.call('1001');
  const ok = await call.answered;
  t.is(ok.header('Server'), 'Cisco-CUCM12.5');
  t.is(ok.header('Session-Expires'), '1800;refresher=uas');
  t.is(ok.headers.filter(([name]) => name === 'Remote-Party-ID').length, 2);
  t.is((await call.ended).how, 'remote');
  cucm.behaviour = { answer: 'busy' };
  t.like(await (await phone.call('1001')).ended, { how: 'failed', status: 486 });
});

test('OPTIONS ping: any answer but 408 and 503 is in service', async (t) => {
  const far = await new CucmSimulator({ trunk: { host: '127.0.0.1', port: 9, transport: 'udp' } }).start();
  t.teardown(() => far.close());
  const near = await new CucmSimulator({
    trunk: { host: '127.0.0.1', port: far.local.port, transport: 'udp' },
  }).start();
  t.teardown(() => near.close());
  t.deepEqual(await near.ping(), { status: 200, inService: true });
  far.behaviour = { optionsStatus: 503 };
  t.deepEqual(await near.ping(), { status: 503, inService: false });
  t.false(near.inService);
  far.behaviour = { optionsStatus: 404 };
  t.deepEqual(await near.ping(), { status: 404, inService: true });
  t.is(far.events.all('pinged').length, 3);
});

test('push parameters on the trunk are a fault', async (t) => {
  const { cucm, phone } = await bench(t, 'udp');
  await phone.register();
  t.true(cucm.faults.some((fault) => fault === 'push parameter pn-provider on the trunk, in REGISTER'));
});

test('closing in the middle of a call ends it without a word', async (t) => {
  const { cucm, phone } = await bench(t, 'tcp');
  const call = cucm.call({ to: '2001' });
  await call.answered;
  await phone.close();
  t.like(phone.events.all('ended')[0], { how: 'dropped' });
  await cucm.close();
  t.is((await call.ended).how, 'dropped');
});
