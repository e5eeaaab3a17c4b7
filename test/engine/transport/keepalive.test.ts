import test from 'ava';
import { FakeClock, settle } from '../../support/fake-clock.js';
import { options, Peer, RawClient, targetOf } from './support.js';

for (const protocol of ['tcp', 'ws'] as const) {
  test(`${protocol}: pings are answered and keep the connection`, async (t) => {
    const clock = new FakeClock();
    const [a, b] = [new Peer(t, { clock }), new Peer(t)];
    const via = `SIP/2.0/${protocol.toUpperCase()} h;branch=z9hG4bK1`;
    const flow = await a.send(options(via), targetOf(await b.listen(protocol)));
    const back = (await b.next()).flow;
    a.layer.keepAlive(flow, 30_000);
    for (let i = 0; i < 20; i++) {
      clock.advance(5_000);
      await a.send(options(via, `${i}`), { protocol, host: '', port: 0, flow });
      await b.next();
      await b.send(options(via, `${i}`), { protocol, host: '', port: 0, flow: back });
      await a.next();
    }
    t.is(a.closed.length, 0);
    t.true(flow.connection?.alive);
  });
}

test('a ping without an answer closes the connection after pongTimeout', async (t) => {
  const clock = new FakeClock();
  const peer = new Peer(t, { clock });
  const client = new RawClient(t, (await peer.listen('tcp')).local.port);
  client.socket.write(options('SIP/2.0/TCP h;branch=z9hG4bK1').toString());
  const { flow } = await peer.next();
  peer.layer.keepAlive(flow, 30_000);
  clock.advance(30_000);
  await client.until(() => client.text.length === 4);
  t.is(client.text, '\r\n\r\n');
  clock.advance(3_900);
  await settle();
  t.true(flow.connection?.alive);
  clock.advance(6_100);
  await client.until(() => client.closed);
  await peer.until(() => peer.closed.length === 1);
  t.regex(peer.log.join(), /Keepalive was not answered/);
});

test('UDP flows have nothing to keep', async (t) => {
  const clock = new FakeClock();
  const [a, b] = [new Peer(t, { clock }), new Peer(t)];
  await a.listen('udp');
  const flow = await a.send(options('SIP/2.0/UDP h;branch=z9hG4bK1'), targetOf(await b.listen('udp')));
  await b.next();
  const before = clock.pending;
  a.layer.keepAlive(flow, 1000);
  t.is(clock.pending, before);
});
