import test from 'ava';
import { createResponse } from '../../../src/engine/message/index.js';
import { settle } from '../../support/fake-clock.js';
import { inbound, outbound } from './fake-transport.js';
import { client, start, TARGET } from './layer-support.js';

test('a client transaction puts its Via on top and hears only its own responses', (t) => {
  const { layer, transport, strays } = start();
  const { events, user } = client();
  const tx = layer.request(outbound('OPTIONS').add('Via', 'SIP/2.0/UDP 192.0.2.77;branch=z9hG4bKbelow'), TARGET, user);
  const sent = transport.lastRequest();
  t.is(sent.via.branch, tx.branch);
  t.is(sent.list('via').length, 2);
  transport.receive(createResponse(inbound('OPTIONS'), 200));
  t.deepEqual(events, []);
  t.is(strays.length, 1);
  transport.receive(createResponse(sent, 200));
  transport.receive(createResponse(sent, 200));
  t.deepEqual(events, ['200']);
});

test('100 is for the layer unless the user asks for it', (t) => {
  for (const [passTrying, expected] of [
    [false, ['180']],
    [true, ['100', '180']],
  ] as const) {
    const { layer, transport } = start({ passTrying });
    const { events, user } = client();
    layer.request(outbound('INVITE'), TARGET, user);
    transport.receive(createResponse(transport.lastRequest(), 100));
    transport.receive(createResponse(transport.lastRequest(), 180));
    t.deepEqual(events, expected);
  }
});

test('the ACK of a final other than 2xx: Request-URI, Route, Via, From, Call-ID, CSeq number of the INVITE, To of the response', (t) => {
  const { layer, transport } = start();
  const invite = outbound('INVITE', { cseq: 7 }).add('Route', '<sip:a;lr>, <sip:b;lr>').add('Route', '<sip:c;lr>');
  layer.request(invite, TARGET, client().user);
  const sent = transport.lastRequest();
  transport.receive(createResponse(sent, 486, 'Busy', 'peer'));
  const ack = transport.lastRequest();
  t.is(ack.method, 'ACK');
  t.is(ack.uri, sent.uri);
  t.deepEqual(ack.all('via'), [sent.get('via')]);
  t.deepEqual(ack.all('route'), ['<sip:a;lr>, <sip:b;lr>', '<sip:c;lr>']);
  t.is(ack.get('from'), sent.get('from'));
  t.is(ack.get('to'), `${sent.get('to')};tag=peer`);
  t.is(ack.callId, sent.callId);
  t.deepEqual(ack.cseq, { number: 7, method: 'ACK' });
});

test('an ACK for a 2xx gets a branch of its own and no transaction', (t) => {
  const { layer, transport } = start();
  layer.send(outbound('ACK'), TARGET);
  t.regex(transport.lastRequest().via.branch ?? '', /^z9hG4bK.{20}$/);
  t.deepEqual(layer.counts, { client: 0, server: 0 });
});

test('CANCEL waits for a provisional response, goes once, same branch and route, with the headers given', (t) => {
  const { layer, transport } = start();
  const { events, user } = client();
  const tx = layer.request(outbound('INVITE', { cseq: 9 }).add('Route', '<sip:edge;lr>'), TARGET, user);
  const invite = transport.lastRequest();
  tx.cancel([['Reason', 'SIP;cause=200;text="Call completed elsewhere"']]);
  t.deepEqual(transport.methods, ['INVITE']);
  transport.receive(createResponse(invite, 180, undefined, 'peer'));
  tx.cancel();
  t.deepEqual(transport.methods, ['INVITE', 'CANCEL']);
  const cancel = transport.lastRequest();
  t.is(cancel.uri, invite.uri);
  t.is(cancel.via.branch, invite.via.branch);
  t.is(cancel.get('route'), '<sip:edge;lr>');
  t.is(cancel.get('to'), invite.get('to'), 'without the tag of the response');
  t.deepEqual(cancel.cseq, { number: 9, method: 'CANCEL' });
  t.is(cancel.get('reason'), 'SIP;cause=200;text="Call completed elsewhere"');
  transport.receive(createResponse(cancel, 200));
  transport.receive(createResponse(invite, 487, undefined, 'peer'));
  t.deepEqual(events, ['180', '487']);
});

test('CANCEL that crosses a 200: nothing is sent, the 200 is told', (t) => {
  const { layer, transport } = start();
  const { events, user } = client();
  const tx = layer.request(outbound('INVITE'), TARGET, user);
  tx.cancel();
  transport.receive(createResponse(transport.lastRequest(), 200, undefined, 'peer'));
  tx.cancel();
  t.deepEqual(transport.methods, ['INVITE']);
  t.deepEqual(events, ['200']);
});

test('an error known at once is told after `request` returned', async (t) => {
  const { layer, transport } = start();
  transport.error = new Error('refused');
  const { events, user } = client();
  layer.request(outbound('INVITE'), TARGET, user);
  t.deepEqual(events, []);
  await settle();
  t.deepEqual(events, ['refused', 'end']);
  t.deepEqual(layer.counts, { client: 0, server: 0 });
});

test('a connection that closes is an error for those that wait on it', (t) => {
  const { layer, transport } = start({}, 'tcp');
  const { events, user } = client();
  layer.request(outbound('OPTIONS'), { ...TARGET, protocol: 'tcp' }, user);
  layer.request(outbound('OPTIONS'), TARGET, client().user);
  transport.closeFlow();
  t.deepEqual(events, ['Connection to 192.0.2.2:5060 was closed', 'end']);
  t.is(layer.counts.client, 1);
});

test('a UDP port without a listener is an error for those that wait on it', (t) => {
  const { layer, transport } = start();
  const hit = client();
  const missed = client();
  layer.request(outbound('INVITE'), TARGET, hit.user);
  transport.refuse({ address: '192.0.2.2', port: 5999 });
  layer.request(outbound('OPTIONS'), { ...TARGET, protocol: 'tcp' }, missed.user);
  t.deepEqual(hit.events, []);
  transport.refuse({ address: '192.0.2.2', port: 5060 });
  t.deepEqual(hit.events, ['Nobody listens', 'end']);
  t.deepEqual(missed.events, []);
});

test('a request above 1300 bytes leaves UDP for TCP, and its ACK and CANCEL too', (t) => {
  const { layer, transport } = start();
  const tx = layer.request(outbound('INVITE').add('X-Large', 'x'.repeat(1300)), TARGET, client().user);
  t.is(transport.sent[0]?.target.protocol, 'tcp');
  t.is(transport.lastRequest().via.protocol, 'TCP');
  transport.receive(createResponse(transport.lastRequest(), 180));
  tx.cancel();
  t.is(transport.sent[1]?.target.protocol, 'tcp');
  t.is(transport.lastRequest().via.protocol, 'TCP');
});

test('a large request falls back to UDP, with retransmissions, when nobody takes the connection; the peer is remembered', async (t) => {
  const { layer, transport, clock } = start();
  transport.error = new Error('refused');
  transport.errorOnly = 'tcp';
  const { events, user } = client();
  const tx = layer.request(outbound('INVITE').add('X-Large', 'x'.repeat(1300)), TARGET, user);
  await settle();
  t.is(transport.lastRequest().via.protocol, 'UDP');
  t.is(tx.request.via.protocol, 'UDP');
  clock.advance(500);
  t.deepEqual(transport.methods, ['INVITE', 'INVITE']);
  transport.receive(createResponse(transport.lastRequest(), 486, undefined, 'peer'));
  t.deepEqual(events, ['486']);
  layer.request(outbound('OPTIONS').add('X-Large', 'x'.repeat(1300)), TARGET, user);
  t.is(transport.lastRequest().method, 'OPTIONS', 'at once over UDP');
});
