import test from 'ava';
import { createResponse, SipParseError } from '../../../src/engine/message/index.js';
import type { ServerTransaction } from '../../../src/engine/transaction/index.js';
import { inbound, outbound } from './fake-transport.js';
import { client, start, TARGET } from './layer-support.js';

test('an INVITE gets 100 at once, is handed over once, and its retransmissions get 100 again', (t) => {
  const { transport, requests } = start();
  transport.receive(inbound('INVITE'));
  transport.receive(inbound('INVITE'));
  t.is(requests.length, 1);
  t.deepEqual(transport.statuses, [100, 100]);
});

test('without autoTrying the user says the first word', (t) => {
  const { transport, only } = start({ autoTrying: false });
  transport.receive(inbound('INVITE'));
  t.deepEqual(transport.statuses, []);
  only().respond(createResponse(only().request, 180));
  t.deepEqual(transport.statuses, [180]);
});

test('requests with another branch, sent-by or method are other transactions', (t) => {
  const { transport, requests } = start();
  transport.receive(inbound('OPTIONS', { branch: 'z9hG4bKa', cseq: 1 }));
  transport.receive(inbound('OPTIONS', { branch: 'z9hG4bKb', cseq: 2 }));
  transport.receive(inbound('OPTIONS', { via: 'SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKa', cseq: 3 }));
  transport.receive(inbound('INFO', { branch: 'z9hG4bKa', cseq: 4 }));
  t.is(requests.length, 4);
});

test('all responses of a transaction carry the same To tag, filled in by the layer', (t) => {
  const { transport, only } = start();
  transport.receive(inbound('INVITE'));
  const tx = only();
  tx.respond(createResponse(tx.request, 180));
  tx.respond(createResponse(tx.request, 486));
  const tags = transport.replies.map(({ message }) => message.toTag);
  t.deepEqual(tags, [undefined, tx.localTag, tx.localTag]);
});

test('a request within a dialog keeps its To tag', (t) => {
  const { transport, only } = start();
  transport.receive(inbound('BYE', { toTag: 'mine' }));
  only().respond(createResponse(only().request, 200));
  t.is(only().localTag, 'mine');
  t.is(transport.replies[0]?.message.get('to'), '<sip:2001@corp.example>;tag=mine');
});

test('the ACK of a final other than 2xx ends there; the ACK of a 2xx is the user’s', (t) => {
  const { transport, requests, acks } = start();
  transport.receive(inbound('INVITE', { branch: 'z9hG4bK1', callId: 'a' }));
  requests[0]?.respond(createResponse(requests[0].request, 486));
  transport.receive(inbound('ACK', { branch: 'z9hG4bK1', callId: 'a' }));
  t.is(acks.length, 0);
  t.is(requests[0]?.state, 'confirmed');
  transport.receive(inbound('INVITE', { branch: 'z9hG4bK2', callId: 'b' }));
  requests[1]?.respond(createResponse(requests[1].request, 200));
  transport.receive(inbound('ACK', { branch: 'z9hG4bK3', callId: 'b' }));
  transport.receive(inbound('ACK', { branch: 'z9hG4bK2', callId: 'b' }));
  t.deepEqual(
    acks.map((ack) => ack.callId),
    ['b', 'b'],
  );
});

test('the end of a server transaction is told, also to who asks later', (t) => {
  const { transport, only, clock, layer } = start();
  const told: string[] = [];
  transport.receive(inbound('OPTIONS'));
  only().onEnd((why) => told.push(why));
  only().respond(createResponse(only().request, 200));
  clock.advance(32_000);
  only().onEnd((why) => told.push(`late ${why}`));
  t.deepEqual(told, ['completed', 'late completed']);
  t.deepEqual(layer.counts, { client: 0, server: 0 });
});

test('an INVITE without ACK ends by timeout', (t) => {
  const { transport, only, clock } = start();
  transport.receive(inbound('INVITE'));
  const told: string[] = [];
  only().onEnd((why) => told.push(why));
  only().respond(createResponse(only().request, 486));
  clock.advance(32_000);
  t.deepEqual(told, ['timeout']);
});

test('a request that nobody answers gets a 100 after 3.5 s and ends by timeout', (t) => {
  const { transport, only, clock } = start();
  transport.receive(inbound('OPTIONS'));
  const told: string[] = [];
  only().onEnd((why) => told.push(why));
  clock.advance(32_000);
  t.deepEqual(transport.statuses, [100]);
  t.deepEqual(told, ['timeout']);
});

test('CANCEL: 200 with the INVITE’s To tag, then the user is told and sends the 487', (t) => {
  const { transport, only, cancels } = start();
  transport.receive(inbound('INVITE'));
  transport.receive(inbound('CANCEL'));
  const tx = only();
  t.is(cancels[0]?.invite, tx);
  tx.respond(createResponse(tx.request, 487));
  t.deepEqual(transport.statuses, [100, 200, 487]);
  t.is(transport.replies[1]?.message.toTag, transport.replies[2]?.message.toTag);
  transport.receive(inbound('CANCEL'));
  t.is(cancels.length, 1, 'a retransmitted CANCEL is answered, not told again');
  t.deepEqual(transport.statuses, [100, 200, 487, 200]);
});

test('CANCEL of nothing gets 481; CANCEL after a final gets 200 and does nothing', (t) => {
  const { transport, only, cancels } = start();
  transport.receive(inbound('CANCEL', { branch: 'z9hG4bKother', callId: 'other' }));
  t.deepEqual(transport.statuses, [481]);
  transport.receive(inbound('INVITE'));
  only().respond(createResponse(only().request, 200));
  transport.receive(inbound('CANCEL'));
  t.is(transport.statuses.at(-1), 200);
  t.is(cancels.length, 0);
});

test('a merged request gets 482 and stays away from the user', (t) => {
  const { transport, requests } = start();
  transport.receive(inbound('INVITE', { branch: 'z9hG4bKone' }));
  transport.receive(inbound('INVITE', { branch: 'z9hG4bKtwo' }));
  t.is(requests.length, 1);
  t.deepEqual(transport.statuses, [100, 482]);
  transport.receive(inbound('INVITE', { branch: 'z9hG4bKthree', toTag: 'dialog' }));
  t.is(requests.length, 2, 'a re-INVITE is none');
});

test('what differs in CSeq, From tag, Call-ID or the called user is no merged request', (t) => {
  const { transport, requests } = start();
  transport.receive(inbound('INVITE'));
  const others = [{ cseq: 2 }, { fromTag: 'from2' }, { callId: 'call2' }, { uri: 'sip:2002@192.0.2.2' }];
  for (const [at, other] of others.entries())
    transport.receive(inbound('INVITE', { branch: `z9hG4bK${at}`, ...other }));
  t.is(requests.length, 5);
});

test('a copy is a request of its own once the first was passed on, challenged, refused with 503 or is over', (t) => {
  const free: ((tx: ServerTransaction) => void)[] = [
    (tx) => tx.passOn(),
    (tx) => tx.respond(createResponse(tx.request, 401)),
    (tx) => tx.respond(createResponse(tx.request, 503)),
  ];
  for (const act of free) {
    const { transport, requests, only } = start();
    transport.receive(inbound('INVITE', { branch: 'z9hG4bKone' }));
    act(only());
    transport.receive(inbound('INVITE', { branch: 'z9hG4bKtwo' }));
    t.is(requests.length, 2, String(act));
    transport.receive(inbound('INVITE', { branch: 'z9hG4bKthree' }));
    t.is(requests.length, 2, 'the second counts like the first');
  }
  const { clock, transport, requests, only } = start();
  transport.receive(inbound('MESSAGE', { branch: 'z9hG4bKone' }));
  only().respond(createResponse(only().request, 200));
  transport.receive(inbound('MESSAGE', { branch: 'z9hG4bKtwo' }));
  t.is(requests.length, 1, 'answered, and remembered as long as retransmissions may come');
  clock.advance(64 * 500 * (5 / 4));
  transport.receive(inbound('MESSAGE', { branch: 'z9hG4bKthree' }));
  t.is(requests.length, 2);
});

test('merged requests may be let through', (t) => {
  const { transport, requests } = start({ detectMerged: false });
  transport.receive(inbound('INVITE', { branch: 'z9hG4bKone' }));
  transport.receive(inbound('INVITE', { branch: 'z9hG4bKtwo' }));
  t.is(requests.length, 2);
});

for (const via of [
  'SIP/2.0/UDP 192.0.2.2:5060',
  'SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK',
  'SIP/2.0/UDP 192.0.2.2;branch=1',
]) {
  test(`RFC 2543 matching: ${via}`, (t) => {
    const { transport, requests, acks, cancels } = start({ detectMerged: false });
    transport.receive(inbound('INVITE', { via }));
    transport.receive(inbound('INVITE', { via }));
    t.is(requests.length, 1, 'a retransmission');
    transport.receive(inbound('INVITE', { via, cseq: 2 }));
    transport.receive(inbound('INVITE', { via, callId: 'call2' }));
    transport.receive(inbound('INVITE', { via, fromTag: 'from2' }));
    transport.receive(inbound('INVITE', { via, uri: 'sip:2002@192.0.2.2' }));
    t.is(requests.length, 5, 'each of these is another transaction');
    transport.receive(inbound('CANCEL', { via, cseq: 2 }));
    t.is(cancels[0]?.invite, requests[1]);
    const first = requests[0];
    first?.respond(createResponse(first.request, 486));
    transport.receive(inbound('ACK', { via, toTag: 'other' }));
    t.is(first?.state, 'completed', 'an ACK with another To tag is not for it');
    t.is(acks.length, 1);
    transport.receive(inbound('ACK', { via, toTag: first?.localTag ?? '' }));
    t.is(first?.state, 'confirmed');
  });
}

test('a request that can’t be parsed is answered; what can’t be answered is dropped', (t) => {
  const { transport, requests } = start();
  transport.receiveBad(new SipParseError(400, 'Missing CSeq header', inbound('OPTIONS')));
  transport.receiveBad(new SipParseError(400, 'Malformed status line'));
  t.deepEqual(transport.statuses, [400]);
  t.is(requests.length, 0);
});

test('above the bound new requests get 503 with Retry-After', (t) => {
  const { transport, requests } = start({ maxServerTransactions: 1 });
  transport.receive(inbound('OPTIONS', { branch: 'z9hG4bKa' }));
  transport.receive(inbound('OPTIONS', { branch: 'z9hG4bKb', cseq: 2 }));
  t.is(requests.length, 1);
  t.deepEqual(transport.statuses, [503]);
  t.is(transport.replies[0]?.message.get('Retry-After'), '5');
});

test('a user that throws costs that request a 500, no more', (t) => {
  const user = {
    onRequest() {
      throw new Error('bug');
    },
    onAck() {
      throw new Error('bug');
    },
    onCancel() {},
  };
  const log: string[] = [];
  const { transport } = start({ user, log: (text) => log.push(text) });
  transport.receive(inbound('OPTIONS'));
  transport.receive(inbound('ACK'));
  t.deepEqual(transport.statuses, [500]);
  t.is(log.length, 2);
});

test('close leaves no timer', (t) => {
  const { layer, transport, clock } = start();
  layer.request(outbound('INVITE'), TARGET, client().user);
  transport.receive(inbound('OPTIONS'));
  layer.close();
  t.is(clock.pending, 0);
  t.deepEqual(layer.counts, { client: 0, server: 0 });
});

test('10,000 held INVITEs hold no timer', (t) => {
  const { transport, clock, layer } = start();
  for (let i = 0; i < 10_000; i++) transport.receive(inbound('INVITE', { branch: `z9hG4bK${i}`, callId: `call${i}` }));
  t.is(layer.counts.server, 10_000);
  t.is(clock.pending, 0);
});

test('a final response over UDP is sent again for Timer J, whenever it was sent; later the request is a new one', (t) => {
  const { clock, transport, layer, requests } = start({ detectMerged: false });
  clock.advance(1_000);
  transport.receive(inbound('OPTIONS'));
  requests[0]?.respond(createResponse(requests[0].request, 200));
  for (const wait of [0, 10_000, 21_999]) {
    clock.advance(wait);
    transport.receive(inbound('OPTIONS'));
  }
  t.deepEqual(transport.statuses, [200, 200, 200, 200]);
  const answers = transport.replies.map(({ message }) => message.toString());
  t.is(new Set(answers).size, 1);
  t.is(requests.length, 1);
  t.is(layer.counts.server, 1);
  clock.advance(8_001);
  t.is(layer.counts.server, 0);
  transport.receive(inbound('OPTIONS'));
  t.is(requests.length, 2);
});

test('one who wants to hear of an unanswered end hears of that alone', (t) => {
  const { clock, transport, requests } = start({ detectMerged: false });
  const told: string[] = [];
  for (const branch of ['z9hG4bKa', 'z9hG4bKb']) transport.receive(inbound('OPTIONS', { branch }));
  for (const tx of requests) tx.onUnanswered(() => told.push(tx.request.via.branch ?? ''));
  requests[0]?.respond(createResponse(requests[0].request, 200));
  clock.advance(32_000);
  t.deepEqual(told, ['z9hG4bKb']);
});

test('a CANCEL that comes after the 2xx gets 200 with the same To tag', (t) => {
  const { transport, only, cancels } = start({ detectMerged: false });
  transport.receive(inbound('INVITE'));
  only().respond(createResponse(only().request, 200));
  transport.receive(inbound('CANCEL'));
  t.deepEqual(transport.statuses, [100, 200, 200]);
  t.is(transport.replies[2]?.message.toTag, transport.replies[1]?.message.toTag);
  t.is(cancels.length, 0);
});
