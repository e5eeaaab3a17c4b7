import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import { createResponse, SipRequest } from '../../../src/engine/message/index.js';
import { options, Peer, targetOf } from './support.js';

async function rawSocket(t: ExecutionContext): Promise<Socket> {
  const socket = createSocket('udp4');
  t.teardown(() => void socket.close());
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

test('a request goes out as it is, comes in with received and rport, its response goes back', async (t) => {
  const [a, b] = [new Peer(t), new Peer(t)];
  const [la, lb] = [await a.listen('udp'), await b.listen('udp')];
  const flow = await a.send(options('SIP/2.0/UDP client.example:5060;branch=z9hG4bK1;rport'), targetOf(lb));
  t.deepEqual(flow, { protocol: 'udp', local: la.local, remote: lb.local });
  const inbound = await b.next();
  t.deepEqual(inbound.flow.remote, la.local);
  t.is(
    inbound.message.get('Via'),
    `SIP/2.0/UDP client.example:5060;branch=z9hG4bK1;rport=${la.local.port};received=127.0.0.1`,
  );
  if (!(inbound.message instanceof SipRequest)) throw new Error('No request');
  await b.reply(createResponse(inbound.message, 200), inbound.flow);
  t.is((await a.next()).message.get('Via'), inbound.message.get('Via'));
});

test('without rport the response goes to the port that the Via names, at the address that the request came from', async (t) => {
  const peer = new Peer(t);
  const listener = await peer.listen('udp');
  const [sender, named] = [await rawSocket(t), await rawSocket(t)];
  const request = options(`SIP/2.0/UDP 192.0.2.9:${named.address().port};branch=z9hG4bK1`);
  sender.send(request.toBuffer(), listener.local.port, '127.0.0.1');
  const inbound = await peer.next();
  if (!(inbound.message instanceof SipRequest)) throw new Error('No request');
  const answer = once(named, 'message');
  peer.layer.reply(createResponse(inbound.message, 200), inbound.flow);
  t.regex(
    String((await answer)[0]),
    /^SIP\/2.0 200 OK\r\nVia: SIP\/2.0\/UDP 192.0.2.9:\d+;branch=z9hG4bK1;received=127.0.0.1/,
  );
});

test('a received parameter of the sender’s own making is overwritten or removed', async (t) => {
  const [a, b] = [new Peer(t), new Peer(t)];
  await a.listen('udp');
  const lb = await b.listen('udp');
  await a.send(options('SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1;received=192.0.2.66'), targetOf(lb));
  t.is((await b.next()).message.get('Via'), 'SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1');
});

test('a datagram that is no message is told as such', async (t) => {
  const peer = new Peer(t);
  const listener = await peer.listen('udp');
  const socket = await rawSocket(t);
  socket.send('OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n\r\n', listener.local.port, '127.0.0.1');
  await peer.until(() => peer.errors.length === 1);
  t.is(peer.errors[0]?.error.status, 400);
  t.is(peer.received.length, 0);
});

test('keepalives: a double CRLF is answered with CRLF, others are swallowed', async (t) => {
  const peer = new Peer(t);
  const listener = await peer.listen('udp');
  const socket = await rawSocket(t);
  const answers: string[] = [];
  socket.on('message', (data) => answers.push(data.toString()));
  const answered = once(socket, 'message');
  for (const text of ['\r\n', '\0', '\r\n\r\n']) socket.send(text, listener.local.port, '127.0.0.1');
  await answered;
  t.deepEqual(answers, ['\r\n']);
  t.is(peer.errors.length, 0);
});

test('a port without a listener is told of', async (t) => {
  const peer = new Peer(t);
  await peer.listen('udp');
  const port = await closedPort();
  const refused = new Promise<string>((resolve) => {
    peer.layer.onUnreachable((remote, error) => resolve(`${remote.address}:${remote.port} ${error.message}`));
  });
  const send = () =>
    peer.send(options('SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1'), { protocol: 'udp', host: '127.0.0.1', port });
  await send();
  // as a client transaction does: the system sends only so many ICMP messages a second, and one may be left out
  const again = setInterval(() => void send(), 1_100);
  t.teardown(() => clearInterval(again));
  t.is(await refused, `127.0.0.1:${port} Nobody listens on UDP 127.0.0.1:${port}`);
});

/** A port that nobody listens on, from below the range that the system gives to others meanwhile. */
async function closedPort(): Promise<number> {
  for (let port = 21_000 + (process.pid % 8_000); ; port++) {
    const socket = createSocket('udp4');
    const free = await new Promise<boolean>((resolve) => {
      socket.once('error', () => resolve(false));
      socket.bind(port, '127.0.0.1', () => resolve(true));
    });
    await new Promise<void>((resolve) => socket.close(() => resolve()));
    if (free) return port;
  }
}

test('IPv6', async (t) => {
  const [a, b] = [new Peer(t), new Peer(t)];
  const la = await a.listen('udp', { address: '::1' });
  const lb = await b.listen('udp', { address: '::1' });
  t.deepEqual(a.layer.localFor(targetOf(lb)), { protocol: 'udp', host: '[::1]', port: la.local.port });
  await a.send(options('SIP/2.0/UDP [2001:db8::1];branch=z9hG4bK1;rport'), targetOf(lb));
  const inbound = await b.next();
  t.is(inbound.message.get('Via'), `SIP/2.0/UDP [2001:db8::1];branch=z9hG4bK1;rport=${la.local.port};received=::1`);
  if (!(inbound.message instanceof SipRequest)) throw new Error('No request');
  await b.reply(createResponse(inbound.message, 200), inbound.flow);
  t.is((await a.next()).message.via.host, '[2001:db8::1]');
});

test('each address family leaves from its own listener', async (t) => {
  const peer = new Peer(t);
  const v4 = await peer.listen('udp');
  const v6 = await peer.listen('udp', { address: '::1' });
  const host = (address: string) => peer.layer.localFor({ protocol: 'udp', host: address, port: 5060 });
  t.deepEqual(host('192.0.2.1'), { protocol: 'udp', host: '127.0.0.1', port: v4.local.port });
  t.deepEqual(host('2001:db8::1'), { protocol: 'udp', host: '[::1]', port: v6.local.port });
});

test('an advertised address is what Via and Contact show', async (t) => {
  const peer = new Peer(t);
  const listener = await peer.listen('udp', { advertise: { host: 'sip.example', port: 5060 } });
  t.deepEqual(peer.layer.localFor(targetOf(listener)), { protocol: 'udp', host: 'sip.example', port: 5060 });
});

test('a wildcard address shows one that the other side can reach', async (t) => {
  const peer = new Peer(t);
  const listener = await peer.listen('udp', { address: '0.0.0.0' });
  const shown = peer.layer.localFor({ protocol: 'udp', host: '127.0.0.1', port: 5060 });
  t.deepEqual(shown, { protocol: 'udp', host: '127.0.0.1', port: listener.local.port });
  t.not(peer.layer.localFor({ protocol: 'udp', host: '192.0.2.1', port: 5060 }).host, '0.0.0.0');
});

test('a port that is taken is refused', async (t) => {
  const peer = new Peer(t);
  const { port } = (await peer.listen('udp')).local;
  await t.throwsAsync(peer.layer.listen({ protocol: 'udp', address: '127.0.0.1', port }), { code: 'EADDRINUSE' });
});

test('nothing to send from is an error', async (t) => {
  const peer = new Peer(t);
  const request = options('SIP/2.0/UDP h;branch=z9hG4bK1');
  await t.throwsAsync(peer.send(request, { protocol: 'udp', host: '127.0.0.1', port: 5060 }), {
    message: /No UDP listener/,
  });
});
