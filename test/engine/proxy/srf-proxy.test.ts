import test from 'ava';
import { FakeClock, settle } from '../../support/fake-clock.js';
import type { Peer } from '../support/peer.js';
import { SDP } from '../support/peer.js';
import { Bench, crash, deferred, type ProxyResults, type Srf } from '../support/srf.js';

type Options = Record<string, unknown>;

interface Stage {
  bench: Bench;
  srf: Srf;
  caller: Peer;
  result: Promise<ProxyResults>;
}

/** An engine whose app proxies every INVITE to `destinations(bench)`. */
async function stage(
  t: Parameters<typeof Bench.start>[0],
  destinations: string[],
  options: Options = {},
  engine: Parameters<typeof Bench.start>[1] = {},
  method = 'invite',
): Promise<Stage> {
  const bench = await Bench.start(t, engine);
  const result = deferred<ProxyResults>();
  const srf = await bench.srf((app) => {
    app.use(method, (req) => {
      app.proxyRequest(req, [...destinations], { ...options }).then(result.resolve, result.reject);
    });
  });
  return { bench, srf, caller: await bench.udp(), result: result.promise };
}

async function peers(t: Parameters<typeof Bench.start>[0], count: number): Promise<[Peer, Peer, Peer]> {
  const { Peer: Constructor } = await import('../support/peer.js');
  const made = await Promise.all(Array.from({ length: Math.max(count, 3) }, () => Constructor.udp()));
  t.teardown(() => {
    for (const peer of made) peer.close();
  });
  return made as [Peer, Peer, Peer];
}

const at = (peer: Peer, user = 'phone') => `sip:${user}@127.0.0.1:${peer.port}`;

function cancelOf(caller: Peer, invite: ReturnType<Peer['request']>, headers: Record<string, string> = {}) {
  return caller.request('CANCEL', invite.uri, {
    from: invite.get('from') ?? '',
    to: invite.get('to') ?? '',
    callId: invite.callId,
    branch: invite.via.branch ?? '',
    headers,
  });
}

test('a Request-URI that is ours gives way to the destination; one that is not stays', async (t) => {
  const [phone] = await peers(t, 1);
  const { bench, caller } = await stage(t, [at(phone)]);
  caller.send(caller.request('INVITE', bench.uri()), bench.port);
  const first = await phone.nextRequest('INVITE');
  t.is(first.uri, at(phone));
  t.is(first.list('via').length, 2);
  t.is(first.maxForwards, 69);
  caller.send(caller.request('INVITE', 'sip:bob@elsewhere.example'), bench.port);
  t.is((await phone.nextRequest('INVITE')).uri, 'sip:bob@elsewhere.example');
});

test('a Route in the headers, or in the destination, is the next hop', async (t) => {
  const [phone, edge] = await peers(t, 2);
  const route = `<sip:token@127.0.0.1:${edge.port};lr>`;
  const byHeader = await stage(t, [at(phone)], { headers: { Route: route } });
  byHeader.caller.send(byHeader.caller.request('INVITE', byHeader.bench.uri()), byHeader.bench.port);
  const first = await edge.nextRequest('INVITE');
  t.is(first.uri, at(phone));
  t.is(first.get('route'), route);
  const byUri = await stage(t, [`${at(phone)}?Route=${encodeURIComponent(route)}`]);
  byUri.caller.send(byUri.caller.request('INVITE', byUri.bench.uri()), byUri.bench.port);
  const second = await edge.nextRequest('INVITE');
  t.is(second.uri, at(phone));
  t.is(second.get('route'), route);
  edge.reply(second, 486);
  t.is((await edge.nextRequest('ACK')).get('route'), route);
  t.is((await byUri.result).finalStatus, 486);
  const cancelled = byHeader.caller.request('INVITE', byHeader.bench.uri());
  byHeader.caller.send(cancelled, byHeader.bench.port);
  const third = await edge.nextRequest('INVITE');
  edge.reply(third, 180);
  await byHeader.caller.nextResponse(180);
  byHeader.caller.send(cancelOf(byHeader.caller, cancelled), byHeader.bench.port);
  const cancel = await edge.nextRequest('CANCEL');
  t.is(cancel.get('route'), route);
  t.is(cancel.uri, third.uri);
});

test('without recordRoute reliable provisional responses pass unchanged, and PRACK goes past the proxy', async (t) => {
  const [phone] = await peers(t, 1);
  const { bench, caller } = await stage(t, [at(phone)]);
  caller.send(caller.request('INVITE', bench.uri(), { headers: { Supported: '100rel' } }), bench.port);
  const onward = await phone.nextRequest('INVITE');
  t.false(onward.has('record-route'));
  phone.reply(onward, 183, { headers: { Require: '100rel', RSeq: '7' } });
  const progress = await caller.nextResponse(183);
  t.is(progress.get('rseq'), '7');
  t.is(progress.get('contact'), phone.contact);
});

test('after a proxy command that failed the app may still answer, and has the dialog', async (t) => {
  const bench = await Bench.start(t);
  const bye = deferred<void>();
  await bench.srf((srf) => {
    srf.invite(async (req, res) => {
      const refused = await srf.proxyRequest(req, 'sip:@').catch((error: unknown) => String(error));
      t.regex(String(refused), /error proxying/);
      const dialog = await srf.createUAS(req, res, { localSdp: SDP });
      dialog.on('destroy', () => bye.resolve());
    });
  });
  const caller = await bench.udp();
  await caller.wholeCall(bench.uri(), bench.port);
  await bye.promise;
});

test('headers: replaced, tags kept, option tags added, emptied ones removed, nothing cut', async (t) => {
  const [phone] = await peers(t, 1);
  const long = 'v'.repeat(4_000);
  const { bench, caller } = await stage(t, [at(phone)], {
    headers: {
      From: '<sip:hidden@example.com>',
      Supported: 'path, timer',
      'P-Test': 'new',
      'X-Long': long,
      Subject: '',
      'Call-ID': 'forged',
    },
  });
  const invite = caller.request('INVITE', bench.uri(), {
    headers: { Supported: 'timer', 'P-Test': 'old', Subject: 'lunch' },
  });
  caller.send(invite, bench.port);
  const onward = await phone.nextRequest('INVITE');
  t.is(onward.get('from'), `<sip:hidden@example.com>;tag=${invite.fromTag}`);
  t.deepEqual(onward.list('supported'), ['timer', 'path']);
  t.deepEqual(onward.all('p-test'), ['new']);
  t.is(onward.get('x-long'), long);
  t.false(onward.has('subject'));
  t.is(onward.callId, invite.callId);
});

test('with recordRoute everything in the dialog is relayed without the app, which may be gone', async (t) => {
  const [phone] = await peers(t, 1);
  const { bench, caller, srf, result } = await stage(t, [at(phone)], { recordRoute: true });
  const invite = caller.request('INVITE', bench.uri(), { body: SDP });
  caller.send(invite, bench.port);
  const onward = await phone.nextRequest('INVITE');
  t.is(onward.list('record-route').length, 1);
  phone.reply(onward, 180);
  await caller.nextResponse(180);
  const okB = phone.reply(onward, 200, { body: SDP });
  const ok = await caller.nextResponse(200, 'INVITE');
  t.is(ok.toTag, 'peer-tag');
  t.true((await result).connected);
  crash(srf);
  caller.send(caller.inDialog('ACK', invite, ok), bench.port);
  const ack = await phone.nextRequest('ACK');
  t.false(ack.has('route'));
  t.is(ack.list('via').length, 2);
  let cseq = 2;
  for (const method of ['INFO', 'UPDATE', 'MESSAGE', 'OPTIONS', 'REFER', 'NOTIFY', 'PRACK', 'SUBSCRIBE']) {
    caller.send(caller.inDialog(method, invite, ok, { cseq: cseq++ }), bench.port);
    phone.reply(await phone.nextRequest(method), 202);
    t.is((await caller.nextResponse(202, method)).list('via').length, 1, method);
    phone.send(phone.backwards(method, onward, okB, { cseq: cseq++ }), bench.port);
    caller.reply(await caller.nextRequest(method), 202);
    t.is((await phone.nextResponse(202, method)).list('via').length, 1, method);
  }
  const again = caller.inDialog('INVITE', invite, ok, { cseq: cseq++, body: SDP });
  caller.send(again, bench.port);
  phone.reply(await phone.nextRequest('INVITE'), 200, { body: SDP });
  await caller.nextResponse(200, 'INVITE');
  caller.send(caller.inDialog('ACK', again, ok, { cseq: cseq - 1 }), bench.port);
  await phone.nextRequest('ACK');
  phone.send(phone.backwards('BYE', onward, okB, { cseq: 900 }), bench.port);
  caller.reply(await caller.nextRequest('BYE'), 200);
  t.is((await phone.nextResponse(200, 'BYE')).status, 200);
});

test('calls that are up survive a restart of the engine', async (t) => {
  const [phone] = await peers(t, 1);
  const { bench, caller } = await stage(t, [at(phone)], { recordRoute: true });
  const invite = caller.request('INVITE', bench.uri(), { body: SDP });
  caller.send(invite, bench.port);
  phone.reply(await phone.nextRequest('INVITE'), 200, { body: SDP });
  const ok = await caller.nextResponse(200, 'INVITE');
  await bench.engine.stop();
  await Bench.start(t, { contacts: [`sip:127.0.0.1:${bench.port};transport=udp,tcp`] });
  caller.send(caller.inDialog('BYE', invite, ok), bench.port);
  phone.reply(await phone.nextRequest('BYE'), 200);
  t.is((await caller.nextResponse(200, 'BYE')).status, 200);
});

test('it is no open relay: a Route without the right token, or for another call, leads nowhere', async (t) => {
  const [phone, victim] = await peers(t, 2);
  const { bench, caller } = await stage(t, [at(phone)], { recordRoute: true });
  const invite = caller.request('INVITE', bench.uri());
  caller.send(invite, bench.port);
  phone.reply(await phone.nextRequest('INVITE'), 200);
  const ok = await caller.nextResponse(200, 'INVITE');
  const [genuine = ''] = ok.list('record-route');
  const routes = [`<sip:127.0.0.1:${bench.port};lr>`, genuine.replace(/cw=[^;>]*/, 'cw=AAAAAAAAAAAAAAAA'), genuine];
  for (const route of routes) {
    const message = caller.request('MESSAGE', at(victim), { to: '<sip:x@y>;tag=z', headers: { Route: route } });
    caller.send(message, bench.port);
    t.is((await caller.nextResponse(481, 'MESSAGE')).callId, message.callId);
  }
  t.is(victim.received.length, 0);
});

test('between TCP and UDP both sides get a Route of their own transport', async (t) => {
  const [phone] = await peers(t, 1);
  const { bench } = await stage(t, [at(phone)], { recordRoute: true });
  const caller = await bench.tcp();
  const invite = caller.request('INVITE', bench.uri('bob', 'tcp'), { body: SDP });
  caller.send(invite, bench.port);
  const onward = await phone.nextRequest('INVITE');
  const [outer = '', inner = ''] = onward.list('record-route');
  t.false(outer.includes('transport='));
  t.true(inner.includes('transport=tcp'));
  const okB = phone.reply(onward, 200, { body: SDP });
  const ok = await caller.nextResponse(200, 'INVITE');
  caller.send(caller.inDialog('ACK', invite, ok), bench.port);
  t.false((await phone.nextRequest('ACK')).has('route'));
  phone.send(phone.backwards('BYE', onward, okB), bench.port);
  const bye = await caller.nextRequest('BYE');
  t.is(bye.via.protocol, 'TCP');
  caller.reply(bye, 200);
  t.is((await phone.nextResponse(200, 'BYE')).status, 200);
});

test('simultaneous: the first 200 wins, the others get CANCEL with the reason', async (t) => {
  const [one, two, three] = await peers(t, 3);
  const { bench, caller, result } = await stage(t, [at(one), at(two), at(three)], { forking: 'simultaneous' });
  caller.send(caller.request('INVITE', bench.uri()), bench.port);
  const [first, second, third] = [
    await one.nextRequest('INVITE'),
    await two.nextRequest('INVITE'),
    await three.nextRequest('INVITE'),
  ];
  one.reply(first, 180);
  two.reply(second, 180, { tag: 'two' });
  three.reply(third, 486);
  await three.nextRequest('ACK');
  await caller.next((message) => message.kind === 'response' && message.status === 180 && message.toTag === 'two');
  two.reply(second, 200, { tag: 'two' });
  t.is((await caller.nextResponse(200)).toTag, 'two');
  const cancel = await one.nextRequest('CANCEL');
  t.regex(cancel.get('reason') ?? '', /cause=200;text="Call completed elsewhere"/);
  one.reply(cancel, 200);
  one.reply(first, 487);
  await one.nextRequest('ACK');
  const results = await result;
  t.true(results.connected);
  t.is(results.finalStatus, 200);
  const statuses = results.responses.flatMap(({ msgs }) => msgs.map(({ status }) => status));
  t.deepEqual(statuses, [486, 200]);
});

test('two phones that answer at once: both 200s go upstream', async (t) => {
  const [one, two] = await peers(t, 2);
  const { bench, caller } = await stage(t, [at(one), at(two)], { forking: 'simultaneous' });
  caller.send(caller.request('INVITE', bench.uri()), bench.port);
  const [first, second] = [await one.nextRequest('INVITE'), await two.nextRequest('INVITE')];
  one.reply(first, 200, { tag: 'one' });
  two.reply(second, 200, { tag: 'two' });
  const tags = [(await caller.nextResponse(200)).toTag, (await caller.nextResponse(200)).toTag];
  t.deepEqual(tags.sort(), ['one', 'two']);
});

test('a fork further down: a second 2xx of the same branch goes upstream too, with the caller’s own Via', async (t) => {
  const [phone] = await peers(t, 1);
  const { bench, caller } = await stage(t, [at(phone)], { forking: 'simultaneous' });
  const sent = caller.request('INVITE', bench.uri());
  caller.send(sent, bench.port);
  const invite = await phone.nextRequest('INVITE');
  for (const tag of ['one', 'two']) {
    phone.reply(invite, 200, { tag });
    const success = await caller.nextResponse(200);
    t.is(success.toTag, tag);
    t.is(success.list('via').length, 1);
    t.is(success.via.branch, sent.via.branch);
  }
});

test('a 6xx ends the fork and goes upstream', async (t) => {
  const [one, two] = await peers(t, 2);
  const { bench, caller, result } = await stage(t, [at(one), at(two)], { forking: 'simultaneous' });
  caller.send(caller.request('INVITE', bench.uri()), bench.port);
  const [first, second] = [await one.nextRequest('INVITE'), await two.nextRequest('INVITE')];
  one.reply(first, 180);
  await caller.nextResponse(180);
  two.reply(second, 603);
  const cancel = await one.nextRequest('CANCEL');
  t.regex(cancel.get('reason') ?? '', /cause=603/);
  one.reply(cancel, 200);
  one.reply(first, 487);
  t.is((await caller.nextResponse(603)).status, 603);
  t.is((await result).finalStatus, 603);
});

test('the best of several failures goes upstream, once, with all challenges; a 503 as 500', async (t) => {
  const [one, two] = await peers(t, 2);
  const challenged = await stage(t, [at(one), at(two)], { forking: 'simultaneous' });
  challenged.caller.send(challenged.caller.request('INVITE', challenged.bench.uri()), challenged.bench.port);
  const challenge = (realm: string) => ({ headers: { 'WWW-Authenticate': `Digest realm="${realm}", nonce="n"` } });
  one.reply(await one.nextRequest('INVITE'), 401, challenge('one'));
  two.reply(await two.nextRequest('INVITE'), 401, challenge('two'));
  const response = await challenged.caller.nextResponse(401);
  t.deepEqual(
    response
      .all('www-authenticate')
      .map((value) => /realm="(\w+)"/.exec(value)?.[1])
      .sort(),
    ['one', 'two'],
  );
  t.is(
    challenged.caller.count((message) => message.kind === 'response' && message.status >= 200),
    1,
  );
  const mixed = await stage(t, [at(one), at(two)], { forking: 'simultaneous' });
  mixed.caller.send(mixed.caller.request('INVITE', mixed.bench.uri()), mixed.bench.port);
  one.reply(await one.nextRequest('INVITE'), 500);
  two.reply(await two.nextRequest('INVITE'), 404);
  t.is((await mixed.caller.nextResponse(404)).status, 404);
  t.is((await mixed.result).finalStatus, 404);
  const alone = await stage(t, [at(one)]);
  alone.caller.send(alone.caller.request('INVITE', alone.bench.uri()), alone.bench.port);
  one.reply(await one.nextRequest('INVITE'), 503);
  t.is((await alone.caller.nextResponse(500)).status, 500);
  t.is((await alone.result).finalStatus, 503);
});

test('one after the other: busy, silent and ringing too long all lead to the next', async (t) => {
  const clock = new FakeClock();
  const [busy, silent, ringing] = await peers(t, 3);
  const extra = (await peers(t, 1))[0];
  const { bench, caller, result } = await stage(
    t,
    [at(busy), at(silent), at(ringing), at(extra)],
    { provisionalTimeout: '1s', finalTimeout: '20s' },
    { clock },
  );
  caller.send(caller.request('INVITE', bench.uri()), bench.port);
  busy.reply(await busy.nextRequest('INVITE'), 486);
  const unheard = await silent.nextRequest('INVITE');
  await clock.advanceAsync(1_000);
  const rung = await ringing.nextRequest('INVITE');
  ringing.reply(rung, 180, { tag: 'ringing' });
  t.is((await caller.nextResponse(180)).toTag, 'ringing');
  silent.reply(unheard, 180, { tag: 'late' });
  const lateCancel = await silent.nextRequest('CANCEL');
  silent.reply(lateCancel, 200);
  silent.reply(unheard, 487, { tag: 'late' });
  await silent.nextRequest('ACK');
  await clock.advanceAsync(20_000);
  const cancel = await ringing.nextRequest('CANCEL');
  ringing.reply(cancel, 200);
  const last = await extra.nextRequest('INVITE');
  extra.reply(last, 200, { tag: 'last' });
  t.is((await caller.nextResponse(200)).toTag, 'last');
  t.is(
    caller.count((message) => message.kind === 'response' && message.status === 180),
    1,
    'the late 180 is not heard',
  );
  t.true((await result).connected);
});

test('a dead first target does not keep the second from being tried', async (t) => {
  const clock = new FakeClock();
  const [dead, alive] = await peers(t, 2);
  const { bench, caller, result } = await stage(t, [at(dead), at(alive)], {}, { clock });
  caller.send(caller.request('INVITE', bench.uri()), bench.port);
  await dead.nextRequest('INVITE');
  await clock.advanceAsync(32_000);
  alive.reply(await alive.nextRequest('INVITE'), 200);
  t.is((await caller.nextResponse(200)).status, 200);
  t.true((await result).connected);
});

test('a refused connection is noticed at once', async (t) => {
  const [alive] = await peers(t, 1);
  const { bench, caller, result } = await stage(t, ['sip:x@127.0.0.1:1;transport=tcp', 'sip:x@127.0.0.1:1', at(alive)]);
  caller.send(caller.request('INVITE', bench.uri()), bench.port);
  alive.reply(await alive.nextRequest('INVITE'), 200);
  t.is((await caller.nextResponse(200)).status, 200);
  t.true((await result).connected);
});

test('a phone that rings for ever is cancelled by Timer C; the caller gets one answer, another phone that rings is left alone', async (t) => {
  const clock = new FakeClock();
  const [endless, other] = await peers(t, 2);
  const { bench, caller, result } = await stage(t, [at(endless), at(other)], { forking: 'simultaneous' }, { clock });
  caller.send(caller.request('INVITE', bench.uri()), bench.port);
  const [first, second] = [await endless.nextRequest('INVITE'), await other.nextRequest('INVITE')];
  endless.reply(first, 180, { tag: 'endless' });
  other.reply(second, 180, { tag: 'other' });
  await caller.nextResponse(180);
  await caller.nextResponse(180);
  await clock.advanceAsync(100_000);
  other.reply(second, 183, { tag: 'other' });
  await caller.nextResponse(183);
  await clock.advanceAsync(85_000);
  endless.reply(await endless.nextRequest('CANCEL'), 200);
  endless.reply(first, 487, { tag: 'endless' });
  await endless.nextRequest('ACK');
  t.is(
    caller.count((message) => message.kind === 'response' && message.status >= 200),
    0,
  );
  other.reply(second, 200, { tag: 'other' });
  t.is((await caller.nextResponse(200)).toTag, 'other');
  t.true((await result).connected);
  t.is(
    caller.count((message) => message.kind === 'response' && message.status >= 200),
    1,
  );
});

test('CANCEL reaches every branch with the Reason; 487 upstream; the promise settles', async (t) => {
  const [one, mute] = await peers(t, 2);
  const { bench, caller, result } = await stage(t, [at(one), at(mute)], { forking: 'simultaneous' });
  const invite = caller.request('INVITE', bench.uri());
  caller.send(invite, bench.port);
  const [first, unanswered] = [await one.nextRequest('INVITE'), await mute.nextRequest('INVITE')];
  one.reply(first, 180);
  await caller.nextResponse(180);
  caller.send(cancelOf(caller, invite, { Reason: 'Q.850;cause=16' }), bench.port);
  await caller.nextResponse(200, 'CANCEL');
  const cancel = await one.nextRequest('CANCEL');
  t.is(cancel.get('reason'), 'Q.850;cause=16');
  one.reply(cancel, 200);
  one.reply(first, 487);
  await caller.nextResponse(487);
  t.is((await result).finalStatus, 487);
  mute.reply(unanswered, 200, { tag: 'late' });
  t.is((await mute.nextRequest('ACK')).toTag, 'late');
  mute.reply(await mute.nextRequest('BYE'), 200);
});

test('CANCEL when nobody ever answered: 487 and a settled promise at once', async (t) => {
  const [mute] = await peers(t, 1);
  const { bench, caller, result } = await stage(t, [at(mute)]);
  const invite = caller.request('INVITE', bench.uri());
  caller.send(invite, bench.port);
  await mute.nextRequest('INVITE');
  caller.send(cancelOf(caller, invite), bench.port);
  t.is((await caller.nextResponse(487)).status, 487);
  t.is((await result).finalStatus, 487);
});

test('a held INVITE that was cancelled can not be proxied any more', async (t) => {
  const [phone] = await peers(t, 1);
  const bench = await Bench.start(t);
  const outcome = deferred<unknown>();
  await bench.srf((srf) => {
    srf.invite((req) => {
      req.on('cancel', () => srf.proxyRequest(req, at(phone)).then(outcome.resolve, outcome.resolve));
    });
  });
  const caller = await bench.udp();
  const invite = caller.request('INVITE', bench.uri());
  caller.send(invite, bench.port);
  await caller.nextResponse(100);
  caller.send(cancelOf(caller, invite), bench.port);
  t.regex(String(await outcome.promise), /Unknown transaction id/);
  await settle(20);
  t.is(phone.received.length, 0);
});

test('held for minutes, rung by the app, then proxied', async (t) => {
  const clock = new FakeClock();
  const [phone] = await peers(t, 1);
  const bench = await Bench.start(t, { clock });
  const go = deferred<void>();
  const result = deferred<ProxyResults>();
  await bench.srf((srf) => {
    srf.invite(async (req, res) => {
      res.send(180);
      await go.promise;
      srf.proxyRequest(req, at(phone), { recordRoute: true }).then(result.resolve, result.reject);
    });
  });
  const caller = await bench.udp();
  const invite = caller.request('INVITE', bench.uri(), { body: SDP });
  caller.send(invite, bench.port);
  await caller.nextResponse(180);
  await clock.advanceAsync(130_000);
  go.resolve();
  phone.reply(await phone.nextRequest('INVITE'), 200, { body: SDP });
  const ok = await caller.nextResponse(200, 'INVITE');
  t.true((await result.promise).connected);
  caller.send(caller.inDialog('ACK', invite, ok), bench.port);
  await phone.nextRequest('ACK');
  caller.send(caller.inDialog('BYE', invite, ok), bench.port);
  phone.reply(await phone.nextRequest('BYE'), 200);
  t.is((await caller.nextResponse(200, 'BYE')).status, 200);
});

test('redirects are followed when asked for, and handed upstream when not', async (t) => {
  const [redirecting, phone] = await peers(t, 2);
  const followed = await stage(t, [at(redirecting)], { followRedirects: true });
  followed.caller.send(followed.caller.request('INVITE', 'sip:bob@elsewhere.example'), followed.bench.port);
  redirecting.reply(await redirecting.nextRequest('INVITE'), 302, { headers: { Contact: `<${at(phone, 'moved')}>` } });
  const onward = await phone.nextRequest('INVITE');
  t.is(onward.uri, at(phone, 'moved'));
  phone.reply(onward, 200);
  t.is((await followed.caller.nextResponse(200)).status, 200);
  const plain = await stage(t, [at(redirecting)]);
  plain.caller.send(plain.caller.request('INVITE', plain.bench.uri()), plain.bench.port);
  redirecting.reply(await redirecting.nextRequest('INVITE'), 302, { headers: { Contact: `<${at(phone)}>` } });
  t.is((await plain.caller.nextResponse(302)).get('contact'), `<${at(phone)}>`);
});

test('64 destinations with headers are no trouble, more are refused, and the request is still the app’s', async (t) => {
  const [phone] = await peers(t, 1);
  const users = Array.from({ length: 64 }, (_, index) => at(phone, `u${index}`));
  const { bench, caller, result } = await stage(t, users, { forking: 'simultaneous', headers: { 'X-Test': 'here' } });
  caller.send(caller.request('INVITE', bench.uri()), bench.port);
  for (const _ of users) {
    const invite = await phone.nextRequest('INVITE');
    t.is(invite.get('x-test'), 'here');
    phone.reply(invite, 486);
  }
  t.is((await caller.nextResponse(486)).status, 486);
  t.is((await result).responses.flatMap(({ msgs }) => msgs).length, 64);

  const other = await Bench.start(t);
  const failed = deferred<unknown>();
  await other.srf((srf) => {
    srf.invite((req, res) => {
      srf.proxyRequest(req, [...users, at(phone)]).catch((error) => {
        failed.resolve(error);
        res.send(404);
      });
    });
  });
  const second = await other.udp();
  second.send(second.request('INVITE', other.uri()), other.port);
  t.is((await second.nextResponse(404)).status, 404);
  t.regex(String(await failed.promise), /Too many destinations/);
});

test('Max-Forwards used up: 483 and an error for the app', async (t) => {
  const [phone] = await peers(t, 1);
  const { bench, caller, result } = await stage(t, [at(phone)]);
  result.catch(() => undefined);
  caller.send(caller.request('INVITE', bench.uri(), { headers: { 'Max-Forwards': '0' } }), bench.port);
  t.is((await caller.nextResponse(483)).status, 483);
  t.regex(String(await result.catch((error: unknown) => error)), /483 Too Many Hops/);
});

test("a destination that can not be read is refused, and the request is still the app's", async (t) => {
  const bench = await Bench.start(t);
  const failed = deferred<unknown>();
  await bench.srf((srf) => {
    srf.invite((req, res) => {
      srf.proxyRequest(req, 'sip:@').catch((error) => {
        failed.resolve(error);
        res.send(404);
      });
    });
  });
  const caller = await bench.udp();
  caller.send(caller.request('INVITE', bench.uri()), bench.port);
  t.is((await caller.nextResponse(404)).status, 404);
  t.regex(String(await failed.promise), /error proxying request to/);
});

test('REGISTER: Path on top, answers reach the app, the connection is remembered', async (t) => {
  const [registrar] = await peers(t, 1);
  const bench = await Bench.start(t);
  const results: ProxyResults[] = [];
  const srf = await bench.srf((app) => {
    app.register((req) => {
      app
        .proxyRequest(req, at(registrar).replace('phone@', ''), { headers: { Path: '<sip:us;lr>' } })
        .then((result) => results.push(result));
    });
  });
  const phone = await bench.tcp();
  const contact = '<sip:2001@192.168.77.6:50001;transport=tcp>';
  const register = phone.request('REGISTER', 'sip:registrar.example', {
    headers: { Contact: contact, Path: '<sip:edge;lr>' },
  });
  phone.send(register, bench.port);
  const onward = await registrar.nextRequest('REGISTER');
  t.deepEqual(onward.list('path'), ['<sip:us;lr>', '<sip:edge;lr>']);
  t.is(onward.uri, 'sip:registrar.example');
  t.false(onward.has('record-route'));
  t.false(onward.has('require'));
  registrar.reply(onward, 200, { headers: { Contact: `${contact};expires=600` } });
  t.is((await phone.nextResponse(200)).get('contact'), `${contact};expires=600`);
  await settle(10);
  t.is(results[0]?.finalStatus, 200);
  t.is(results[0]?.finalResponse.msg.get('contact'), `${contact};expires=600`);
  srf.createUAC('sip:2001@192.168.77.6:50001;transport=tcp', { localSdp: SDP }).catch(() => undefined);
  const invite = await phone.nextRequest('INVITE');
  t.is(invite.uri, 'sip:2001@192.168.77.6:50001;transport=tcp');
  phone.reply(invite, 486);
});

test('a proxied INVITE goes down the connection that its target registered over', async (t) => {
  const target = 'sip:2002@192.168.77.7:50001;transport=tcp';
  const { bench, caller, srf, result } = await stage(t, [target]);
  srf.register((req, res) => res.send(200, { headers: { Contact: req.get('Contact') } }));
  await settle(20);
  const phone = await bench.tcp();
  phone.send(phone.request('REGISTER', 'sip:registrar.example', { headers: { Contact: `<${target}>` } }), bench.port);
  await phone.nextResponse(200);
  caller.send(caller.request('INVITE', bench.uri()), bench.port);
  const invite = await phone.nextRequest('INVITE');
  t.is(invite.uri, target);
  phone.reply(invite, 180);
  await caller.nextResponse(180);
  phone.dropConnections();
  t.is((await caller.nextResponse(500)).status, 500);
  t.is((await result).finalStatus, 503);
});

test('a registrar that does not answer: the promise settles', async (t) => {
  const clock = new FakeClock();
  const [registrar] = await peers(t, 1);
  const { bench, caller, result } = await stage(t, [at(registrar)], {}, { clock }, 'register');
  caller.send(caller.request('REGISTER', bench.uri(), { headers: { Contact: caller.contact } }), bench.port);
  await registrar.nextRequest('REGISTER');
  await clock.advanceAsync(32_000);
  t.is((await result).finalStatus, 408);
});

test('a challenged REGISTER may go to another target when it is repeated', async (t) => {
  const [first, second] = await peers(t, 2);
  const bench = await Bench.start(t);
  const targets = [at(first), at(second)];
  await bench.srf((app) => app.register((req) => void app.proxyRequest(req, targets.shift() ?? '')));
  const caller = await bench.udp();
  const headers = { Contact: caller.contact };
  caller.send(caller.request('REGISTER', bench.uri(), { callId: 'same', headers }), bench.port);
  first.reply(await first.nextRequest('REGISTER'), 401, {
    headers: { 'WWW-Authenticate': 'Digest realm="x", nonce="n"' },
  });
  await caller.nextResponse(401);
  const authorization = 'Digest username="u", realm="x", nonce="n", uri="sip:x", response="00"';
  caller.send(
    caller.request('REGISTER', bench.uri(), {
      callId: 'same',
      cseq: 2,
      headers: { ...headers, Authorization: authorization },
    }),
    bench.port,
  );
  second.reply(await second.nextRequest('REGISTER'), 200);
  t.is((await caller.nextResponse(200)).cseq.number, 2);
});
