import test, { type ExecutionContext } from 'ava';
import { FakeClock } from '../../support/fake-clock.js';
import type { Peer } from '../support/peer.js';
import { Bench, deferred, type ProxyResults } from '../support/srf.js';

const CALL = { from: '<sip:alice@127.0.0.1>;tag=a', callId: 'results', branch: 'z9hG4bKresults' };

/** A call that is proxied to two phones, one after the other, one second each. */
async function proxied(t: ExecutionContext) {
  const clock = new FakeClock();
  const bench = await Bench.start(t, { clock });
  const phones: [Peer, Peer] = [await bench.udp(), await bench.udp()];
  const uris = phones.map(({ port }) => `sip:phone@127.0.0.1:${port}`);
  const result = deferred<ProxyResults>();
  await bench.srf((srf) =>
    srf.invite((req) => {
      srf.proxyRequest(req, uris, { provisionalTimeout: '1s' }).then(result.resolve, result.reject);
    }),
  );
  const caller = await bench.udp();
  caller.send(caller.request('INVITE', bench.uri(), CALL), bench.port);
  return { clock, bench, caller, phones, result: result.promise };
}

test('a call that is cancelled ends with 487 for the app too, whatever a phone said before', async (t) => {
  const { bench, caller, phones, result } = await proxied(t);
  phones[0].reply(await phones[0].nextRequest('INVITE'), 486);
  await phones[1].nextRequest('INVITE');
  caller.send(caller.request('CANCEL', bench.uri(), CALL), bench.port);
  await caller.nextResponse(487, 'INVITE');
  t.is((await result).finalStatus, 487);
});

test('the 200 of a phone that was given up is the answer, for the app too', async (t) => {
  const { clock, caller, phones, result } = await proxied(t);
  const first = await phones[0].nextRequest('INVITE');
  await clock.advanceAsync(1000);
  await phones[1].nextRequest('INVITE');
  phones[0].reply(first, 200);
  await caller.nextResponse(200, 'INVITE');
  const { connected, finalStatus } = await result;
  t.deepEqual([connected, finalStatus], [true, 200]);
});
