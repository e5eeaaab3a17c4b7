import { once } from 'node:events';
import test from 'ava';
import { FakeClock } from '../support/fake-clock.js';
import { SDP } from './support/peer.js';
import { Bench, deferred, event, type SrfDialog, type SrfRequest, type SrfResponse } from './support/srf.js';

interface Held {
  req: SrfRequest;
  res: SrfResponse;
}

test('CANCEL of a held INVITE: 200 and 487 from the engine, the event with its headers for the app', async (t) => {
  const bench = await Bench.start(t);
  const held = deferred<Held>();
  await bench.srf((srf) => srf.invite((req, res) => held.resolve({ req, res })));
  const caller = await bench.udp();
  const invite = caller.request('INVITE', bench.uri(), { body: SDP, branch: 'z9hG4bKcancel' });
  caller.send(invite, bench.port);
  const { req, res } = await held.promise;
  const cancelled = event<SrfRequest>(req, 'cancel');
  const cancel = caller.request('CANCEL', invite.uri, {
    from: invite.get('from') ?? '',
    to: invite.get('to') ?? '',
    callId: invite.callId,
    branch: 'z9hG4bKcancel',
    headers: { Reason: 'SIP;cause=200;text="Call completed elsewhere"' },
  });
  caller.send(cancel, bench.port);
  await caller.nextResponse(200, 'CANCEL');
  const terminated = await caller.nextResponse(487, 'INVITE');
  t.truthy(terminated.toTag);
  t.is((await cancelled).get('Reason'), 'SIP;cause=200;text="Call completed elsewhere"');
  const refused = deferred<unknown>();
  res.send(200, { body: SDP }, (error) => refused.resolve(error));
  t.regex(String(await refused.promise), /unknown transaction/);
});

test('CANCEL while ringing: the other side gets CANCEL with the Reason, the caller one 487', async (t) => {
  const bench = await Bench.start(t);
  const callee = await bench.udp();
  const failed = deferred<{ status: number }>();
  await bench.srf((srf) => {
    srf.invite((req, res) => {
      srf.createB2BUA(req, res, `sip:peer@127.0.0.1:${callee.port}`, {}).catch(failed.resolve);
    });
  });
  const caller = await bench.udp();
  const invite = caller.request('INVITE', bench.uri(), { body: SDP, branch: 'z9hG4bKring' });
  caller.send(invite, bench.port);
  const onward = await callee.nextRequest('INVITE');
  callee.reply(onward, 180);
  const ringing = await caller.nextResponse(180);
  const cancel = caller.request('CANCEL', invite.uri, {
    from: invite.get('from') ?? '',
    to: invite.get('to') ?? '',
    callId: invite.callId,
    branch: 'z9hG4bKring',
    headers: { Reason: 'Q.850;cause=16' },
  });
  caller.send(cancel, bench.port);
  await caller.nextResponse(200, 'CANCEL');
  t.is((await caller.nextResponse(487)).toTag, ringing.toTag);
  const onwardCancel = await callee.nextRequest('CANCEL');
  t.is(onwardCancel.get('reason'), 'Q.850;cause=16');
  t.is(onwardCancel.via.branch, onward.via.branch);
  callee.reply(onwardCancel, 200);
  callee.reply(onward, 487);
  await callee.nextRequest('ACK');
  t.is((await failed.promise).status, 487);
});

test('an offer in the 200 and its answer in the ACK go through', async (t) => {
  const bench = await Bench.start(t);
  const callee = await bench.udp();
  const call = deferred<{ uas: SrfDialog; uac: SrfDialog }>();
  await bench.srf((srf) => {
    srf.invite((req, res) => {
      srf.createB2BUA(req, res, `sip:peer@127.0.0.1:${callee.port}`, {}).then(call.resolve, call.reject);
    });
  });
  const caller = await bench.udp();
  const invite = caller.request('INVITE', bench.uri());
  caller.send(invite, bench.port);
  const onward = await callee.nextRequest('INVITE');
  t.is(onward.body.length, 0);
  callee.reply(onward, 200, { body: SDP });
  const ok = await caller.nextResponse(200, 'INVITE');
  t.is(ok.body.toString(), SDP);
  const answer = SDP.replace('4000', '6000');
  caller.send(caller.inDialog('ACK', invite, ok, { body: answer }), bench.port);
  const ack = await callee.nextRequest('ACK');
  t.is(ack.body.toString(), answer);
  t.is((await call.promise).uac.local.sdp, answer);
});

test('session timers pass between the two ends, their refreshes reach the app (RFC 4028)', async (t) => {
  const bench = await Bench.start(t);
  const callee = await bench.udp();
  const refreshed = deferred<string>();
  await bench.srf((srf) => {
    srf.invite((req, res) => {
      const options = {
        proxyRequestHeaders: ['supported', 'session-expires', 'min-se'],
        proxyResponseHeaders: ['require', 'session-expires'],
      };
      srf.createB2BUA(req, res, `sip:peer@127.0.0.1:${callee.port}`, options).then(
        ({ uas }) => {
          uas.on('update', (update: SrfRequest, answer: SrfResponse) => {
            refreshed.resolve(update.get('Session-Expires'));
            answer.send(200, { headers: { 'Session-Expires': '1800;refresher=uac' } });
          });
        },
        (error) => t.log(error),
      );
    });
  });
  const caller = await bench.udp();
  const headers = { Supported: 'timer', 'Session-Expires': '1800;refresher=uac', 'Min-SE': '90' };
  const invite = caller.request('INVITE', bench.uri(), { body: SDP, headers });
  caller.send(invite, bench.port);
  const onward = await callee.nextRequest('INVITE');
  for (const [name, value] of Object.entries(headers)) t.is(onward.get(name), value);
  callee.reply(onward, 200, { body: SDP, headers: { Require: 'timer', 'Session-Expires': '1800;refresher=uac' } });
  const ok = await caller.nextResponse(200, 'INVITE');
  t.is(ok.get('require'), 'timer');
  t.is(ok.get('session-expires'), '1800;refresher=uac');
  caller.send(caller.inDialog('ACK', invite, ok), bench.port);
  await callee.nextRequest('ACK');
  const update = caller.inDialog('UPDATE', invite, ok, {
    cseq: invite.cseq.number + 1,
    headers: { Supported: 'timer', 'Session-Expires': '1800;refresher=uac' },
  });
  caller.send(update, bench.port);
  t.is(await refreshed.promise, '1800;refresher=uac');
  t.is((await caller.nextResponse(200, 'UPDATE')).get('session-expires'), '1800;refresher=uac');
});

test('reliable provisional responses: PRACK to the callee by srf, RSeq and PRACK toward the caller', async (t) => {
  const bench = await Bench.start(t);
  const callee = await bench.udp();
  await bench.srf((srf) => {
    srf.invite((req, res) => {
      const uri = `sip:peer@127.0.0.1:${callee.port}`;
      const options = { proxyRequestHeaders: ['supported'], proxyResponseHeaders: ['require'] };
      srf.createB2BUA(req, res, uri, options).catch((error) => t.log(error));
    });
  });
  const caller = await bench.udp();
  const invite = caller.request('INVITE', bench.uri(), { body: SDP, headers: { Supported: '100rel' } });
  caller.send(invite, bench.port);
  const onward = await callee.nextRequest('INVITE');
  callee.reply(onward, 183, { body: SDP, headers: { Require: '100rel', RSeq: '77' } });
  const prackB = await callee.nextRequest('PRACK');
  t.is(prackB.get('rack'), `77 ${onward.cseq.number} INVITE`);
  callee.reply(prackB, 200);
  const progress = await caller.nextResponse(183);
  t.deepEqual(progress.list('require'), ['100rel']);
  t.truthy(progress.get('contact'));
  const rseq = progress.get('rseq') ?? '';
  t.regex(rseq, /^\d+$/);
  const wrong = caller.inDialog('PRACK', invite, progress, { headers: { RAck: `${Number(rseq) + 5} 1 INVITE` } });
  caller.send(wrong, bench.port);
  await caller.nextResponse(481, 'PRACK');
  caller.send(
    caller.inDialog('PRACK', invite, progress, { cseq: 3, headers: { RAck: `${rseq} 1 INVITE` } }),
    bench.port,
  );
  await caller.nextResponse(200, 'PRACK');
  callee.reply(onward, 200, { body: SDP });
  const ok = await caller.nextResponse(200, 'INVITE');
  t.is(ok.toTag, progress.toTag);
});

for (const [what, final, reason] of [
  ['the caller gives up', 487, 'Request Terminated'],
  ['no PRACK comes in 32 s', 504, 'PRACK timeout'],
] as const) {
  test(`a 200 that waits for a PRACK never leaves when ${what}: ${final}, and the dialog of the app is over`, async (t) => {
    const clock = new FakeClock();
    const bench = await Bench.start(t, { clock });
    const answered = deferred<SrfDialog>();
    await bench.srf((srf) => {
      srf.invite((req, res) => {
        res.send(183, { body: SDP, headers: { Require: '100rel' } }, () => {
          srf.createUAS(req, res, { localSdp: SDP }).then(answered.resolve, answered.reject);
        });
      });
    });
    const caller = await bench.udp();
    const ids = { from: '<sip:alice@127.0.0.1>;tag=a', callId: 'withdrawn', branch: 'z9hG4bKwithdrawn' };
    const invite = caller.request('INVITE', bench.uri(), { ...ids, body: SDP, headers: { Supported: '100rel' } });
    caller.send(invite, bench.port);
    await caller.nextResponse(183);
    const destroyed = once(await answered.promise, 'destroy');
    if (final === 504) await clock.advanceAsync(32_000);
    else caller.send(caller.request('CANCEL', bench.uri(), ids), bench.port);
    await caller.nextResponse(final, 'INVITE');
    const [bye, why] = (await destroyed) as [SrfRequest, string];
    t.is(why, reason);
    t.is(bye.source, 'application');
    t.is(
      caller.count(
        (message) => message.kind === 'request' || (message.status === 200 && message.cseq.method === 'INVITE'),
      ),
      0,
    );
  });
}

test('UPDATE in an early dialog is answered by srf', async (t) => {
  const bench = await Bench.start(t);
  const callee = await bench.udp();
  await bench.srf((srf) => {
    srf.invite((req, res) => {
      srf.createB2BUA(req, res, `sip:peer@127.0.0.1:${callee.port}`, {}).catch((error) => t.log(error));
    });
  });
  const caller = await bench.udp();
  const invite = caller.request('INVITE', bench.uri(), { body: SDP });
  caller.send(invite, bench.port);
  const onward = await callee.nextRequest('INVITE');
  const early = callee.reply(onward, 183, { body: SDP });
  const progress = await caller.nextResponse(183);
  caller.send(caller.inDialog('UPDATE', invite, progress, { body: SDP }), bench.port);
  t.is((await caller.nextResponse(200, 'UPDATE')).body.toString(), SDP);
  callee.send(callee.backwards('UPDATE', onward, early, { body: SDP }), bench.port);
  t.is((await callee.nextResponse(200, 'UPDATE')).body.toString(), SDP);
});

test('the app chooses the To tag, and it is in every response', async (t) => {
  const bench = await Bench.start(t);
  await bench.srf((srf) => {
    srf.invite((_req, res) => {
      res.send(180, { headers: { To: '<sip:bob@x>;tag=chosen' } });
      res.send(183);
      res.send(486);
    });
  });
  const caller = await bench.udp();
  caller.send(caller.request('INVITE', bench.uri()), bench.port);
  t.is((await caller.nextResponse(180)).toTag, 'chosen');
  t.is((await caller.nextResponse(183)).toTag, 'chosen');
  t.is((await caller.nextResponse(486)).toTag, 'chosen');
});

test('forked downstream: every branch its early dialog, first 200 to the app, the other acknowledged and hung up', async (t) => {
  const bench = await Bench.start(t);
  const callee = await bench.udp();
  const srf = await bench.srf();
  const ids: string[] = [];
  const call = srf.createUAC(
    `sip:peer@127.0.0.1:${callee.port}`,
    { localSdp: SDP, headers: { Supported: '100rel' } },
    { cbProvisional: (res: SrfResponse & { stackDialogId: string }) => ids.push(res.stackDialogId) },
  );
  const invite = await callee.nextRequest('INVITE');
  callee.reply(invite, 183, { tag: 'one', headers: { Require: '100rel', RSeq: '1' } });
  callee.reply(invite, 183, { tag: 'two', headers: { Require: '100rel', RSeq: '500' } });
  const pracks = [await callee.nextRequest('PRACK'), await callee.nextRequest('PRACK')];
  t.deepEqual(pracks.map((prack) => `${prack.toTag} ${prack.get('rack')}`).sort(), [
    'one 1 1 INVITE',
    'two 500 1 INVITE',
  ]);
  for (const prack of pracks) callee.reply(prack, 200);
  callee.reply(invite, 200, { tag: 'two', body: SDP });
  callee.reply(invite, 200, { tag: 'one', body: SDP });
  const acks = [await callee.nextRequest('ACK'), await callee.nextRequest('ACK')];
  t.deepEqual(acks.map((ack) => ack.toTag).sort(), ['one', 'two']);
  const bye = await callee.nextRequest('BYE');
  t.is(bye.toTag, 'one');
  callee.reply(bye, 200);
  const dialog = await call;
  t.is(dialog.id, `${invite.callId};from-tag=${invite.fromTag}`);
  t.is(dialog.sip.remoteTag, 'two');
  t.is(new Set(ids).size, 2);
  const gone = dialog.destroy();
  const second = await callee.nextRequest('BYE');
  t.is(second.toTag, 'two');
  callee.reply(second, 200);
  await gone;
});

test('a 200 without ACK is repeated for 32 s, then the engine hangs up and tells the app', async (t) => {
  const clock = new FakeClock();
  const bench = await Bench.start(t, { clock });
  const answered = deferred<SrfDialog>();
  await bench.srf((srf) => {
    srf.invite((req, res) => {
      srf.createUAS(req, res, { localSdp: SDP }).then(answered.resolve, answered.reject);
    });
  });
  const caller = await bench.udp();
  caller.send(caller.request('INVITE', bench.uri(), { body: SDP }), bench.port);
  await caller.nextResponse(200, 'INVITE');
  const dialog = await answered.promise;
  const destroyed = event<SrfRequest>(dialog, 'destroy');
  await clock.advanceAsync(31_999);
  t.is(
    caller.count((message) => message.kind === 'request'),
    0,
  );
  await clock.advanceAsync(1);
  const bye = await caller.nextRequest('BYE');
  t.is(bye.get('reason'), 'SIP;cause=200;text="ACK timeout"');
  const told = await destroyed;
  t.is(told.method, 'BYE');
  t.is(told.source, 'application');
});

test('an INVITE that the app leaves without a word gets 480 after the limit, and the app is told', async (t) => {
  const clock = new FakeClock();
  const bench = await Bench.start(t, { clock });
  const held = deferred<SrfRequest>();
  await bench.srf((srf) => srf.invite((req) => held.resolve(req)));
  const caller = await bench.udp();
  caller.send(caller.request('INVITE', bench.uri()), bench.port);
  const req = await held.promise;
  const cancelled = event<SrfRequest>(req, 'cancel');
  await clock.advanceAsync(179_999);
  t.is(
    caller.count((message) => message.kind === 'response' && message.status >= 200),
    0,
  );
  await clock.advanceAsync(1);
  await caller.nextResponse(480);
  t.regex((await cancelled).get('Reason'), /cause=480/);
});

test("once the app rang, the limit is the app's own", async (t) => {
  const clock = new FakeClock();
  const bench = await Bench.start(t, { clock });
  const held = deferred<SrfResponse>();
  await bench.srf((srf) => {
    srf.invite((_req, res) => res.send(180, {}, () => held.resolve(res)));
  });
  const caller = await bench.udp();
  caller.send(caller.request('INVITE', bench.uri()), bench.port);
  await caller.nextResponse(180);
  const res = await held.promise;
  await clock.advanceAsync(600_000);
  res.send(200, { body: SDP });
  t.is((await caller.nextResponse(200, 'INVITE')).body.toString(), SDP);
});
