import test from 'ava';
import { Inbox } from '../../../src/engine/transport/inbox.js';
import type { Flow } from '../../../src/engine/transport/index.js';
import { canWait } from '../../../src/engine/transport/urgency.js';
import { FakeClock } from '../../support/fake-clock.js';

const FLOW: Flow = {
  protocol: 'udp',
  local: { address: '192.0.2.1', port: 5060 },
  remote: { address: '192.0.2.2', port: 5060 },
};

const text = (start: string, to = '<sip:bob@example.com>'): Buffer =>
  Buffer.from(`${start}\r\nVia: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK1\r\nTo: ${to}\r\n\r\n`);
const invite = (name: string): Buffer => text(`INVITE sip:${name}@example.com SIP/2.0`);

/** An inbox whose owner takes `cost` milliseconds for each message, and has the processor for that `share` of the time. */
function start(cost: number, lateAfter?: number, share = 1) {
  const clock = new FakeClock();
  const received: string[] = [];
  const inbox = new Inbox({
    clock,
    lateAfter,
    processorTime: () => clock.monotonic() * share,
    receive: (data, flow) => {
      received.push(`${data.toString().split(/[ :@]/)[2] ?? ''}${flow.late ? ' late' : ''}`);
      void clock.advance(cost);
    },
  });
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return { clock, inbox, received, turn };
}

test('while there is time messages are given out as they come', (t) => {
  const { inbox, received } = start(1);
  for (const name of ['a', 'b', 'c', 'd']) inbox.take(invite(name), FLOW);
  t.deepEqual(received, ['a', 'b', 'c', 'd']);
});

test('when a turn has no more time, calls in progress go first, new work and CANCEL in their order after them', async (t) => {
  const { inbox, received, turn } = start(5);
  inbox.take(invite('a'), FLOW);
  inbox.take(invite('b'), FLOW);
  inbox.take(text('CANCEL sip:c@example.com SIP/2.0'), FLOW);
  inbox.take(text('BYE sip:d@example.com SIP/2.0'), FLOW);
  inbox.take(text('INFO sip:e@example.com SIP/2.0', '<sip:bob@example.com>;tag=1'), FLOW);
  t.deepEqual(received, ['a', 'd', 'e']);
  for (let i = 0; i < 4; i++) await turn();
  t.deepEqual(received, ['a', 'd', 'e', 'b', 'c']);
});

test('a pause is no overload', async (t) => {
  const { inbox, received, turn, clock } = start(5);
  inbox.take(invite('a'), FLOW);
  inbox.take(invite('b'), FLOW);
  await clock.advance(700);
  for (let i = 0; i < 4; i++) await turn();
  t.deepEqual(received, ['a', 'b']);
});

test('work that waits for long is late: in a burst when it would soon be sent again, beyond it after 200 ms', async (t) => {
  const { inbox, received, turn, clock } = start(5);
  const began = clock.monotonic();
  const lateAt: number[] = [];
  for (let seen = 0; clock.monotonic() - began < 8000; seen = received.length) {
    for (let i = 0; i < 3; i++) inbox.take(invite('x'), FLOW);
    await turn();
    const fresh = received.slice(seen).filter((name) => name.includes('late'));
    lateAt.push(...fresh.map(() => clock.monotonic() - began));
  }
  t.true((lateAt[0] ?? 0) > 750 && (lateAt[0] ?? 0) < 1200, `first after ${lateAt[0]} ms`);
  const inBurst = lateAt.filter((at) => at < 4000).length;
  const after = lateAt.filter((at) => at >= 4000).length;
  t.true(inBurst > 100 && after > inBurst, `${inBurst} and ${after}`);
});

test('a pause in which others had the processor is none either, while somebody waits; beyond 2 s work is late all the same', async (t) => {
  for (const [pause, late] of [
    [1800, false],
    [2100, true],
  ] as const) {
    const { inbox, received, turn, clock } = start(5, undefined, 0.3);
    inbox.take(invite('a'), FLOW);
    for (let i = 0; i < 20; i++) inbox.take(invite('b'), FLOW);
    await clock.advance(pause);
    for (let i = 0; i < 30; i++) await turn();
    t.is(received.length, 21);
    t.is(
      received.some((name) => name.includes('late')),
      late,
      `${pause} ms`,
    );
  }
});

test('while there is more to be read new work gets 1 ms of each turn, else 5', async (t) => {
  const { inbox, received, turn } = start(1);
  for (let i = 0; i < 32; i++) inbox.take(text('BYE sip:d@example.com SIP/2.0'), FLOW);
  await turn();
  received.length = 0;
  for (let i = 0; i < 32; i++) inbox.take(invite('a'), FLOW);
  t.deepEqual(received, [], 'what was read before was not all there was');
  await turn();
  t.deepEqual(received, ['a']);
  inbox.take(text('BYE sip:d@example.com SIP/2.0'), FLOW);
  await turn();
  t.is(received.join(' '), 'a d a a a a a', 'all had been read');
});

test('where sockets are not emptied for a while, new work is late at once but for 1 ms of each turn, until they are', async (t) => {
  const { inbox, received, turn, clock } = start(0.5);
  const full = async (name: string): Promise<void> => {
    for (let i = 0; i < 32; i++) inbox.take(invite(name), FLOW);
    await turn();
    await clock.advance(50);
  };
  for (let i = 0; i < 8; i++) await full('a');
  t.true(
    received.every((name) => name === 'a'),
    'it may have been a pause',
  );
  received.length = 0;
  await full('b');
  t.deepEqual(received.slice(0, 4), ['b', 'b', 'b late', 'b late']);
  for (let i = 0; i < 60; i++) await turn();
  received.length = 0;
  inbox.take(invite('c'), FLOW);
  await turn();
  inbox.take(invite('d'), FLOW);
  t.deepEqual(received, ['c', 'd'], 'the turn of c was not full: all had been read');
});

test('the line is bounded: beyond it datagrams are dropped, what came over a connection is late at once', async (t) => {
  const { inbox, received, turn } = start(5);
  inbox.take(invite('first'), FLOW);
  for (let i = 0; i < 10_000; i++) inbox.take(invite('flood'), FLOW);
  const connection = { id: 1, protocol: 'tcp', alive: true, outbound: false, verified: false, peerNames: [] } as const;
  inbox.take(invite('stream'), { ...FLOW, protocol: 'tcp', connection: { ...connection, close() {} } });
  t.deepEqual(received, ['first', 'stream late']);
  inbox.close();
  await turn();
  t.is(received.length, 2);
});

test('what can wait: requests outside dialogs, whatever their spelling, and CANCEL', (t) => {
  const tagged = '"Bob" <sip:bob@example.com>;x=y ; TAG=1';
  t.true(canWait(text('INVITE sip:a SIP/2.0')));
  t.true(canWait(text('REGISTER sip:a SIP/2.0')));
  t.true(canWait(text('SUBSCRIBE sip:a SIP/2.0')));
  t.true(canWait(text('CANCEL sip:a SIP/2.0')));
  t.true(canWait(Buffer.from('no SIP at all')));
  t.false(canWait(text('SIP/2.0 200 OK', tagged)));
  t.false(canWait(text('ACK sip:a SIP/2.0')));
  t.false(canWait(text('BYE sip:a SIP/2.0', tagged)));
  t.false(canWait(text('INVITE sip:a SIP/2.0', tagged)));
  t.false(canWait(Buffer.from(text('INVITE sip:a SIP/2.0', tagged).toString().replace('To:', 't :'))));
  t.true(canWait(Buffer.from('INVITE sip:a SIP/2.0\r\nFrom: <sip:a>;tag=1\r\nTo: <sip:b>\r\n\r\n')));
});
