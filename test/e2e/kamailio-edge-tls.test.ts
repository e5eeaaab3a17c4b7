import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { makeCertificate } from '../../src/sim/tls/certificate.js';
import { freePort, KamailioEdge } from './kamailio.js';
import { rawClient } from './raw.js';
import { requestsIn, stageExactly, wire } from './support.js';

/** callwake that takes REGISTERs only over TLS, from whoever shows a certificate that it trusts. */
async function securedStage(t: ExecutionContext) {
  const folder = mkdtempSync(join(tmpdir(), 'callwake-tls-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const own = makeCertificate({ commonName: 'callwake' });
  const edge = makeCertificate({ commonName: 'edge' });
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const tls = {
    keyFile: file('callwake.key', own.key),
    certFile: file('callwake.pem', own.cert),
    caFile: file('edges.pem', edge.cert),
    clientCertificates: true,
  };
  const contacts = ['sip:127.0.0.1:0;transport=udp,tcp', 'sips:127.0.0.1:0;transport=tls'];
  const stage = await stageExactly(t, {
    edge: 'direct',
    transport: 'tcp',
    config: {
      engine: { contacts, control: { port: 0 }, tls },
      edges: [{ name: 'kamailio', addresses: ['127.0.0.1'], transport: 'tls' }],
      directPhones: { allow: false },
    },
  });
  const listener = (await stage.callwake.ready()).find(({ transport }) => transport === 'tls');
  if (listener === undefined) throw new Error('callwake does not listen with TLS');
  return { stage, listener, own, edge };
}

test.serial(
  'Kamailio in Path mode over TLS, known by its certificate: a sleeping phone is woken and answers',
  async (t) => {
    const { stage, listener, own, edge } = await securedStage(t);
    const port = await freePort();
    const kamailio = await KamailioEdge.start(listener, { ...edge, port, ca: own.cert });
    t.teardown(() => kamailio.close());
    const phone = await stage.phone({
      server: { host: '127.0.0.1', port: kamailio.port, transport: 'tcp' },
      behaviour: { wakeDelayMs: 50, answerDelayMs: 100 },
    });
    t.true(phone.registered, kamailio.said);
    await phone.background();
    const call = stage.cucm.call({ to: '2001' });
    await call.answered;
    t.is((await call.request('INFO')).status, 200);
    await call.hangup();
    await phone.events.seen('ended');
    t.is(stage.apple.total, 1);
    t.is(requestsIn(phone.messages, 'INVITE').length, 1);
    t.is(requestsIn(phone.messages, 'INFO').length, 1);
    t.regex(requestsIn(phone.messages, 'INVITE')[0]?.toString() ?? '', /Via: SIP\/2\.0\/TLS /i, 'callwake to edge');
    t.notRegex(wire(stage.cucm.messages), /pn-(prid|param|provider)/);
  },
);

test.serial('the same address without TLS is not the edge: 403', async (t) => {
  const { stage } = await securedStage(t);
  const answer = await (await rawClient(t, stage)).register({ contacts: ['<sip:2001@127.0.0.1>'] });
  t.is(answer.status, 403);
});

test.serial('over TLS with a certificate that nobody trusts, or none, there is no connection', async (t) => {
  const { listener, own } = await securedStage(t);
  const stranger = makeCertificate({ commonName: 'stranger' });
  for (const shown of [{}, { key: stranger.key, cert: stranger.cert }]) {
    const socket = connect({ host: '127.0.0.1', port: listener.port, ca: own.cert, ...shown });
    socket.write('OPTIONS sip:corp.example SIP/2.0\r\n\r\n');
    const got: Buffer[] = [];
    socket.on('data', (chunk) => got.push(chunk));
    socket.on('error', () => {});
    await new Promise((resolve) => socket.once('close', resolve));
    t.deepEqual(got, []);
  }
});
