import test from 'ava';
import { Bench, crash, deferred, type Srf, type SrfRequest, type SrfResponse } from './support/srf.js';

const SDP = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n';
const WAIT = { successorWait: 5_000 };

/** The INVITE that an app and the one after it both send. */
class Sent {
  readonly request = deferred<SrfRequest>();
  readonly seen: number[] = [];
  readonly first = deferred<void>();
  readonly final = deferred<[SrfResponse, (options?: object) => void]>();

  constructor(srf: Srf, port: number, callId: string) {
    const options = {
      method: 'INVITE',
      headers: { 'call-id': callId, from: '<sip:ada@corp.example>;tag=from1', 'content-type': 'application/sdp' },
      body: SDP,
    };
    srf.request(`sip:phone@127.0.0.1:${port}`, options, (_error, request) => {
      request.on('response', (res: SrfResponse, ack: (options?: object) => void) => {
        this.seen.push(res.status);
        this.first.resolve();
        if (res.status >= 200) this.final.resolve([res, ack]);
      });
      this.request.resolve(request);
    });
  }
}

test('an INVITE of an app that died is the next app’s when that sends it again: one INVITE at the phone, one transaction', async (t) => {
  const bench = await Bench.start(t, WAIT);
  const phone = await bench.udp();
  const dying = await bench.srf();
  const before = new Sent(dying, phone.port, 'leg-1');
  const got = await phone.nextRequest('INVITE');
  phone.reply(got, 180);
  await before.first.promise;
  crash(dying);
  const after = new Sent(await bench.srf(), phone.port, 'leg-1');
  t.is((await after.request.promise).stackTxnId, (await before.request.promise).stackTxnId);
  phone.reply(got, 200, { body: SDP });
  const [answer, ack] = await after.final.promise;
  t.deepEqual(after.seen, [180, 200]);
  t.is(answer.msg.body, SDP);
  ack();
  await phone.nextRequest('ACK');
});

for (const [when, crashFirst] of [
  ['while no app was there', true],
  ['just before the app died', false],
] as const) {
  test(`the answer that came ${when} waits for the next app`, async (t) => {
    const bench = await Bench.start(t, WAIT);
    const phone = await bench.udp();
    const dying = await bench.srf();
    const before = new Sent(dying, phone.port, 'leg-2');
    const got = await phone.nextRequest('INVITE');
    await before.request.promise;
    if (crashFirst) {
      crash(dying);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    phone.reply(got, 200, { body: SDP });
    if (!crashFirst) {
      await before.final.promise;
      crash(dying);
    }
    const after = new Sent(await bench.srf(), phone.port, 'leg-2');
    const [, ack] = await after.final.promise;
    t.deepEqual(after.seen, [200]);
    ack();
    await phone.nextRequest('ACK');
  });
}

test('an INVITE that nobody claims in time is cancelled, an answer that nobody claims is hung up; neither is sent again', async (t) => {
  const bench = await Bench.start(t, { successorWait: 100 });
  const [ringing, answering] = [await bench.udp(), await bench.udp()];
  const dying = await bench.srf();
  new Sent(dying, ringing.port, 'leg-3');
  const answered = new Sent(dying, answering.port, 'leg-4');
  const rung = await ringing.nextRequest('INVITE');
  ringing.reply(rung, 180);
  const invite = await answering.nextRequest('INVITE');
  await answered.request.promise;
  crash(dying);
  answering.reply(invite, 200, { body: SDP });
  const cancel = await ringing.nextRequest('CANCEL');
  t.regex(cancel.get('reason') ?? '', /cause=503/);
  await answering.nextRequest('BYE');
  const late = await bench.srf();
  const after = [new Sent(late, ringing.port, 'leg-3'), new Sent(late, answering.port, 'leg-4')];
  await after[0]?.first.promise;
  ringing.reply(rung, 487);
  for (const { final } of after) t.is((await final.promise)[0].status, 487);
  const sentinel = new Sent(late, ringing.port, 'leg-5');
  t.is((await ringing.nextRequest('INVITE')).callId, 'leg-5');
  new Sent(late, answering.port, 'leg-6');
  t.is((await answering.nextRequest('INVITE')).callId, 'leg-6');
  t.deepEqual(sentinel.seen, []);
});

test('requests that come between two apps wait for the second', async (t) => {
  const bench = await Bench.start(t, WAIT);
  crash(await bench.srf((srf) => srf.options((_req, res) => res.send(200))));
  const caller = await bench.udp();
  await new Promise((resolve) => setTimeout(resolve, 20));
  caller.send(caller.request('OPTIONS', bench.uri()), bench.port);
  caller.send(caller.request('INVITE', bench.uri(), { body: SDP }), bench.port);
  await bench.srf((srf) => {
    srf.options((_req, res) => res.send(200));
    srf.invite((_req, res) => res.send(486));
  });
  t.is((await caller.nextResponse(200, 'OPTIONS')).status, 200);
  t.is((await caller.nextResponse(486)).status, 486);
});
