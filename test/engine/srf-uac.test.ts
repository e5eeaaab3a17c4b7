import test from 'ava';
import { settle } from '../support/fake-clock.js';
import { SDP } from './support/peer.js';
import { Bench, deferred, event, type SrfRequest, type SrfResponse } from './support/srf.js';

test('routes in the Request-URI become Route headers and vanish from it', async (t) => {
  const bench = await Bench.start(t);
  const [edge, second] = [await bench.udp(), await bench.udp()];
  const srf = await bench.srf();
  const routes = [`<sip:token@127.0.0.1:${edge.port};lr>`, `<sip:127.0.0.1:${second.port};lr;x="a,b">`];
  const uri = `sip:bob@192.0.2.9:50000;transport=tcp?Route=${encodeURIComponent(routes.join(','))}&X-Extra=1`;
  const call = srf.createUAC(uri, { localSdp: SDP });
  const invite = await edge.nextRequest('INVITE');
  t.is(invite.uri, 'sip:bob@192.0.2.9:50000;transport=tcp');
  t.deepEqual(invite.list('route'), routes);
  t.is(invite.get('x-extra'), '1');
  t.is(invite.get('to'), '<sip:bob@192.0.2.9:50000>');
  edge.reply(invite, 404);
  const ack = await edge.nextRequest('ACK');
  t.is(ack.get('route'), invite.get('route'));
  t.is(ack.uri, invite.uri);
  const error = await t.throwsAsync(call);
  t.is((error as unknown as { status: number }).status, 404);
});

test('a proxy is the next hop and adds no Route', async (t) => {
  const bench = await Bench.start(t);
  const edge = await bench.udp();
  const srf = await bench.srf();
  const uri = 'sip:bob@192.0.2.9';
  const call = srf.createUAC(uri, { localSdp: SDP, proxy: `sip:127.0.0.1:${edge.port}` });
  const invite = await edge.nextRequest('INVITE');
  t.is(invite.uri, uri);
  t.false(invite.has('route'));
  edge.reply(invite, 486);
  await t.throwsAsync(call);
});

test('headers that the app gives go out; what belongs to the stack does not', async (t) => {
  const bench = await Bench.start(t);
  const callee = await bench.udp();
  const srf = await bench.srf();
  const call = srf.createUAC(`sip:peer@127.0.0.1:${callee.port}`, {
    localSdp: SDP,
    headers: {
      From: '"Åsa \\"x\\"" <sip:asa@example.com>;tag=mine',
      To: '<sip:other@example.com>',
      'Call-ID': 'my-call',
      CSeq: '4711 INVITE',
      Contact: '<sip:asa@localhost>',
      'Max-Forwards': '11',
      'Session-ID': 'abc;remote=def',
      Via: 'SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKforged',
      Route: '<sip:192.0.2.1;lr>',
      'Record-Route': '<sip:192.0.2.2;lr>',
      'P-Asserted-Identity': '<sip:asa@localhost>',
    },
  });
  const invite = await callee.nextRequest('INVITE');
  t.is(invite.get('from'), '"Åsa \\"x\\"" <sip:asa@example.com>;tag=mine');
  t.is(invite.get('to'), '<sip:other@example.com>');
  t.is(invite.callId, 'my-call');
  t.is(invite.get('cseq'), '4711 INVITE');
  t.is(invite.get('contact'), `<sip:asa@127.0.0.1:${bench.port}>`);
  t.is(invite.get('p-asserted-identity'), `<sip:asa@127.0.0.1:${bench.port}>`);
  t.is(invite.maxForwards, 11);
  t.is(invite.get('session-id'), 'abc;remote=def');
  t.is(invite.list('via').length, 1);
  t.false(invite.has('route'));
  t.false(invite.has('record-route'));
  callee.reply(invite, 486);
  await t.throwsAsync(call);
});

test('what nobody can reach fails at once with 503', async (t) => {
  const bench = await Bench.start(t);
  const srf = await bench.srf();
  for (const uri of ['sip:bob@127.0.0.1:1;transport=tcp', 'sip:bob@127.0.0.1:1', 'sip:bob@no-such-host.invalid']) {
    const error = await t.throwsAsync(() => srf.createUAC(uri, { localSdp: SDP }));
    t.is((error as unknown as { status: number }).status, 503, uri);
  }
  const request = await srf.request('sip:bob@127.0.0.1:1;transport=tcp', { method: 'OPTIONS' });
  t.is((await event<SrfResponse>(request, 'response')).status, 503);
});

test('what can not be sent at all is refused with its reason', async (t) => {
  const bench = await Bench.start(t);
  const srf = await bench.srf();
  await t.throwsAsync(() => srf.request('tel:+49123', { method: 'OPTIONS' }), { message: /can not route to tel/ });
  await t.throwsAsync(
    () => srf.request('sip:bob@127.0.0.1;transport=tls', { method: 'OPTIONS', headers: { Event: 'a\nb: c' } }),
    {
      message: /line break/,
    },
  );
  await t.throwsAsync(() => srf.request('sip:bob@127.0.0.1', { method: 'OPTIONS', headers: { From: '<sip:a' } }), {
    message: /invalid From/,
  });
});

test('a challenge is answered by srf within the same call', async (t) => {
  const bench = await Bench.start(t);
  const callee = await bench.udp();
  const srf = await bench.srf();
  const call = srf.createUAC(`sip:peer@127.0.0.1:${callee.port}`, {
    localSdp: SDP,
    auth: { username: 'bob', password: 'secret' },
  });
  const first = await callee.nextRequest('INVITE');
  callee.reply(first, 401, { headers: { 'WWW-Authenticate': 'Digest realm="x", nonce="abc", qop="auth"' } });
  await callee.nextRequest('ACK');
  const second = await callee.nextRequest('INVITE');
  t.is(second.callId, first.callId);
  t.is(second.fromTag, first.fromTag);
  t.is(second.cseq.number, first.cseq.number + 1);
  t.regex(second.get('authorization') ?? '', /^Digest username="bob"/);
  callee.reply(second, 200, { body: SDP });
  await callee.nextRequest('ACK');
  const dialog = await call;
  const gone = dialog.destroy();
  callee.reply(await callee.nextRequest('BYE'), 200);
  await gone;
});

test('SUBSCRIBE makes a dialog, also when its NOTIFY comes first', async (t) => {
  const bench = await Bench.start(t);
  const notifier = await bench.udp();
  const srf = await bench.srf();
  const subscribed = srf.createUAC(`sip:peer@127.0.0.1:${notifier.port}`, {
    method: 'SUBSCRIBE',
    headers: { Event: 'presence', Expires: '600', To: `<sip:peer@127.0.0.1:${notifier.port}>` },
  });
  const subscribe = await notifier.nextRequest('SUBSCRIBE');
  t.truthy(subscribe.get('contact'));
  const notifyParts = (cseq: number, state: string) => ({
    cseq,
    from: `${subscribe.get('to')};tag=notifier`,
    to: subscribe.get('from') ?? '',
    callId: subscribe.callId,
    headers: { Event: 'presence', 'Subscription-State': state, Contact: notifier.contact },
  });
  notifier.send(notifier.request('NOTIFY', bench.uri(), notifyParts(1, 'active;expires=600')), bench.port);
  t.not(
    (await notifier.next((m) => m.kind === 'response' && m.cseq.method === 'NOTIFY')).toString().slice(8, 11),
    '481',
  );
  notifier.reply(subscribe, 200, { tag: 'notifier', headers: { Expires: '600', Contact: notifier.contact } });
  const dialog = await subscribed;
  const notified = event<SrfRequest>(dialog, 'notify');
  dialog.on('notify', (_req: SrfRequest, res: SrfResponse) => res.send(200));
  notifier.send(notifier.request('NOTIFY', bench.uri(), notifyParts(2, 'terminated')), bench.port);
  t.is((await notified).get('Subscription-State'), 'terminated');
  t.is((await notifier.nextResponse(200, 'NOTIFY')).cseq.number, 2);
  notifier.send(notifier.request('NOTIFY', bench.uri(), notifyParts(3, 'active')), bench.port);
  t.is((await notifier.nextResponse(481, 'NOTIFY')).cseq.number, 3);
});

test('a phone that registered over TCP is called over its connection, until that is gone', async (t) => {
  const bench = await Bench.start(t);
  const phone = await bench.tcp();
  const srf = await bench.srf((app) => {
    app.register((req, res) => res.send(200, { headers: { Contact: req.get('Contact'), Expires: '600' } }));
  });
  const contact = '<sip:2001@192.168.77.5:50001;transport=tcp>';
  phone.send(
    phone.request('REGISTER', bench.uri('', 'tcp').replace('@', ''), { headers: { Contact: contact } }),
    bench.port,
  );
  const registered = await phone.nextResponse(200, 'REGISTER');
  t.is(registered.get('contact'), contact);
  const route = encodeURIComponent('<sip:token@192.168.77.5:50001;transport=tcp;lr>');
  for (const uri of [
    'sip:2001@192.168.77.5:50001;transport=tcp',
    `sip:2001@192.168.77.5:50001;transport=tcp?Route=${route}`,
  ]) {
    const call = srf.createUAC(uri, { localSdp: SDP });
    const invite = await phone.nextRequest('INVITE');
    t.is(invite.uri, 'sip:2001@192.168.77.5:50001;transport=tcp');
    phone.reply(invite, 486);
    await t.throwsAsync(call);
  }
  const ringing = deferred<void>();
  const pending = srf.createUAC(
    'sip:2001@192.168.77.5:50001;transport=tcp',
    { localSdp: SDP },
    { cbProvisional: () => ringing.resolve() },
  );
  phone.reply(await phone.nextRequest('INVITE'), 180);
  await ringing.promise;
  phone.dropConnections();
  const dropped = await t.throwsAsync(pending);
  t.is((dropped as unknown as { status: number }).status, 503);
  await settle(20);
  const later = await t.throwsAsync(() =>
    srf.createUAC('sip:2001@192.168.77.5:50001;transport=tcp', { localSdp: SDP }),
  );
  t.is((later as unknown as { status: number }).status, 503);
});

test('a caller that is its own neighbour over TCP is reached over its connection', async (t) => {
  const bench = await Bench.start(t);
  const caller = await bench.tcp();
  const srf = await bench.srf((app) => {
    app.invite((req, res) => {
      app.createUAS(req, res, { localSdp: SDP }).then((dialog) => dialog.once('ack', () => dialog.destroy()));
    });
  });
  t.truthy(srf);
  const invite = caller.request('INVITE', bench.uri('bob', 'tcp'), {
    body: SDP,
    headers: { Contact: '<sip:alice@192.168.77.9:40000;transport=tcp>' },
  });
  caller.send(invite, bench.port);
  const ok = await caller.nextResponse(200, 'INVITE');
  t.is(ok.get('contact'), `<sip:127.0.0.1:${bench.port};transport=tcp>`);
  caller.send(caller.inDialog('ACK', invite, ok), bench.port);
  const bye = await caller.nextRequest('BYE');
  t.is(bye.uri, 'sip:alice@192.168.77.9:40000;transport=tcp');
});

test('MESSAGE and OPTIONS outside a dialog, both ways', async (t) => {
  const bench = await Bench.start(t);
  const peer = await bench.udp();
  const srf = await bench.srf((app) => {
    app.options((_req, res) => res.send(200, { headers: { Allow: 'INVITE' } }));
    app.message((req, res) => res.send(req.body === 'grüß' ? 202 : 400));
  });
  peer.send(peer.request('OPTIONS', bench.uri()), bench.port);
  t.is((await peer.nextResponse(200)).get('allow'), 'INVITE');
  peer.send(
    peer.request('MESSAGE', bench.uri(), { body: 'grüß', headers: { 'Content-Type': 'text/plain' } }),
    bench.port,
  );
  const accepted = await peer.nextResponse(202);
  t.false(accepted.has('contact'));
  const sent = await srf.request(`sip:peer@127.0.0.1:${peer.port}`, {
    method: 'MESSAGE',
    body: 'zurück',
    headers: { 'Content-Type': 'text/plain' },
  });
  const message = await peer.nextRequest('MESSAGE');
  t.is(message.body.toString(), 'zurück');
  t.false(message.has('contact'));
  const response = event<SrfResponse>(sent, 'response');
  peer.reply(message, 200);
  t.is((await response).status, 200);
});

test('a header with many bytes and a body near the frame limit pass both ways', async (t) => {
  const bench = await Bench.start(t);
  const peer = await bench.tcp();
  const long = 'y'.repeat(5_000);
  const body = 'z'.repeat(40_000);
  await bench.srf((app) => {
    app.message((req, res) =>
      res.send(200, { headers: { 'X-Long': req.get('X-Long'), 'Content-Type': 'text/plain' }, body: req.body }),
    );
  });
  const headers = { 'Content-Type': 'text/plain', 'X-Long': long };
  peer.send(peer.request('MESSAGE', bench.uri('bob', 'tcp'), { body, headers }), bench.port);
  const echoed = await peer.nextResponse(200);
  t.is(echoed.get('x-long'), long);
  t.is(echoed.body.toString(), body);
  peer.send(peer.request('MESSAGE', bench.uri('bob', 'tcp'), { body: 'z'.repeat(70_000), headers }), bench.port);
  t.is((await peer.nextResponse(513)).status, 513);
});

for (const tags of [['app'], ['app', 'brief-replies']]) {
  test(`what the application sends is told back to it, ${tags.length === 1 ? 'whole' : 'in brief'}`, async (t) => {
    const bench = await Bench.start(t);
    const callee = await bench.udp();
    const said = deferred<{ status: number; to: string; subject: boolean }>();
    const srf = await bench.srf(
      (app) =>
        app.invite((_req, res) => {
          res.send(486, { headers: { Subject: 'no' } }, (_error, sent) => {
            said.resolve({
              status: Number(sent.raw.split(' ')[1]),
              to: sent.get('to'),
              subject: sent.has('subject'),
            });
          });
        }),
      { tags },
    );
    const sent: SrfRequest[] = [];
    const call = srf.createUAC(
      `sip:bob@127.0.0.1:${callee.port}`,
      { localSdp: SDP, headers: { Subject: 'yes' } },
      { cbRequest: (_error: unknown, req: SrfRequest) => sent.push(req) },
    );
    const invite = await callee.nextRequest('INVITE');
    t.is(invite.get('subject'), 'yes');
    callee.reply(invite, 486);
    await t.throwsAsync(call);
    const [told] = sent;
    t.is(told?.method, 'INVITE');
    t.is(told?.get('call-id'), invite.callId);
    t.is(told?.get('cseq'), invite.get('cseq'));
    t.is(told?.has('subject'), tags.length === 1);

    const caller = await bench.udp();
    caller.send(caller.request('INVITE', bench.uri(), { body: SDP }), bench.port);
    const refused = await caller.nextResponse(486);
    t.is(refused.get('subject'), 'no');
    t.deepEqual(await said.promise, { status: 486, to: refused.get('to') ?? '', subject: tags.length === 1 });
  });
}
