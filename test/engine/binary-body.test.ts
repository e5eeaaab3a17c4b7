import test from 'ava';
import { SDP } from './support/peer.js';
import { Bench, deferred } from './support/srf.js';

/** Every byte there is, and no UTF-8. */
const BYTES = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

test('a body that is no UTF-8 reaches the app as one character a byte, and leaves as the bytes it was', async (t) => {
  const bench = await Bench.start(t);
  const [caller, callee] = [await bench.tcp(), await bench.udp()];
  const seen = deferred<{ body: string; marked: string }>();
  await bench.srf((app) =>
    app.message((req, res) => {
      seen.resolve({ body: req.body, marked: req.get('X-Body-Encoding') });
      const headers = { 'Content-Type': 'application/qsig', 'X-Body-Encoding': 'latin1' };
      void app.request(`sip:bob@127.0.0.1:${callee.port}`, { method: 'MESSAGE', headers, body: req.body });
      res.send(200, { headers, body: req.body });
    }),
  );
  const message = caller.request('MESSAGE', bench.uri('bob', 'tcp'), {
    headers: { 'Content-Type': 'application/qsig' },
  });
  message.body = BYTES;
  caller.send(message, bench.port);
  const { body, marked } = await seen.promise;
  t.is(marked, 'latin1');
  t.deepEqual(Buffer.from(body, 'latin1'), BYTES);
  for (const passed of [await callee.nextRequest('MESSAGE'), await caller.nextResponse(200)]) {
    t.deepEqual(passed.body, BYTES);
    t.is(passed.get('content-length'), '256', 'counted in bytes');
    t.false(passed.has('x-body-encoding'));
  }
});

test('text stays text: its length is counted in bytes, and nothing marks it', async (t) => {
  const bench = await Bench.start(t);
  const caller = await bench.tcp();
  await bench.srf((app) =>
    app.message((req, res) => {
      const headers = { 'Content-Type': 'text/plain', 'X-Marked': String(req.has('X-Body-Encoding')) };
      res.send(200, { headers, body: req.body });
    }),
  );
  const headers = { 'Content-Type': 'text/plain' };
  caller.send(caller.request('MESSAGE', bench.uri('bob', 'tcp'), { headers, body: 'Grüße 😀' }), bench.port);
  const answer = await caller.nextResponse(200);
  t.is(answer.body.toString(), 'Grüße 😀');
  t.is(answer.get('content-length'), String(Buffer.byteLength('Grüße 😀')));
  t.is(answer.get('x-marked'), 'false');
});

test('what is proxied keeps its bytes, whatever they are', async (t) => {
  const bench = await Bench.start(t);
  const [caller, callee] = [await bench.udp(), await bench.udp()];
  await bench.srf((app) => app.invite((req) => void app.proxyRequest(req, `sip:127.0.0.1:${callee.port}`)));
  const invite = caller.request('INVITE', bench.uri(), { body: SDP });
  invite.body = BYTES;
  caller.send(invite, bench.port);
  const passed = await callee.nextRequest('INVITE');
  t.deepEqual(passed.body, BYTES);
  callee.reply(passed, 486);
  await caller.nextResponse(486);
});
