import test from 'ava';
import type { Peer } from './support/peer.js';
import { SDP } from './support/peer.js';
import {
  Bench,
  deferred,
  event,
  type SrfDialog,
  type SrfMessage,
  type SrfRequest,
  type SrfResponse,
} from './support/srf.js';

interface Call {
  bench: Bench;
  caller: Peer;
  callee: Peer;
  uas: SrfDialog;
  uac: SrfDialog;
  invite: ReturnType<Peer['request']>;
  ok: Awaited<ReturnType<Peer['nextResponse']>>;
  onward: ReturnType<Peer['request']>;
  okB: ReturnType<Peer['reply']>;
}

const OTHER_SDP = SDP.replace('4000', '5000').replace('o=- 1 1', 'o=- 1 2');

async function connected(t: Parameters<typeof Bench.start>[0]): Promise<Call> {
  const bench = await Bench.start(t);
  const [caller, callee] = [await bench.udp(), await bench.udp()];
  const call = deferred<{ uas: SrfDialog; uac: SrfDialog }>();
  await bench.srf((srf) => {
    srf.invite((req, res) => {
      srf.createB2BUA(req, res, `sip:peer@127.0.0.1:${callee.port}`, {}).then(call.resolve, call.reject);
    });
  });
  const invite = caller.request('INVITE', bench.uri(), { body: SDP });
  caller.send(invite, bench.port);
  const onward = await callee.nextRequest('INVITE');
  const okB = callee.reply(onward, 200, { body: SDP });
  const ok = await caller.nextResponse(200, 'INVITE');
  await callee.nextRequest('ACK');
  const dialogs = await call.promise;
  const acked = event(dialogs.uas, 'ack');
  caller.send(caller.inDialog('ACK', invite, ok), bench.port);
  await acked;
  return { bench, caller, callee, ...dialogs, invite, ok, onward, okB };
}

test('re-INVITE from the caller reaches the app and is answered', async (t) => {
  const { bench, caller, uas, invite, ok } = await connected(t);
  uas.on('modify', (_req: SrfRequest, res: SrfResponse) => res.send(200, { body: OTHER_SDP }));
  const again = caller.inDialog('INVITE', invite, ok, { body: OTHER_SDP });
  caller.send(again, bench.port);
  const answer = await caller.nextResponse(200, 'INVITE');
  t.is(answer.body.toString(), OTHER_SDP);
  t.is(answer.toTag, ok.toTag);
  t.truthy(answer.get('contact'));
  const acked = event(uas, 'ack');
  caller.send(caller.inDialog('ACK', again, answer), bench.port);
  await acked;
});

test('re-INVITE from the app reaches the callee with a higher CSeq, and its 200 is acknowledged', async (t) => {
  const { callee, uac, onward } = await connected(t);
  const modified = uac.modify(OTHER_SDP);
  const again = await callee.nextRequest('INVITE');
  t.is(again.body.toString(), OTHER_SDP);
  t.is(again.cseq.number, onward.cseq.number + 1);
  t.is(again.get('to'), `${onward.get('to')};tag=peer-tag`);
  callee.reply(again, 200, { body: OTHER_SDP });
  const ack = await callee.nextRequest('ACK');
  t.is(ack.cseq.number, again.cseq.number);
  t.is(await modified, OTHER_SDP);
});

test('re-INVITE from the app to the caller (the callee side of the dialog) works', async (t) => {
  const { caller, uas, invite, ok } = await connected(t);
  const modified = uas.modify(OTHER_SDP);
  const again = await caller.nextRequest('INVITE');
  t.is(again.fromTag, ok.toTag);
  t.is(again.toTag, invite.fromTag);
  t.is(again.uri, `sip:peer@127.0.0.1:${caller.port}`);
  caller.reply(again, 200, { body: OTHER_SDP });
  await caller.nextRequest('ACK');
  t.is(await modified, OTHER_SDP);
});

test('a re-INVITE that meets an own one gets 491; so does the app when it comes second', async (t) => {
  const { bench, caller, uas, invite, ok } = await connected(t);
  const modified = uas.modify(OTHER_SDP);
  const own = await caller.nextRequest('INVITE');
  caller.send(caller.inDialog('INVITE', invite, ok, { body: OTHER_SDP }), bench.port);
  await caller.nextResponse(491);
  caller.reply(own, 200, { body: OTHER_SDP });
  await modified;
  const asked = deferred<SrfResponse>();
  uas.on('modify', (_req: SrfRequest, res: SrfResponse) => asked.resolve(res));
  const second = caller.inDialog('INVITE', invite, ok, { body: OTHER_SDP, cseq: 7 });
  caller.send(second, bench.port);
  const res = await asked.promise;
  const refused = await t.throwsAsync(() => uas.modify(SDP));
  t.is((refused as unknown as { status: number }).status, 491);
  res.send(200, { body: OTHER_SDP });
  await caller.nextResponse(200, 'INVITE');
});

test('a re-INVITE while another is unanswered gets 500 with Retry-After', async (t) => {
  const { bench, caller, uas, invite, ok } = await connected(t);
  const asked = deferred<SrfResponse>();
  uas.on('modify', (_req: SrfRequest, res: SrfResponse) => asked.resolve(res));
  caller.send(caller.inDialog('INVITE', invite, ok, { body: OTHER_SDP, cseq: 2 }), bench.port);
  const res = await asked.promise;
  caller.send(caller.inDialog('INVITE', invite, ok, { body: SDP, cseq: 3 }), bench.port);
  const refused = await caller.nextResponse(500);
  t.regex(refused.get('retry-after') ?? '', /^\d+$/);
  res.send(200, { body: SDP });
  await caller.nextResponse(200, 'INVITE');
});

test('a request with an old CSeq gets 500', async (t) => {
  const { bench, caller, invite, ok } = await connected(t);
  caller.send(
    caller.inDialog('INFO', invite, ok, { cseq: 50, body: 'x', headers: { 'Content-Type': 'text/plain' } }),
    bench.port,
  );
  await caller.nextResponse(200, 'INFO');
  caller.send(
    caller.inDialog('INFO', invite, ok, { cseq: 49, body: 'x', headers: { 'Content-Type': 'text/plain' } }),
    bench.port,
  );
  const refused = await caller.nextResponse(500, 'INFO');
  t.is(refused.cseq.number, 49);
});

for (const method of ['INFO', 'UPDATE', 'MESSAGE', 'OPTIONS', 'REFER', 'NOTIFY', 'SUBSCRIBE']) {
  test(`${method} in a dialog goes both ways`, async (t) => {
    const { bench, caller, callee, uas, uac, invite, ok } = await connected(t);
    const headers: Record<string, string> = { 'Content-Type': 'text/plain', 'X-Test': 'yes' };
    if (method === 'REFER') headers['Refer-To'] = '<sip:carol@example.com>';
    if (method === 'NOTIFY' || method === 'SUBSCRIBE') headers.Event = 'refer';
    if (method === 'NOTIFY') headers['Subscription-State'] = 'active';
    uas.on(method.toLowerCase(), (req: SrfRequest, res: SrfResponse) => {
      t.is(req.get('X-Test'), 'yes');
      t.is(req.body, 'hello');
      res.send(202, { headers: { 'X-Answer': 'app' } });
    });
    caller.send(caller.inDialog(method, invite, ok, { headers, body: 'hello' }), bench.port);
    const answer = await caller.nextResponse(202, method);
    t.is(answer.get('x-answer'), 'app');
    const sent = uac.request({ method, headers, body: 'hello' });
    const arrived = await callee.nextRequest(method);
    t.is(arrived.get('x-test'), 'yes');
    t.is(arrived.body.toString(), 'hello');
    callee.reply(arrived, 200, { headers: { 'X-Answer': 'peer' } });
    const response = await sent;
    t.is(response.status, 200);
    t.is(response.get('X-Answer'), 'peer');
  });
}

test('the remote target follows a re-INVITE', async (t) => {
  const { bench, caller, uas, invite, ok } = await connected(t);
  const moved = await bench.udp();
  const again = caller.inDialog('INVITE', invite, ok, { body: SDP, headers: { Contact: moved.contact } });
  caller.send(again, bench.port);
  caller.send(caller.inDialog('ACK', again, await caller.nextResponse(200, 'INVITE')), bench.port);
  const gone = uas.destroy();
  const bye = await moved.nextRequest('BYE');
  moved.reply(bye, 200);
  await gone;
  t.is(bye.uri, `sip:peer@127.0.0.1:${moved.port}`);
});

test('a callee’s BYE leaves after the ACK of its 2xx; the app gets its answer', async (t) => {
  const bench = await Bench.start(t);
  const gone = deferred<SrfMessage>();
  await bench.srf((srf) => {
    srf.invite(async (req, res) => {
      const uas = await srf.createUAS(req, res, { localSdp: SDP });
      uas.on('info', (_req: SrfRequest, answer: SrfResponse) => answer.send(200));
      uas.destroy().then(gone.resolve, gone.reject);
    });
  });
  const caller = await bench.udp();
  const invite = caller.request('INVITE', bench.uri(), { body: SDP });
  caller.send(invite, bench.port);
  const ok = await caller.nextResponse(200, 'INVITE');
  for (const cseq of [2, 3]) {
    caller.send(caller.inDialog('INFO', invite, ok, { cseq }), bench.port);
    await caller.next((message) => message.kind === 'response' && message.cseq.number === cseq);
  }
  t.is(
    caller.count((message) => message.kind === 'request'),
    0,
  );
  caller.send(caller.inDialog('ACK', invite, ok), bench.port);
  caller.reply(await caller.nextRequest('BYE'), 200);
  t.regex((await gone.promise).raw, /^BYE /);
});

test('a dialog follows its Route set', async (t) => {
  const bench = await Bench.start(t);
  const answered = deferred<SrfDialog>();
  await bench.srf((srf) => {
    srf.invite((req, res) => {
      srf.createUAS(req, res, { localSdp: SDP }).then(answered.resolve, answered.reject);
    });
  });
  const [caller, first, second] = [await bench.udp(), await bench.udp(), await bench.udp()];
  const routes = [`<sip:127.0.0.1:${first.port};lr>`, `<sip:127.0.0.1:${second.port};lr>`];
  const invite = caller.request('INVITE', bench.uri(), { body: SDP, headers: { 'Record-Route': routes } });
  caller.send(invite, bench.port);
  const ok = await caller.nextResponse(200, 'INVITE');
  t.deepEqual(ok.list('record-route'), routes);
  caller.send(caller.inDialog('ACK', invite, ok), bench.port);
  const gone = (await answered.promise).destroy();
  const bye = await first.nextRequest('BYE');
  t.deepEqual(bye.list('route'), routes);
  t.is(bye.uri, `sip:peer@127.0.0.1:${caller.port}`);
  first.reply(bye, 200);
  await gone;
});

test('a strict router gets the Request-URI, the target goes last into Route', async (t) => {
  const bench = await Bench.start(t);
  const answered = deferred<SrfDialog>();
  await bench.srf((srf) => {
    srf.invite((req, res) => {
      srf.createUAS(req, res, { localSdp: SDP }).then(answered.resolve, answered.reject);
    });
  });
  const [caller, strict] = [await bench.udp(), await bench.udp()];
  const invite = caller.request('INVITE', bench.uri(), {
    body: SDP,
    headers: { 'Record-Route': `<sip:127.0.0.1:${strict.port}>` },
  });
  caller.send(invite, bench.port);
  const ok = await caller.nextResponse(200, 'INVITE');
  caller.send(caller.inDialog('ACK', invite, ok), bench.port);
  const gone = (await answered.promise).destroy();
  const bye = await strict.nextRequest('BYE');
  t.is(bye.uri, `sip:127.0.0.1:${strict.port}`);
  t.deepEqual(bye.list('route'), [`<sip:peer@127.0.0.1:${caller.port}>`]);
  strict.reply(bye, 200);
  await gone;
});

test('requests in dialogs that are unknown or over get 481', async (t) => {
  const { bench, caller, invite, ok } = await connected(t);
  caller.send(caller.inDialog('INFO', invite, ok, { to: '<sip:bob@127.0.0.1>;tag=unknown' }), bench.port);
  t.is((await caller.nextResponse(481, 'INFO')).toTag, 'unknown');
  caller.send(caller.inDialog('BYE', invite, ok), bench.port);
  await caller.nextResponse(200, 'BYE');
  caller.send(caller.inDialog('INFO', invite, ok, { cseq: 9 }), bench.port);
  t.is((await caller.nextResponse(481, 'INFO')).cseq.number, 9);
});
