import test from 'ava';
import { SDP } from './support/peer.js';
import { Bench, deferred, event, type SrfDialog, type SrfRequest } from './support/srf.js';

test('a caller is answered by createUAS and hangs up', async (t) => {
  const bench = await Bench.start(t);
  const answered = deferred<SrfDialog>();
  await bench.srf((srf) => {
    srf.invite((req, res) => {
      srf.createUAS(req, res, { localSdp: SDP }).then(answered.resolve, answered.reject);
    });
  });
  const caller = await bench.udp();
  const invite = caller.request('INVITE', bench.uri(), { body: SDP });
  caller.send(invite, bench.port);
  await caller.nextResponse(100);
  const ok = await caller.nextResponse(200, 'INVITE');
  t.is(ok.body.toString(), SDP);
  t.regex(ok.get('contact') ?? '', new RegExp(`^<sip:127\\.0\\.0\\.1:${bench.port}>$`));
  const dialog = await answered.promise;
  t.is(dialog.id, `${invite.callId};from-tag=${invite.fromTag}`);
  t.is(dialog.sip.localTag, ok.toTag ?? '');
  const acked = event(dialog, 'ack');
  caller.send(caller.inDialog('ACK', invite, ok), bench.port);
  await acked;
  const destroyed = event<SrfRequest>(dialog, 'destroy');
  caller.send(caller.inDialog('BYE', invite, ok), bench.port);
  t.is((await destroyed).method, 'BYE');
  await caller.nextResponse(200, 'BYE');
});

test('createB2BUA connects two endpoints, either can hang up', async (t) => {
  const bench = await Bench.start(t);
  const callee = await bench.udp();
  const calls: Promise<{ uas: SrfDialog; uac: SrfDialog }>[] = [];
  await bench.srf((srf) => {
    srf.invite((req, res) => {
      const call = srf.createB2BUA(req, res, `sip:peer@127.0.0.1:${callee.port}`, {});
      calls.push(call);
      call.then(
        ({ uas, uac }) => {
          uas.on('destroy', () => uac.destroy());
          uac.on('destroy', () => uas.destroy());
        },
        (error) => t.log(error),
      );
    });
  });
  for (const hangsUp of ['caller', 'callee']) {
    const caller = await bench.udp();
    const invite = caller.request('INVITE', bench.uri(), { body: SDP });
    caller.send(invite, bench.port);
    const onward = await callee.nextRequest('INVITE');
    t.is(onward.body.toString(), SDP);
    callee.reply(onward, 180);
    const ringing = await caller.nextResponse(180);
    const okB = callee.reply(onward, 200, { body: SDP });
    const ok = await caller.nextResponse(200, 'INVITE');
    t.is(ok.toTag, ringing.toTag, 'one To tag in 180 and 200');
    await callee.nextRequest('ACK');
    caller.send(caller.inDialog('ACK', invite, ok), bench.port);
    if (hangsUp === 'caller') {
      caller.send(caller.inDialog('BYE', invite, ok), bench.port);
      await caller.nextResponse(200, 'BYE');
      callee.reply(await callee.nextRequest('BYE'), 200);
    } else {
      callee.send(callee.backwards('BYE', onward, okB), bench.port);
      await callee.nextResponse(200, 'BYE');
      caller.reply(await caller.nextRequest('BYE'), 200);
    }
  }
  t.is(calls.length, 2);
});
