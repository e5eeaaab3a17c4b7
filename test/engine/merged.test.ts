import test from 'ava';
import { Bench } from './support/srf.js';

test('a forked INVITE that comes over two paths rings once: the second gets 482', async (t) => {
  const bench = await Bench.start(t);
  const got: string[] = [];
  await bench.srf((app) =>
    app.invite((req, res) => {
      got.push(req.get('X-Path'));
      res.send(486);
    }),
  );
  const near = await bench.udp();
  const far = await bench.tcp();
  const invite = near.request('INVITE', bench.uri('bob'), { headers: { 'X-Path': 'near' } });
  const parts = { from: invite.get('from') ?? '', callId: invite.callId, headers: { 'X-Path': 'far' } };
  const copy = far.request('INVITE', bench.uri('bob', 'tcp'), parts);
  near.send(invite, bench.port);
  await near.nextResponse(486);
  far.send(copy, bench.port);
  const refused = await far.nextResponse(482);
  t.truthy(refused.toTag);
  t.deepEqual(got, ['near']);

  const again = far.request('INVITE', bench.uri('bob', 'tcp'), { ...parts, cseq: 2 });
  far.send(again, bench.port);
  await far.nextResponse(486);
  t.deepEqual(got, ['near', 'far'], 'a new CSeq is a new request');
});

test('a request that was challenged comes again, with a new CSeq or (from clients that forget it) the old one', async (t) => {
  const bench = await Bench.start(t);
  await bench.srf((app) =>
    app.register((req, res) => {
      if (req.has('Authorization')) res.send(200);
      else res.send(401, { headers: { 'WWW-Authenticate': 'Digest realm="x", nonce="n"' } });
    }),
  );
  const phone = await bench.udp();
  const first = phone.request('REGISTER', bench.uri());
  phone.send(first, bench.port);
  await phone.nextResponse(401);
  for (const cseq of [1, 2]) {
    phone.send(
      phone.request('REGISTER', bench.uri(), {
        from: first.get('from') ?? '',
        callId: first.callId,
        cseq,
        headers: { Authorization: 'Digest realm="x"' },
      }),
      bench.port,
    );
    t.is((await phone.nextResponse(200)).cseq.number, cseq);
  }
});

test('a proxied INVITE that comes back, retargeted or not, is a spiral and no merged request', async (t) => {
  const bench = await Bench.start(t);
  const neighbour = await bench.udp();
  const came: string[] = [];
  await bench.srf((app) =>
    app.invite((req, res) => {
      came.push(req.uri);
      if (req.has('X-Back')) res.send(486);
      else void app.proxyRequest(req, `sip:127.0.0.1:${neighbour.port}`);
    }),
  );
  const caller = await bench.udp();
  for (const user of ['bob', 'carol']) {
    caller.send(caller.request('INVITE', 'sip:bob@corp.example'), bench.port);
    const passed = await neighbour.nextRequest('INVITE');
    const back = passed.clone();
    back.uri = `sip:${user}@corp.example`;
    back.prepend('Via', `SIP/2.0/UDP 127.0.0.1:${neighbour.port};branch=z9hG4bKback${user};rport`);
    back.set('X-Back', 'yes');
    neighbour.send(back, bench.port);
    t.is((await neighbour.nextResponse(486)).via.branch, `z9hG4bKback${user}`);
    t.is(came.at(-1), back.uri);
    neighbour.reply(passed, 404);
    await caller.nextResponse(404);
  }
});
