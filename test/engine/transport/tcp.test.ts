import { once } from 'node:events';
import { createServer } from 'node:net';
import test from 'ava';
import { createResponse, SipRequest } from '../../../src/engine/message/index.js';
import { FakeClock, settle } from '../../support/fake-clock.js';
import { options, Peer, RawClient, targetOf } from './support.js';

const VIA = 'SIP/2.0/TCP client.example;branch=z9hG4bK1';

function requestOf(message: unknown): SipRequest {
  if (message instanceof SipRequest) return message;
  throw new Error('No request');
}

test('requests share one connection, responses come back over it', async (t) => {
  const [a, b] = [new Peer(t), new Peer(t)];
  const listener = await b.listen('tcp');
  const first = await a.send(options(VIA, 'one'), targetOf(listener));
  const second = await a.send(options(VIA, 'two'), targetOf(listener));
  t.is(first, second);
  t.is(a.layer.connectionCount, 1);
  const one = await b.next();
  const two = await b.next();
  t.deepEqual([one.message.callId, two.message.callId], ['one', 'two']);
  t.is(one.message.via.params.get('received'), '127.0.0.1');
  t.is(one.flow, two.flow);
  await b.reply(createResponse(requestOf(two.message), 200), two.flow);
  t.is((await a.next()).message.callId, 'two');
});

test('requests that come before the connection is open are sent in order', async (t) => {
  const [a, b] = [new Peer(t), new Peer(t)];
  const target = targetOf(await b.listen('tcp'));
  const ids = ['1', '2', '3', '4', '5'];
  await Promise.all(ids.map((id) => a.send(options(VIA, id), target)));
  const came: string[] = [];
  for (const _ of ids) came.push((await b.next()).message.callId);
  t.deepEqual(came, ids);
});

test('a request goes down the flow it is given', async (t) => {
  const [a, b] = [new Peer(t), new Peer(t)];
  await a.send(options(VIA), targetOf(await b.listen('tcp')));
  const { flow } = await b.next();
  await b.send(options(VIA, 'back'), { protocol: 'tcp', host: '', port: 0, flow });
  t.is((await a.next()).message.callId, 'back');
  t.is(b.layer.connectionCount, 1);
});

test('a flow that is gone is an error; with a host to go to, a new connection', async (t) => {
  const [a, b] = [new Peer(t), new Peer(t)];
  const target = targetOf(await b.listen('tcp'));
  const flow = await a.send(options(VIA), target);
  flow.connection?.close();
  await a.until(() => a.closed.length === 1);
  t.is(a.closed[0], flow);
  await t.throwsAsync(a.send(options(VIA), { ...target, host: '', flow }), { message: 'Connection is closed' });
  const fresh = await a.send(options(VIA), { ...target, flow });
  t.not(fresh, flow);
});

test('a refused connection is an error at once, for everyone who waits', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  await new Promise((resolve) => server.close(resolve));
  const peer = new Peer(t);
  const target = { protocol: 'tcp', host: '127.0.0.1', port } as const;
  const results = await Promise.allSettled([peer.send(options(VIA), target), peer.send(options(VIA), target)]);
  t.deepEqual(
    results.map((result) => result.status === 'rejected' && /ECONNREFUSED/.test(String(result.reason))),
    [true, true],
  );
  t.is(peer.layer.connectionCount, 0);
});

test('a response whose connection is gone goes over a new one to the Via’s port', async (t) => {
  const [a, b] = [new Peer(t), new Peer(t)];
  const la = await a.listen('tcp');
  const via = `SIP/2.0/TCP 127.0.0.1:${la.local.port};branch=z9hG4bK1`;
  const flow = await a.send(options(via), targetOf(await b.listen('tcp')));
  const inbound = await b.next();
  flow.connection?.close();
  await b.until(() => b.closed.length === 1);
  await b.reply(createResponse(requestOf(inbound.message), 200), inbound.flow);
  const answer = await a.next();
  t.is(answer.message.callId, 'c1');
  t.false(answer.flow.connection?.outbound);
});

test('keepalives: a double CRLF is answered with CRLF, also between messages', async (t) => {
  const peer = new Peer(t);
  const client = new RawClient(t, (await peer.listen('tcp')).local.port);
  client.socket.write(`\r\n\r\n${options(VIA).toString()}\r\n\r\n`);
  await client.until(() => client.text.length >= 4);
  t.is(client.text, '\r\n\r\n');
  t.is((await peer.next()).message.callId, 'c1');
});

test('a stream that can’t be framed is answered and closed', async (t) => {
  const peer = new Peer(t);
  peer.layer.onParseError((error, flow) => {
    if (error.request) peer.layer.reply(createResponse(error.request, error.status, error.reason), flow);
  });
  const client = new RawClient(t, (await peer.listen('tcp')).local.port);
  client.socket.write(options(VIA).toString().replace('Content-Length: 0\r\n', ''));
  await client.until(() => client.closed);
  t.regex(client.text, /^SIP\/2.0 400 Missing or illegal Content-Length\r\n/);
});

test('a message that can’t be parsed leaves the stream open', async (t) => {
  const peer = new Peer(t);
  const client = new RawClient(t, (await peer.listen('tcp')).local.port);
  client.socket.write(
    options(VIA)
      .toString()
      .replace(/CSeq.*\r\n/, ''),
  );
  client.socket.write(options(VIA, 'good').toString());
  t.is((await peer.next()).message.callId, 'good');
  t.is(peer.errors[0]?.error.reason, 'Missing CSeq header');
});

test('bytes that are no SIP close the connection within bounds', async (t) => {
  const peer = new Peer(t, { limits: { headBytes: 1000 } });
  const client = new RawClient(t, (await peer.listen('tcp')).local.port);
  client.socket.write('x'.repeat(2000));
  await client.until(() => client.closed);
  t.is(peer.received.length, 0);
});

test('connections from one address are bounded, closed ones make room', async (t) => {
  const peer = new Peer(t, { limits: { connectionsPerAddress: 2 } });
  const { port } = (await peer.listen('tcp')).local;
  const clients = [new RawClient(t, port), new RawClient(t, port)];
  for (const client of clients) client.socket.write(options(VIA).toString());
  await peer.until(() => peer.received.length === 2);
  const third = new RawClient(t, port);
  await third.until(() => third.closed);
  t.is(peer.layer.connectionCount, 2);
  clients[0]?.socket.destroy();
  await peer.until(() => peer.closed.length === 1);
  const fourth = new RawClient(t, port);
  fourth.socket.write(options(VIA, 'fourth').toString());
  await peer.until(() => peer.received.length === 3);
  t.is(peer.received[2]?.message.callId, 'fourth');
});

test('connections in all are bounded', async (t) => {
  const peer = new Peer(t, { limits: { connections: 0 } });
  const client = new RawClient(t, (await peer.listen('tcp')).local.port);
  await client.until(() => client.closed);
  t.is(peer.layer.connectionCount, 0);
});

test('a message begun and not finished closes the connection after halfSentTimeout', async (t) => {
  const clock = new FakeClock();
  const peer = new Peer(t, { clock });
  const client = new RawClient(t, (await peer.listen('tcp')).local.port);
  const text = options(VIA).toString();
  client.socket.write(text + text.slice(0, 20));
  await peer.next();
  clock.advance(9_999);
  await settle();
  t.false(client.closed);
  clock.advance(1);
  await client.until(() => client.closed);
  t.is(peer.layer.connectionCount, 0);
});

test('an idle connection is closed after idleTimeout, one in use is not', async (t) => {
  const clock = new FakeClock();
  const peer = new Peer(t, { clock });
  const client = new RawClient(t, (await peer.listen('tcp')).local.port);
  client.socket.write(options(VIA).toString());
  await peer.next();
  clock.advance(29 * 60_000);
  client.socket.write(options(VIA).toString());
  await peer.next();
  clock.advance(29 * 60_000);
  await settle();
  t.is(peer.layer.connectionCount, 1);
  clock.advance(60_000);
  await client.until(() => client.closed);
  t.is(peer.layer.connectionCount, 0);
});

test('a peer that does not read is cut off', async (t) => {
  const peer = new Peer(t, { limits: { sendBufferBytes: 100_000 } });
  const client = new RawClient(t, (await peer.listen('tcp')).local.port);
  client.socket.pause();
  client.socket.write(options(VIA).toString());
  const { flow } = await peer.next();
  const large = options(VIA).add('X-Pad', 'x'.repeat(10_000));
  const error = await (async () => {
    for (let i = 0; i < 5000; i++) {
      try {
        await peer.send(large, { protocol: 'tcp', host: '', port: 0, flow });
      } catch (caught) {
        return caught;
      }
    }
    return undefined;
  })();
  t.regex(String(error), /Peer does not read/);
});

test('close ends everything', async (t) => {
  const [a, b] = [new Peer(t), new Peer(t)];
  const listener = await b.listen('tcp');
  await a.send(options(VIA), targetOf(listener));
  await b.next();
  await b.layer.close();
  await a.until(() => a.closed.length === 1);
  await t.throwsAsync(a.send(options(VIA), targetOf(listener)), { message: /ECONNREFUSED/ });
});

test('a listener closed alone: no new connections, the open ones live on', async (t) => {
  const [a, b] = [new Peer(t), new Peer(t)];
  const listener = await b.listen('tcp');
  const target = targetOf(listener);
  const flow = await a.send(options(VIA), target);
  await b.next();
  await listener.close();
  t.deepEqual(b.layer.listeners, []);
  await a.send(options(VIA, 'still'), { ...target, flow });
  t.is((await b.next()).message.callId, 'still');
  const client = new RawClient(t, listener.local.port);
  await client.until(() => client.closed);
  t.is(b.layer.connectionCount, 1);
});

test('IPv6', async (t) => {
  const [a, b] = [new Peer(t), new Peer(t)];
  const listener = await b.listen('tcp', { address: '::' });
  const via = 'SIP/2.0/TCP [2001:db8::1]:5070;branch=z9hG4bK1';
  await a.send(options(via), { protocol: 'tcp', host: '[::1]', port: listener.local.port });
  const inbound = await b.next();
  t.is(inbound.message.get('Via'), `${via};received=::1`);
  await b.reply(createResponse(requestOf(inbound.message), 200), inbound.flow);
  t.is((await a.next()).flow.remote.address, '::1');
});
