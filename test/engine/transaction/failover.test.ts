import test from 'ava';
import { createResponse } from '../../../src/engine/message/index.js';
import { requestWithFailover, TransactionLayer } from '../../../src/engine/transaction/index.js';
import type { Target } from '../../../src/engine/transport/index.js';
import { FakeClock, settle } from '../../support/fake-clock.js';
import { FakeTransport, outbound } from './fake-transport.js';

const TARGETS: Target[] = ['192.0.2.1', '192.0.2.2', '192.0.2.3'].map((host) => ({
  protocol: 'udp',
  host,
  port: 5060,
}));

function start(method = 'INVITE', targets = TARGETS) {
  const clock = new FakeClock();
  const transport = new FakeTransport();
  const user = { onRequest() {}, onAck() {}, onCancel() {} };
  const layer = new TransactionLayer({ transport, clock, user });
  const events: string[] = [];
  const sending = requestWithFailover(layer, outbound(method), targets, {
    onResponse: (response) => events.push(String(response.status)),
    onTimeout: () => events.push('timeout'),
    onTransportError: (error) => events.push(error.message),
    onEnd: () => events.push('end'),
  });
  const hosts = () => transport.sent.map(({ message, target }) => `${message.cseq.method} ${target.host}`);
  const answer = (status: number) =>
    transport.receive(createResponse(transport.lastRequest(), status, undefined, 'peer'));
  return { clock, transport, events, sending, hosts, answer };
}

test('the first that answers keeps the request', (t) => {
  const { events, hosts, answer } = start();
  answer(180);
  answer(486);
  t.deepEqual(events, ['180', '486']);
  t.deepEqual(hosts(), ['INVITE 192.0.2.1', 'ACK 192.0.2.1']);
});

test('a 503 sends it to the next, each time with a Via and branch of its own', (t) => {
  const { transport, events, hosts } = start('OPTIONS');
  const first = transport.lastRequest();
  transport.receive(createResponse(first, 503, undefined, 'peer'));
  const second = transport.lastRequest();
  t.not(second.via.branch, first.via.branch);
  t.is(second.list('via').length, 1);
  transport.receive(createResponse(second, 200, undefined, 'peer'));
  t.deepEqual(hosts(), ['OPTIONS 192.0.2.1', 'OPTIONS 192.0.2.2']);
  t.deepEqual(events, ['200']);
});

test('silence and transport errors send it to the next; the last word is the user’s', async (t) => {
  const { clock, transport, events, hosts } = start('OPTIONS');
  clock.advance(32_000);
  transport.refuse({ address: '192.0.2.2', port: 5060 });
  await settle();
  t.is(hosts().at(-1), 'OPTIONS 192.0.2.3');
  t.deepEqual(events, []);
  clock.advance(32_000);
  t.deepEqual(events, ['timeout', 'end']);
});

test('a single target: its 503 is the answer', (t) => {
  const { events, answer } = start('OPTIONS', TARGETS.slice(0, 1));
  answer(503);
  t.deepEqual(events, ['503']);
});

test('after CANCEL no other target is tried', (t) => {
  const { sending, events, answer, hosts } = start();
  answer(100);
  sending.cancel();
  t.is(hosts().at(-1), 'CANCEL 192.0.2.1');
  t.is(sending.current.state, 'proceeding');
  t.deepEqual(events, []);
});

test('no target at all', (t) => {
  t.throws(() => start('OPTIONS', []), { message: 'No target to send to' });
});
