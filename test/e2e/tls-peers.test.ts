import test from 'ava';
import type { Stage } from '../../src/demo/stage.js';
import { CucmSimulator } from '../../src/sim/cucm/index.js';
import { makeCertificate } from '../../src/sim/tls/certificate.js';
import { rawClient } from './raw.js';
import { externalEngine, requestsIn, stageExactly } from './support.js';

const QUICK = { wakeDelayMs: 50, answerDelayMs: 100 };
const MALLORY = makeCertificate({ commonName: 'localhost', altNames: ['sip:mallory.example', 'localhost'] });
const IPHONE = '<sip:2001@127.0.0.1:5999>;+sip.instance="<urn:uuid:00000000-0000-1000-8000-000000000001>"';

/** Somebody at the same address with a certificate of an authority that callwake trusts, and another name. */
function mallory({ sip, tls }: Stage) {
  return { sip, tls: { ...MALLORY, ca: tls.ca } };
}

if (externalEngine === undefined) {
  test.serial('over TLS trunk and edge are who shows their name (RFC 5922), at whatever address', async (t) => {
    const stage = await stageExactly(t, {
      edge: 'path',
      transport: 'tls',
      trusts: [MALLORY.cert],
      peers: (cucm) => [{ ...cucm, certificateNames: ['localhost'] }],
      config: {
        api: { enabled: true, port: 0, loopbackWithoutToken: true },
        alarms: { certificateNotice: '365d' },
        edges: [
          { name: 'edge', addresses: ['0.0.0.0/0'], transport: 'tls', certificateNames: ['edge.example', 'localhost'] },
        ],
      },
    });
    const phone = await stage.phone({ behaviour: QUICK });
    const other = mallory(stage);
    const trunk = new CucmSimulator({ address: '127.0.0.1', trunk: other.sip, tls: other.tls });
    t.teardown(() => trunk.close());
    await trunk.start();
    t.is((await trunk.call({ to: '2001' }).ended).status, 403);
    t.is((await trunk.call({ to: '+4930123456', from: '2001' }).ended).status, 403, 'toll fraud');
    t.like(await stage.callwake.logged('call refused'), {
      why: 'no certificate of localhost but of mallory.example, which cucm must have',
    });
    t.is((await (await rawClient(t, other)).register({ contacts: [IPHONE] })).status, 403);
    t.like(await stage.callwake.logged('register refused'), {
      why: 'no certificate of edge.example or localhost but of mallory.example, which edge must have',
    });
    const clear = { ...other.sip, transport: 'tcp' as const, port: await cleartextPort(stage) };
    const plain = new CucmSimulator({ address: '127.0.0.1', trunk: clear, tls: stage.tls });
    t.teardown(() => plain.close());
    await plain.start();
    t.is((await plain.call({ to: '2001' }).ended).status, 403, 'the trunk’s own address, without TLS');
    t.is((await (await rawClient(t, { sip: clear, tls: stage.tls })).register({ contacts: [IPHONE] })).status, 403);

    const call = stage.cucm.call({ to: '2001' });
    await call.answered;
    await call.hangup();
    const out = await phone.call('1001');
    t.is((await out.answered).status, 200);
    await out.hangup();
    t.is(requestsIn(phone.messages, 'INVITE').length, 1);
    t.is(requestsIn(stage.cucm.messages, 'INVITE').length, 1);

    const { url } = await stage.callwake.logged('api listening');
    const metrics = async () => (await fetch(`${url}/metrics`)).text();
    await metrics();
    const { port } = stage.cucm.local;
    const apple = stage.apple.endpoints.production.port;
    const shown = ['cucm: localhost', 'edge: localhost', `SIP server 127.0.0.1:${port}`, `APNs 127.0.0.1:${apple}`];
    for (const name of shown) {
      t.like(await stage.callwake.logged('alarm active', ({ subject }) => subject === name), {
        alarm: 'CertExpiresSoon',
      });
    }
    const figures = await metrics();
    for (const name of shown)
      t.true(figures.includes(`callwake_certificate_expires_seconds{certificate="${name}"} `), name);
    t.deepEqual(stage.faults(), []);
  });

  test.serial('a trunk peer that shows another name gets no calls', async (t) => {
    const stage = await stageExactly(t, {
      edge: 'direct',
      transport: 'tls',
      peers: (cucm) => [{ ...cucm, certificateNames: ['cucm.corp.example'] }],
    });
    const phone = await stage.phone({ behaviour: QUICK });
    const call = await phone.call('1001');
    t.is((await call.ended).status, 503);
    t.deepEqual(requestsIn(stage.cucm.messages, 'INVITE'), []);
  });
}

async function cleartextPort({ callwake }: Stage): Promise<number> {
  const tcp = (await callwake.ready()).find(({ transport }) => transport === 'tcp');
  if (tcp === undefined) throw new Error('the engine does not listen on TCP');
  return tcp.port;
}
