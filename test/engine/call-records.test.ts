import test, { type ExecutionContext } from 'ava';
import { FakeClock } from '../support/fake-clock.js';
import { SDP } from './support/peer.js';
import { Bench, deferred, type Srf } from './support/srf.js';

interface Records {
  bench: Bench;
  clock: FakeClock;
  /** Waits for that many records in all. */
  until(count: number): Promise<string[]>;
}

/** An engine, and an app that asked for records. */
async function recorded(t: ExecutionContext, prepare: (srf: Srf) => void): Promise<Records> {
  const clock = new FakeClock();
  const bench = await Bench.start(t, { clock });
  const records: string[] = [];
  let wanted = { count: 0, done: deferred<string[]>() };
  const note = (text: string): void => {
    records.push(text);
    if (records.length >= wanted.count) wanted.done.resolve(records);
  };
  await bench.srf((app) => {
    app.on('cdr:attempt', (source: string, time: string) => {
      note(`attempt ${source}`);
      t.regex(time, /^\d\d:\d\d:\d\d\.\d{6}$/);
    });
    app.on('cdr:start', (source: string, _time: string, role: string) => note(`start ${source} ${role}`));
    app.on('cdr:stop', (source: string, _time: string, reason: string) => note(`stop ${source} ${reason}`));
    prepare(app);
  });
  const until = (count: number): Promise<string[]> => {
    wanted = { count, done: deferred<string[]>() };
    if (records.length >= count) wanted.done.resolve(records);
    return wanted.done.promise;
  };
  return { bench, clock, until };
}

test('a call that the app answers', async (t) => {
  const { bench, until } = await recorded(t, (srf) =>
    srf.invite((req, res) => void srf.createUAS(req, res, { localSdp: SDP })),
  );
  const caller = await bench.udp();
  await caller.wholeCall(bench.uri(), bench.port);
  t.deepEqual(await until(3), ['attempt network', 'start application uas', 'stop network normal-release']);
});

test('a proxied call: each branch, the caller’s leg, and the BYE that passes', async (t) => {
  let uris: string[] = [];
  const { bench, until } = await recorded(t, (srf) =>
    srf.invite((req) => void srf.proxyRequest(req, uris, { recordRoute: true })),
  );
  const [caller, first, second] = [await bench.udp(), await bench.udp(), await bench.udp()];
  uris = [`sip:busy@127.0.0.1:${first.port}`, `sip:phone@127.0.0.1:${second.port}`];
  const invite = caller.request('INVITE', bench.uri(), { body: SDP });
  caller.send(invite, bench.port);
  first.reply(await first.nextRequest('INVITE'), 486);
  second.reply(await second.nextRequest('INVITE'), 200, { body: SDP });
  const ok = await caller.nextResponse(200, 'INVITE');
  caller.send(caller.inDialog('ACK', invite, ok), bench.port);
  caller.send(caller.inDialog('BYE', invite, ok), bench.port);
  second.reply(await second.nextRequest('BYE'), 200);
  await caller.nextResponse(200, 'BYE');
  t.deepEqual(await until(8), [
    'attempt network',
    'attempt application',
    'stop network call-rejected',
    'attempt application',
    'start network proxy-uac',
    'start application proxy-uas',
    'stop network normal-release',
    'stop application normal-release',
  ]);
});

test('a proxied call that is cancelled', async (t) => {
  let uri = '';
  const { bench, until } = await recorded(t, (srf) => srf.invite((req) => void srf.proxyRequest(req, uri)));
  const [caller, phone] = [await bench.udp(), await bench.udp()];
  uri = `sip:phone@127.0.0.1:${phone.port}`;
  const ids = { from: '<sip:alice@127.0.0.1>;tag=a', callId: 'cancelled', branch: 'z9hG4bKcancelled' };
  caller.send(caller.request('INVITE', bench.uri(), { ...ids, body: SDP }), bench.port);
  const invite = await phone.nextRequest('INVITE');
  phone.reply(invite, 180);
  await caller.nextResponse(180);
  caller.send(caller.request('CANCEL', bench.uri(), ids), bench.port);
  phone.reply(await phone.nextRequest('CANCEL'), 200);
  phone.reply(invite, 487);
  await caller.nextResponse(487);
  t.deepEqual(await until(4), [
    'attempt network',
    'attempt application',
    'stop network call-canceled',
    'stop application call-canceled',
  ]);
});

test('a call that the engine ends itself: nobody takes INVITE, nobody says a word', async (t) => {
  const { bench, clock, until } = await recorded(t, () => undefined);
  const caller = await bench.udp();
  caller.send(caller.request('INVITE', bench.uri(), { body: SDP }), bench.port);
  await caller.nextResponse(503);
  const rejected = ['attempt network', 'stop application call-rejected'];
  t.deepEqual(await until(2), rejected);
  const held = deferred<void>();
  await bench.srf((app) => app.invite(() => held.resolve()));
  caller.send(caller.request('INVITE', bench.uri(), { body: SDP }), bench.port);
  await held.promise;
  await clock.advanceAsync(180_000);
  await caller.nextResponse(480);
  t.deepEqual(await until(4), [...rejected, ...rejected]);
});
