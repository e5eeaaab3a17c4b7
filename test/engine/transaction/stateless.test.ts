import { Buffer } from 'node:buffer';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { createResponse, parseMessage, type SipRequest, SipResponse } from '../../../src/engine/message/index.js';
import { stampVia } from '../../../src/engine/transport/stamp.js';
import { inbound, outbound } from './fake-transport.js';
import { start } from './layer-support.js';

const REFUSAL = { status: 503, headers: [['Retry-After', '7']] } as const;

/** A layer that is told to refuse all new work as long as `full` says so. */
function busy(protocol: 'udp' | 'tcp' = 'udp') {
  const state = { full: true, asked: 0 };
  const load = {
    mayRefuse: () => true,
    refuse: () => {
      state.asked++;
      return state.full ? REFUSAL : undefined;
    },
  };
  return { ...start({ load }, protocol), state };
}

function ackTo(invite: SipRequest, response: SipResponse): SipRequest {
  const ack = inbound('ACK', { via: invite.get('via') ?? '' });
  return ack.set('To', response.get('to') ?? '').set('Call-ID', invite.callId);
}

function lastAnswer(t: ExecutionContext, { transport }: ReturnType<typeof busy>): SipResponse {
  const message = transport.replies.at(-1)?.message;
  if (!(message instanceof SipResponse)) throw t.fail('nothing was answered');
  return message;
}

test('new work is refused without a transaction, the same request with the same To tag, and nobody hears of the ACK', async (t) => {
  const bench = busy();
  const { transport, layer, requests, acks, clock } = bench;
  const invite = inbound('INVITE');
  transport.receive(invite);
  const first = lastAnswer(t, bench);
  t.is(first.status, 503);
  t.is(first.get('retry-after'), '7');
  transport.receive(invite);
  t.is(lastAnswer(t, bench).toTag, first.toTag);
  t.is(layer.counts.server, 0);
  t.deepEqual(requests, []);
  transport.receive(ackTo(invite, first));
  await clock.advance(20_000);
  transport.receive(ackTo(invite, first));
  t.deepEqual(acks, []);
  t.is(transport.replies.length, 2, 'it is never sent again');
  for (const other of [inbound('INVITE', { branch: 'z9hG4bKb' }), inbound('INVITE', { callId: 'call2' })]) {
    transport.receive(other);
    t.not(lastAnswer(t, bench).toTag, first.toTag);
  }
});

test('every other ACK is passed on', async (t) => {
  const bench = busy();
  const { transport, acks, clock } = bench;
  const invite = inbound('INVITE');
  transport.receive(invite);
  const refused = lastAnswer(t, bench);
  transport.receive(inbound('ACK', { toTag: 'b' }));
  transport.receive(ackTo(invite, refused).set('Call-ID', 'another'));
  transport.receive(ackTo(invite, refused).set('To', `<sip:x@y>;tag=${refused.toTag}x`));
  transport.receive(
    ackTo(invite, refused)
      .set('To', `<sip:x@y>;tag=b`)
      .set('Subject', refused.toTag ?? ''),
  );
  t.is(acks.length, 4);
  await clock.advance(33_000);
  transport.receive(ackTo(invite, refused));
  t.is(acks.length, 5, 'Timer H is over');
});

test('what belongs to work in progress is never refused', async (t) => {
  const bench = busy();
  const { transport, state, only, requests, cancels, acks } = bench;
  state.full = false;
  const invite = inbound('INVITE');
  transport.receive(invite);
  t.is(state.asked, 1, 'once, not again after it was parsed');
  state.full = true;
  transport.receive(invite);
  t.deepEqual(transport.statuses, [100, 100], 'an INVITE that came again');
  transport.receive(inbound('CANCEL'));
  t.is(cancels.length, 1);
  t.deepEqual(transport.statuses.slice(2), [200]);
  only().respond(createResponse(only().request, 200, undefined, 'b'));
  transport.receive(invite);
  t.deepEqual(transport.statuses.slice(3), [200], 'an INVITE that was accepted');
  transport.receive(inbound('ACK', { toTag: 'b', branch: 'z9hG4bKack' }));
  t.is(acks.length, 1);
  for (const method of ['INVITE', 'BYE', 'UPDATE', 'INFO', 'PRACK', 'NOTIFY']) {
    transport.receive(inbound(method, { toTag: 'b', branch: `z9hG4bK${method}`, cseq: 2 }));
    t.is(requests.at(-1)?.request.method, method);
  }
  t.is(state.asked, 1);
});

test('a request that was answered gets its answer again', (t) => {
  const bench = busy();
  const { transport, state, only } = bench;
  state.full = false;
  transport.receive(inbound('MESSAGE'));
  only().respond(createResponse(only().request, 202, undefined, 'b'));
  state.full = true;
  transport.receive(inbound('MESSAGE'));
  t.deepEqual(transport.statuses, [202, 202]);
});

test('what a glance does not show is refused after it was parsed', (t) => {
  const bench = busy();
  const { transport, state, layer } = bench;
  const folded = inbound('INVITE').toBuffer().toString().replace('Max-Forwards: ', 'Max-Forwards:\r\n ');
  transport.receiveData(Buffer.from(folded));
  const old = inbound('INVITE', { via: 'SIP/2.0/UDP 192.0.2.2' });
  transport.receive(old);
  t.deepEqual(transport.statuses, [503, 503]);
  t.is(lastAnswer(t, bench).get('retry-after'), '7');
  t.is(layer.counts.server, 0);
  t.is(state.asked, 2);
});

test('over a connection the answer goes back over it', (t) => {
  const bench = busy('tcp');
  bench.transport.receive(inbound('INVITE', { via: 'SIP/2.0/TCP 192.0.2.2:40000;branch=z9hG4bK1;alias' }));
  t.is(lastAnswer(t, bench).get('via'), 'SIP/2.0/TCP 192.0.2.2:40000;branch=z9hG4bK1;alias');
  t.truthy(bench.transport.replies[0]?.flow.connection);
});

test('over UDP the answer goes to the port of the Via, with rport to where the request came from', (t) => {
  const bench = busy();
  bench.transport.receive(inbound('INVITE', { via: 'SIP/2.0/UDP 192.0.2.9:5099;branch=z9hG4bK1' }));
  bench.transport.receive(inbound('INVITE', { via: 'SIP/2.0/UDP 192.0.2.9:5099;branch=z9hG4bK2;rport' }));
  bench.transport.receive(inbound('INVITE', { via: 'SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK3' }));
  const to = bench.transport.replies.map(({ flow }) => flow.reply ?? flow.remote);
  t.deepEqual(
    to,
    [5099, 5060, 5060].map((port) => ({ address: '192.0.2.2', port })),
  );
});

const names = fc.constantFrom('', 'X', 'Bob ', '"B, \u00e4" ');
const vias = fc
  .record({
    host: fc.constantFrom('192.0.2.2', '192.0.2.3', 'pbx.Example.com', '[2001:db8::1]'),
    port: fc.constantFrom('', ':5060', ':40000'),
    before: fc.constantFrom('', ';alias', ';keep=1'),
    rport: fc.constantFrom('', ';rport', ';rport=', ';RPORT'),
    after: fc.constantFrom('', ';ttl=1', ';x'),
    more: fc.constantFrom('', ',SIP/2.0/TCP a;branch=z9hG4bKq'),
  })
  .map(
    ({ host, port, before, rport, after, more }) =>
      `SIP/2.0/UDP ${host}${port}${before}${rport};branch=z9hG4bK7${after}${more}`,
  );

test('the answer is the one that the whole way would give', (t) => {
  fc.assert(
    fc.property(vias, names, fc.constantFrom('INVITE', 'REGISTER', 'MESSAGE'), (via, name, method) => {
      const bench = busy();
      const request = outbound(method).prepend('Via', 'SIP/2.0/UDP further').prepend('Via', via);
      request.set('To', `${name}<sip:2001@corp.example>`);
      bench.transport.receive(request);
      const { message, flow } = bench.transport.replies[0] ?? {};
      if (!(message instanceof SipResponse) || !flow) throw new Error('no answer');
      t.regex(message.toTag ?? '', /^[a-z0-9]{20,}$/, 'a glance was enough');

      const whole = parseMessage(request.toBuffer());
      if (whole.kind !== 'request') throw new Error('no request');
      stampVia(whole, flow.remote);
      const expected = createResponse(whole, 503, undefined, message.toTag).set('Retry-After', '7');
      t.deepEqual(parts(message), parts(parseMessage(expected.toBuffer())));
    }),
    { numRuns: 200 },
  );
});

/** What a message says; the order of the Via's parameters and the case of its host say nothing. */
function parts(message: ReturnType<typeof parseMessage>): unknown {
  const { protocol, host, port, params } = message.via;
  const headers = [...message.headers()].filter(([name]) => name !== 'Via');
  const others = message.list('via').slice(1);
  const sorted = [...params].map(([key, value]) => `${key.toLowerCase()}=${value}`).sort();
  return { start: message.kind === 'response' && message.status, headers, others, protocol, host, port, sorted };
}
