import { once } from 'node:events';
import { connect } from 'node:net';
import test from 'ava';
import { type Clock, systemClock } from '../../src/clock/clock.js';
import type { SipMessage } from '../../src/engine/message/index.js';
import { FakeClock, settle } from '../support/fake-clock.js';
import { SDP } from './support/peer.js';
import { Bench, crash, deferred, newSrf, quit, SECRET, type Srf, type SrfRequest } from './support/srf.js';

test('a wrong secret is told, nothing is heard before the right one', async (t) => {
  const bench = await Bench.start(t);
  const srf = newSrf();
  srf.on('error', () => undefined);
  const connected = once(srf, 'connect');
  srf.connect({ host: '127.0.0.1', port: bench.controlPort, secret: 'wrong', reconnect: { maxAttempts: 1 } });
  const [error] = await connected;
  t.regex(String(error), /failed to authenticate/);
  quit(srf);
  for (const [command, answer] of [
    ['1|authenticate|wrong|', '|response|1|NO|incorrect secret'],
    ['1|route|invite', '|response|1|NO|not authenticated'],
    ['1|sip||\r\nINVITE sip:a@127.0.0.1 SIP/2.0\r\n\r\n', '|response|1|NO|not authenticated'],
    ['1', '|NO|Invalid message format'],
    ['1|nonsense', '|NO|Unknown message type'],
  ] as const) {
    const socket = connect(bench.controlPort, '127.0.0.1');
    let received = '';
    socket.on('data', (data) => {
      received += data.toString();
    });
    socket.write(`${command.length}#${command}`);
    await once(socket, 'close');
    t.true(received.endsWith(answer), `${command} -> ${received}`);
  }
  const caller = await bench.udp();
  caller.send(caller.request('INVITE', bench.uri()), bench.port);
  await caller.nextResponse(503);
});

test('who wants to be told little hears nothing of what it sends under the id -', async (t) => {
  const bench = await Bench.start(t);
  for (const tags of ['app', 'app,brief-replies']) {
    const socket = connect(bench.controlPort, '127.0.0.1');
    t.teardown(() => socket.destroy());
    let received = '';
    const pong = new Promise<void>((resolve) => {
      socket.on('data', (data) => {
        received += data.toString();
        if (received.endsWith('|pong')) resolve();
      });
    });
    const response = '-|sip|nobody|\r\nSIP/2.0 200 OK\r\n\r\n';
    for (const command of [`1|authenticate|${SECRET}|${tags}`, response, '2|ping']) {
      socket.write(`${command.length}#${command}`);
    }
    await pong;
    t.is(received.includes('|response|-|NOK|'), tags === 'app', received);
  }
});

test('the version given makes srf ping, and the ping is answered', async (t) => {
  const bench = await Bench.start(t);
  const srf = newSrf(['one', 'two']);
  const connected = once(srf, 'connect');
  srf.connect({ host: '127.0.0.1', port: bench.controlPort, secret: 'a-secret', enablePing: true, pingInterval: 5000 });
  const [, hostports, version] = await connected;
  t.teardown(() => quit(srf));
  t.is(hostports, `udp/127.0.0.1:${bench.port},tcp/127.0.0.1:${bench.port}`);
  t.regex(version, /^v0\.9\.\d+/);
  const client = srf.app.client as unknown as { wp: { mapTimerPing: Map<unknown, unknown> } };
  t.is(client.wp.mapTimerPing.size, 1);
});

test('with nobody connected an INVITE gets 100 and 503, anything else 503', async (t) => {
  const bench = await Bench.start(t);
  const caller = await bench.udp();
  caller.send(caller.request('INVITE', bench.uri()), bench.port);
  t.is((await caller.nextResponse(100)).status, 100);
  t.truthy((await caller.nextResponse(503, 'INVITE')).get('retry-after'));
  caller.send(caller.request('OPTIONS', bench.uri()), bench.port);
  t.is((await caller.nextResponse(503, 'OPTIONS')).status, 503);
});

test('remove_route takes that verb away and no other', async (t) => {
  const bench = await Bench.start(t);
  const srf = await bench.srf((app) => {
    app.options((_req, res) => res.send(200));
    app.message((_req, res) => res.send(202));
  });
  srf.unregisterForMessages('options');
  await settle(30);
  const caller = await bench.udp();
  caller.send(
    caller.request('MESSAGE', bench.uri(), { body: 'x', headers: { 'Content-Type': 'text/plain' } }),
    bench.port,
  );
  t.is((await caller.nextResponse(202)).status, 202);
  caller.send(caller.request('OPTIONS', bench.uri()), bench.port);
  t.is((await caller.nextResponse(503)).status, 503);
});

test('new requests go round robin among the apps', async (t) => {
  const bench = await Bench.start(t);
  const counts = [0, 0, 0];
  for (const index of [0, 1, 2]) {
    await bench.srf((app) => {
      app.options((_req, res) => {
        counts[index] = (counts[index] ?? 0) + 1;
        res.send(200);
      });
    });
  }
  const caller = await bench.udp();
  for (let i = 0; i < 9; i++) {
    caller.send(caller.request('OPTIONS', bench.uri()), bench.port);
    await caller.nextResponse(200);
  }
  t.deepEqual(counts, [3, 3, 3]);
});

test('an INVITE held by an app that dies goes to the next one under the same transaction id', async (t) => {
  const bench = await Bench.start(t);
  const first = deferred<SrfRequest>();
  const dying = await bench.srf((srf) => srf.invite((req) => first.resolve(req)));
  const caller = await bench.udp();
  const invite = caller.request('INVITE', bench.uri(), { body: SDP });
  caller.send(invite, bench.port);
  const before = await first.promise;
  crash(dying);
  await settle(30);
  const second = deferred<SrfRequest>();
  await bench.srf((srf) => {
    srf.invite((req, res) => {
      second.resolve(req);
      res.send(200, { body: SDP });
    });
  });
  const after = await second.promise;
  t.is(after.stackTxnId, before.stackTxnId);
  t.is(after.get('call-id'), invite.callId);
  t.is((await caller.nextResponse(200, 'INVITE')).body.toString(), SDP);
});

test('the To tag survives the app that chose it', async (t) => {
  const bench = await Bench.start(t);
  const rang = deferred<void>();
  const dying = await bench.srf((srf) => srf.invite((_req, res) => res.send(180, {}, () => rang.resolve())));
  const caller = await bench.udp();
  caller.send(caller.request('INVITE', bench.uri(), { body: SDP }), bench.port);
  const ringing = await caller.nextResponse(180);
  await rang.promise;
  crash(dying);
  await bench.srf((srf) => srf.invite((_req, res) => res.send(200, { body: SDP })));
  t.is((await caller.nextResponse(200, 'INVITE')).toTag, ringing.toTag);
});

test('an INVITE that kills every app that gets it is given up', async (t) => {
  const began = systemClock.monotonic();
  const clock: Clock = {
    now: () => systemClock.now(),
    monotonic: () => began,
    setTimeout: (fn, ms) => systemClock.setTimeout(fn, ms),
  };
  const bench = await Bench.start(t, { clock });
  const caller = await bench.udp();
  let deliveries = 0;
  const fatal = (app: Srf): void => {
    app.invite(() => {
      deliveries++;
      crash(app);
    });
  };
  await bench.srf(fatal);
  caller.send(caller.request('INVITE', bench.uri()), bench.port);
  for (let i = 0; i < 3; i++) await bench.srf(fatal);
  t.is((await caller.nextResponse(503)).status, 503);
  t.is(deliveries, 4);
});

test('an INVITE that waits for its answer outlives any number of apps that die later than it could be its fault', async (t) => {
  let later = 0;
  const clock: Clock = {
    now: () => systemClock.now(),
    monotonic: () => systemClock.monotonic() + later,
    setTimeout: (fn, ms) => systemClock.setTimeout(fn, ms),
  };
  const bench = await Bench.start(t, { clock });
  const caller = await bench.udp();
  let got = deferred<void>();
  const next = () =>
    bench.srf((app) =>
      app.invite((_req, res) => {
        got.resolve();
        res.send(180);
      }),
    );
  let app = await next();
  caller.send(caller.request('INVITE', bench.uri(), { body: SDP }), bench.port);
  for (let i = 0; i < 6; i++) {
    await got.promise;
    later += 500;
    got = deferred();
    crash(app);
    app = await next();
  }
  await got.promise;
  crash(app);
  await bench.srf((last) => last.invite((_req, res) => res.send(200, { body: SDP })));
  t.is((await caller.nextResponse(200, 'INVITE')).status, 200);
});

test('other requests of an app that dies get 503', async (t) => {
  const bench = await Bench.start(t);
  const got = deferred<void>();
  const dying = await bench.srf((srf) => srf.options(() => got.resolve()));
  const caller = await bench.udp();
  caller.send(caller.request('OPTIONS', bench.uri()), bench.port);
  await got.promise;
  crash(dying);
  t.is((await caller.nextResponse(503)).get('retry-after'), '5');
});

test('legs of an app that dies are cancelled; one that answers at that moment is hung up', async (t) => {
  const bench = await Bench.start(t);
  const [ringing, answering] = [await bench.udp(), await bench.udp()];
  const srf = await bench.srf();
  for (const peer of [ringing, answering]) {
    srf.createUAC(`sip:peer@127.0.0.1:${peer.port}`, { localSdp: SDP }).catch(() => undefined);
  }
  const first = await ringing.nextRequest('INVITE');
  const second = await answering.nextRequest('INVITE');
  ringing.reply(first, 180);
  answering.reply(second, 180);
  await settle(10);
  crash(srf);
  const cancel = await ringing.nextRequest('CANCEL');
  t.regex(cancel.get('reason') ?? '', /cause=503/);
  await answering.nextRequest('CANCEL');
  answering.reply(second, 200, { body: SDP });
  await answering.nextRequest('ACK');
  t.is((await answering.nextRequest('BYE')).callId, second.callId);
});

test('a dialog of an app that died is served by the next: BYE reaches it', async (t) => {
  const bench = await Bench.start(t);
  const dying = await bench.srf((srf) => {
    srf.invite((req, res) => void srf.createUAS(req, res, { localSdp: SDP }));
  });
  const caller = await bench.udp();
  const invite = caller.request('INVITE', bench.uri(), { body: SDP });
  caller.send(invite, bench.port);
  const ok = await caller.nextResponse(200, 'INVITE');
  caller.send(caller.inDialog('ACK', invite, ok), bench.port);
  await settle(10);
  crash(dying);
  await settle(10);
  caller.send(caller.inDialog('BYE', invite, ok), bench.port);
  const byes: SrfRequest[] = [];
  await bench.srf((srf) => {
    srf.bye((req, res) => {
      byes.push(req);
      res.send(200);
    });
  });
  await caller.nextResponse(200, 'BYE');
  t.is(byes[0]?.stackDialogId, `${invite.callId};from-tag=${invite.fromTag}`);
});

test('with no app left a BYE is answered by the engine, an INFO gets 503', async (t) => {
  const clock = new FakeClock();
  const bench = await Bench.start(t, { clock });
  const dying = await bench.srf((srf) => {
    srf.invite((req, res) => void srf.createUAS(req, res, { localSdp: SDP }));
  });
  const caller = await bench.udp();
  const invite = caller.request('INVITE', bench.uri(), { body: SDP });
  caller.send(invite, bench.port);
  const ok = await caller.nextResponse(200, 'INVITE');
  caller.send(caller.inDialog('ACK', invite, ok), bench.port);
  await new Promise((resolve) => setTimeout(resolve, 20));
  crash(dying);
  await new Promise((resolve) => setTimeout(resolve, 20));
  caller.send(caller.inDialog('INFO', invite, ok), bench.port);
  caller.send(caller.inDialog('BYE', invite, ok, { cseq: 5 }), bench.port);
  await new Promise((resolve) => setTimeout(resolve, 20));
  await clock.advanceAsync(8_000);
  t.is((await caller.nextResponse(503, 'INFO')).status, 503);
  t.is((await caller.nextResponse(200, 'BYE')).status, 200);
});

test('an app that does not read gets no new work; the caller is told to come again', async (t) => {
  const bench = await Bench.start(t, { controlLimits: { queueBytes: 20_000 } });
  const srf = await bench.srf((app) => app.message(() => undefined));
  const [socket] = srf.app.client.mapServer.keys();
  socket?.pause();
  const caller = await bench.udp();
  const answered = caller.nextResponse(503);
  const body = 'x'.repeat(20_000);
  const pump = setInterval(() => {
    caller.send(
      caller.request('MESSAGE', bench.uri(), { body, headers: { 'Content-Type': 'text/plain' } }),
      bench.port,
    );
  }, 1);
  t.teardown(() => clearInterval(pump));
  const refused = await answered;
  clearInterval(pump);
  t.truthy(refused.get('retry-after'));
});

test('an app that stalls and reads again finds every message whole, and none that was refused', async (t) => {
  const bench = await Bench.start(t, { controlLimits: { queueBytes: 100_000 } });
  const bodies: string[] = [];
  const srf = await bench.srf((app) =>
    app.message((req, res) => {
      bodies.push(req.body);
      res.send(200);
    }),
  );
  const [socket] = srf.app.client.mapServer.keys();
  socket?.pause();
  const caller = await bench.tcp();
  const body = (n: number) => `${n} `.padEnd(20_000, 'äx');
  const isFinal = (status: number) => (message: SipMessage) => message.kind === 'response' && message.status === status;
  let sent = 0;
  while (caller.count(isFinal(503)) === 0 && sent < 2000) {
    const headers = { 'Content-Type': 'text/plain' };
    caller.send(caller.request('MESSAGE', bench.uri('bob', 'tcp'), { body: body(sent++), headers }), bench.port);
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.true(caller.count(isFinal(503)) > 0);
  socket?.resume();
  for (let left = 400; caller.count(isFinal(200)) + caller.count(isFinal(503)) < sent && left > 0; left--)
    await new Promise((resolve) => setTimeout(resolve, 10));
  t.is(caller.count(isFinal(200)) + caller.count(isFinal(503)), sent);
  t.is(bodies.length, caller.count(isFinal(200)));
  for (const got of bodies) t.is(got, body(Number.parseInt(got, 10)));
});

test('a broken frame ends that connection and leaves the others alone', async (t) => {
  const bench = await Bench.start(t);
  await bench.srf((app) => app.options((_req, res) => res.send(200)));
  for (const bytes of ['abc', '123456#', '99999#x', '0#', '#']) {
    const socket = connect(bench.controlPort, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(bytes);
    await once(socket, 'close');
  }
  const caller = await bench.udp();
  caller.send(caller.request('OPTIONS', bench.uri()), bench.port);
  t.is((await caller.nextResponse(200)).status, 200);
});
