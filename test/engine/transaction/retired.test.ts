import test from 'ava';
import { createResponse, type SipResponse } from '../../../src/engine/message/index.js';
import { inbound, outbound } from './fake-transport.js';
import { start, TARGET } from './layer-support.js';

const TIMER = 64 * 500;
const LATEST = (TIMER * 5) / 4;

test('an accepted INVITE holds no timer, and drops its copies for Timer L', (t) => {
  const { clock, transport, only, requests, layer } = start();
  transport.receive(inbound('INVITE'));
  only().respond(createResponse(only().request, 200));
  t.is(clock.pending, 0);
  transport.receive(inbound('INVITE'));
  clock.advance(TIMER - 1);
  transport.receive(inbound('INVITE'));
  t.is(requests.length, 1);
  t.deepEqual(transport.statuses, [100, 200]);
  t.is(layer.counts.server, 1);
  clock.advance(LATEST - TIMER + 1);
  t.is(layer.counts.server, 0);
  transport.receive(inbound('INVITE'));
  t.is(requests.length, 2);
});

test('further 2xx to an accepted INVITE go out', (t) => {
  const { transport, only } = start();
  transport.receive(inbound('INVITE'));
  const tx = only();
  tx.respond(createResponse(tx.request, 200));
  tx.respond(createResponse(tx.request, 200));
  tx.respond(createResponse(tx.request, 486));
  t.deepEqual(transport.statuses, [100, 200, 200]);
});

test('a merged copy of an accepted INVITE gets 482 as long as Timer L runs', (t) => {
  const { clock, transport, only, requests } = start();
  transport.receive(inbound('INVITE', { branch: 'z9hG4bKone' }));
  only().respond(createResponse(only().request, 200));
  clock.advance(TIMER - 1);
  transport.receive(inbound('INVITE', { branch: 'z9hG4bKtwo' }));
  t.is(requests.length, 1);
  t.is(transport.statuses.at(-1), 482);
});

test('an answered request of another method holds no timer; copies of its answer are dropped for Timer K', (t) => {
  const { clock, layer, transport, strays } = start();
  const heard: number[] = [];
  layer.request(outbound('OPTIONS'), TARGET, {
    onResponse: ({ status }) => void heard.push(status),
    onTimeout() {},
    onTransportError() {},
  });
  const answer = createResponse(transport.lastRequest(), 200, undefined, 'peer');
  transport.receive(answer);
  t.is(clock.pending, 0);
  clock.advance(5_000 - 1);
  transport.receive(answer);
  t.is(layer.counts.client, 1);
  clock.advance(1_251);
  t.is(layer.counts.client, 0);
  transport.receive(answer);
  t.deepEqual(heard, [200]);
  t.is(strays.length, 1);
});

test('once an INVITE is accepted, further 2xx go to the one whom its user named; for Timer M', (t) => {
  const { clock, layer, transport, strays } = start();
  const told: string[] = [];
  const tag = (response: SipResponse): string => `${response.status} ${response.toTag ?? ''}`;
  layer.request(outbound('INVITE'), TARGET, {
    onResponse: (response) => void told.push(tag(response)),
    onTimeout() {},
    onTransportError() {},
    lateSuccesses: (first) => ({ onSuccess: (response) => void told.push(`${tag(response)} after ${tag(first)}`) }),
  });
  const invite = transport.lastRequest();
  transport.receive(createResponse(invite, 180, undefined, 'a'));
  transport.receive(createResponse(invite, 200, undefined, 'a'));
  t.is(clock.pending, 0);
  transport.receive(createResponse(invite, 200, undefined, 'a'));
  transport.receive(createResponse(invite, 486, undefined, 'b'));
  clock.advance(TIMER - 1);
  transport.receive(createResponse(invite, 200, undefined, 'b'));
  t.deepEqual(told, ['180 a', '200 a', '200 a after 200 a', '200 b after 200 a']);
  t.is(layer.counts.client, 1);
  clock.advance(LATEST);
  t.is(layer.counts.client, 0);
  transport.receive(createResponse(invite, 200, undefined, 'a'));
  t.is(told.length, 4);
  t.is(strays.length, 1);
});

test('a user who wants to hear of the end keeps its transaction whole', (t) => {
  const { clock, layer, transport } = start();
  const told: string[] = [];
  layer.request(outbound('INVITE'), TARGET, {
    onResponse: ({ status }) => void told.push(String(status)),
    onTimeout() {},
    onTransportError() {},
    lateSuccesses: () => ({ onSuccess: () => void told.push('late') }),
    onEnd: () => void told.push('end'),
  });
  const success = createResponse(transport.lastRequest(), 200, undefined, 'a');
  transport.receive(success);
  transport.receive(success);
  clock.advance(TIMER);
  t.deepEqual(told, ['200', '200', 'end']);
});
