import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { connect } from 'node:tls';
import test from 'ava';
import { createResponse, SipRequest } from '../../../src/engine/message/index.js';
import { ServerCertificates } from '../../../src/engine/transport/server-certificates.js';
import { FakeClock } from '../../support/fake-clock.js';
import { certificates, options, Peer, RawClient, targetOf } from './support.js';

const VIA = 'SIP/2.0/TLS client.example;branch=z9hG4bK1';

test('messages over TLS, checked against the authority and the name', async (t) => {
  const { ca, of } = certificates(t, ['sip.example']);
  const [a, b] = [new Peer(t, { tls: { ca } }), new Peer(t)];
  const target = targetOf(await b.listen('tls', { tls: of('sip.example') }), { serverName: 'sip.example' });
  const flow = await a.send(options(VIA), target);
  t.true(flow.connection?.verified);
  t.deepEqual(flow.connection?.peerNames, ['sip.example']);
  const [shown, ...others] = a.layer.serverCertificates;
  t.like(shown, { host: 'sip.example', address: '127.0.0.1', port: target.port, until: flow.connection?.peerUntil });
  t.deepEqual([...others, ...b.layer.serverCertificates], []);
  const inbound = await b.next();
  t.is(inbound.flow.protocol, 'tls');
  t.false(inbound.flow.connection?.verified, 'the client showed no certificate');
  if (!(inbound.message instanceof SipRequest)) throw new Error('No request');
  await b.reply(createResponse(inbound.message, 200), inbound.flow);
  t.is((await a.next()).message.kind, 'response');
});

const DAY = 86_400_000;

test('of each server the last certificate is remembered for a day, and not without bound', (t) => {
  const clock = new FakeClock();
  let connected = true;
  const shown = new ServerCertificates(clock, (_host, { port }) => connected && port === 7);
  for (let port = 1; port <= 101; port++) shown.add('sip.example', { address: '192.0.2.1', port }, 1000);
  shown.add('sip.example', { address: '192.0.2.1', port: 2 }, 2000);
  t.is(shown.list.length, 100);
  t.false(shown.list.some(({ port }) => port === 1));
  t.is(shown.list.find(({ port }) => port === 2)?.until, 2000);
  clock.advance(DAY + 1);
  t.deepEqual(shown.list, [{ host: 'sip.example', address: '192.0.2.1', port: 7, until: 1000 }], 'connected still');
  connected = false;
  clock.advance(DAY);
  t.is(shown.list.length, 1);
  clock.advance(1);
  t.deepEqual(shown.list, []);
});

test('a certificate by an IP address', async (t) => {
  const { ca, of } = certificates(t, ['127.0.0.1']);
  const [a, b] = [new Peer(t, { tls: { ca } }), new Peer(t)];
  const flow = await a.send(options(VIA), targetOf(await b.listen('tls', { tls: of('127.0.0.1') })));
  t.true(flow.connection?.verified);
});

test('the wrong name, an unknown authority: no connection', async (t) => {
  const { ca, of } = certificates(t, ['sip.example']);
  const b = new Peer(t);
  const listener = await b.listen('tls', { tls: of('sip.example') });
  const wrongName = new Peer(t, { tls: { ca } }).send(
    options(VIA),
    targetOf(listener, { serverName: 'other.example' }),
  );
  await t.throwsAsync(wrongName, { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  const unknown = new Peer(t).send(options(VIA), targetOf(listener, { serverName: 'sip.example' }));
  await t.throwsAsync(unknown, { message: /certificate/ });
  t.is(b.received.length, 0);
});

test('insecure takes any certificate and says that it is not verified', async (t) => {
  const { of } = certificates(t, ['sip.example']);
  const [a, b] = [new Peer(t, { tls: { insecure: true } }), new Peer(t)];
  const flow = await a.send(options(VIA), targetOf(await b.listen('tls', { tls: of('sip.example') })));
  t.false(flow.connection?.verified);
});

test('mutual TLS: the client’s names are known; without a certificate there is no connection', async (t) => {
  const { ca, of } = certificates(t, ['sip.example', 'edge.example']);
  const b = new Peer(t);
  const listener = await b.listen('tls', { tls: { ...of('sip.example'), ca, requireClientCertificate: true } });
  const target = targetOf(listener, { serverName: 'sip.example' });
  await new Peer(t, { tls: { ca, ...of('edge.example') } }).send(options(VIA), target);
  const { flow } = await b.next();
  t.true(flow.connection?.verified);
  t.deepEqual(flow.connection?.peerNames, ['edge.example']);
  const stranger = new Peer(t, { tls: { ca } });
  await stranger.send(options(VIA), target).catch(() => {});
  await stranger.until(() => stranger.closed.length === 1);
  t.is(b.received.length, 0);
});

test('client certificates that are asked for, not required', async (t) => {
  const { ca, of } = certificates(t, ['sip.example']);
  const [a, b] = [new Peer(t, { tls: { ca } }), new Peer(t)];
  const tls = { ...of('sip.example'), ca, requestClientCertificate: true };
  await a.send(options(VIA), targetOf(await b.listen('tls', { tls }), { serverName: 'sip.example' }));
  t.false((await b.next()).flow.connection?.verified);
});

test('SNI chooses the certificate; without a match the first is shown', async (t) => {
  const { ca, of } = certificates(t, ['a.example', 'b.example', 'any.example']);
  const peer = new Peer(t);
  const sni = { 'b.example': of('b.example'), '*.b.example': of('any.example') };
  const listener = await peer.listen('tls', { tls: { ...of('a.example'), sni } });
  for (const [asked, shown] of [
    ['a.example', 'a.example'],
    ['B.example', 'b.example'],
    ['c.example', 'a.example'],
    ['x.b.example', 'any.example'],
    ['y.x.b.example', 'a.example'],
  ] as const) {
    const socket = connect({
      port: listener.local.port,
      host: '127.0.0.1',
      servername: asked,
      ca,
      checkServerIdentity: () => undefined,
    });
    await once(socket, 'secureConnect');
    t.is(socket.getPeerCertificate().subject.CN, shown, asked);
    socket.destroy();
  }
});

test('the lowest version is kept', async (t) => {
  const { ca, of } = certificates(t, ['sip.example']);
  const peer = new Peer(t);
  const listener = await peer.listen('tls', { tls: { ...of('sip.example'), minVersion: 'TLSv1.3' } });
  const socket = connect({
    port: listener.local.port,
    host: '127.0.0.1',
    servername: 'sip.example',
    ca,
    maxVersion: 'TLSv1.2',
  });
  t.teardown(() => socket.destroy());
  const [error] = await once(socket, 'error').catch((caught: Error) => [caught]);
  t.regex(String(error), /protocol version|alert/i);
});

test('reload: new connections see the new certificate, open ones live on; a bad key changes nothing', async (t) => {
  const { ca, of } = certificates(t, ['old.example', 'new.example']);
  const [a, b] = [new Peer(t, { tls: { ca } }), new Peer(t)];
  const listener = await b.listen('tls', { tls: of('old.example') });
  const old = targetOf(listener, { serverName: 'old.example' });
  const fresh = targetOf(listener, { serverName: 'new.example' });
  const flow = await a.send(options(VIA, 'one'), old);
  t.throws(() => listener.reload({ key: 'no key', cert: 'no certificate' }));
  await t.throwsAsync(a.send(options(VIA), fresh));
  listener.reload(of('new.example'));
  t.deepEqual((await a.send(options(VIA, 'two'), fresh)).connection?.peerNames, ['new.example']);
  t.is(await a.send(options(VIA, 'three'), old), flow);
  const ids = [await b.next(), await b.next(), await b.next()].map(({ message }) => message.callId);
  t.deepEqual(ids.sort(), ['one', 'three', 'two']);
});

test('bytes that are no TLS cost the listener nothing', async (t) => {
  const { of } = certificates(t, ['sip.example']);
  const peer = new Peer(t);
  const client = new RawClient(t, (await peer.listen('tls', { tls: of('sip.example') })).local.port);
  client.socket.write(options(VIA).toString());
  await client.until(() => client.closed);
  t.is(peer.layer.connectionCount, 0);
  t.regex(peer.log.join(), /TLS handshake with/);
});

test('a listener without a key is refused', async (t) => {
  await t.throwsAsync(new Peer(t).listen('tls'), { message: /needs a key/ });
});

test('a closed listener leaves no handshake behind', async (t) => {
  const { of } = certificates(t, ['sip.example']);
  const peer = new Peer(t);
  const listener = await peer.listen('tls', { tls: of('sip.example') });
  const client = new RawClient(t, listener.local.port);
  await once(client.socket, 'connect');
  client.socket.write(Buffer.from([22, 3, 1]));
  await new Promise((resolve) => setImmediate(resolve));
  await peer.layer.close();
  await client.until(() => client.closed);
  t.is(peer.layer.connectionCount, 0);
});
