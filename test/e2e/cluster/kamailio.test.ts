import test from 'ava';
import { KamailioEdge } from '../kamailio.js';
import { requestsIn } from '../support.js';
import { powerOff, Site } from './site.js';

test('Kamailio splits phones among two nodes; when one is gone, they register and are called at the other', async (t) => {
  const site = await Site.start(t, { transport: 'udp' });
  const { stage, b } = site;
  const cores = [stage.sip, b.sip].map(({ host, port }) => `sip:${host}:${port}`);
  const kamailio = await KamailioEdge.start(stage.sip, undefined, cores);
  t.teardown(() => kamailio.close());
  const server = { host: '127.0.0.1', port: kamailio.port, transport: 'udp' as const };
  const behaviour = { wakeDelayMs: 100, answerDelayMs: 100 };
  const phones = await Promise.all(
    Array.from({ length: 6 }, (_, n) => stage.phone({ user: String(2001 + n), server, behaviour })),
  );
  await Promise.all(phones.map((phone) => phone.background()));
  const registeredAt = (log: readonly { event: string }[]): number =>
    log.filter(({ event }) => event === 'registered').length;
  t.true(registeredAt(stage.callwake.log) > 0 && registeredAt(b.callwake.log) > 0, 'both nodes got REGISTERs');
  const calls = phones.map((_, n) => stage.cucm.call({ to: String(2001 + n) }));
  for (const call of calls) t.is((await call.answered).status, 200);
  for (const call of calls) await call.hangup();
  for (const phone of phones) t.is(requestsIn(phone.messages, 'INVITE').length, 1);
  powerOff(stage.callwake);
  site.trunkTo('b');
  for (const phone of phones) await phone.background();
  const call = stage.cucm.call({ to: '2001' });
  t.is((await call.answered).status, 200);
  await call.hangup();
  t.is(site.pushes.length, 7);
  t.is(
    new Set(stage.apple.received.map(({ providerToken }) => providerToken)).size,
    1,
    'one provider token for the site',
  );
});
