import test from 'ava';
import { request, setup } from './support.js';

const draft = (status: number, headers: [string, string][] = [], body = '') => ({
  status,
  reason: '',
  headers,
  body: Buffer.from(body),
});

test('a 2xx is repeated at T1, 2*T1, ... T2 until its ACK', (t) => {
  const { clock, transport, user } = setup();
  transport.receive(request('INVITE'));
  const [invite] = user.requests;
  const ok = invite?.respond(draft(200));
  transport.take();
  const times: number[] = [];
  for (let at = 100; at <= 20_000; at += 100) {
    clock.advance(100);
    for (const _ of transport.take()) times.push(at);
  }
  t.deepEqual(times, [500, 1500, 3500, 7500, 11_500, 15_500, 19_500]);
  transport.receive(request('ACK', { toTag: ok?.toTag ?? '' }));
  clock.advance(60_000);
  t.deepEqual(transport.take(), []);
  t.deepEqual(user.log, ['INVITE', 'ack']);
});

test('without an ACK: BYE after 64*T1, the dialog is over', (t) => {
  const { clock, transport, user, layer } = setup();
  transport.receive(request('INVITE'));
  user.requests[0]?.respond(draft(200));
  clock.advance(31_999);
  t.false(transport.take().includes('BYE'));
  clock.advance(1);
  t.true(transport.take().includes('BYE'));
  t.is(user.byes[0]?.get('reason'), 'SIP;cause=200;text="ACK timeout"');
  t.is(layer.dialogs.size, 0);
  t.is(user.ended.length, 1);
});

test('a repeated ACK is told once', (t) => {
  const { transport, user } = setup();
  transport.receive(request('INVITE'));
  const ok = user.requests[0]?.respond(draft(200));
  for (let i = 0; i < 3; i++) transport.receive(request('ACK', { toTag: ok?.toTag ?? '', branch: 'z9hG4bKsameack' }));
  t.deepEqual(user.log, ['INVITE', 'ack']);
});

test('a reliable provisional response is repeated, doubling, until its PRACK; 504 when none comes', (t) => {
  const { clock, transport, user, layer } = setup();
  transport.receive(request('INVITE', { headers: 'Supported: 100rel\n' }));
  user.requests[0]?.respond(draft(183, [['Require', '100rel']]));
  transport.take();
  const times: number[] = [];
  for (let at = 100; at <= 31_900; at += 100) {
    clock.advance(100);
    for (const _ of transport.take()) times.push(at);
  }
  t.deepEqual(times, [500, 1500, 3500, 7500, 15_500, 31_500]);
  clock.advance(100);
  t.deepEqual(transport.take().slice(0, 1), ['504 INVITE']);
  t.is(layer.dialogs.size, 0);
  t.deepEqual(user.log, ['INVITE', 'expired']);
});

test('the second reliable response waits for the first PRACK, a 200 for that of an answer', (t) => {
  const { transport, user } = setup();
  transport.receive(request('INVITE', { headers: 'Supported: 100rel\n' }));
  const [invite] = user.requests;
  const first = invite?.respond(
    draft(
      183,
      [
        ['Require', '100rel'],
        ['Content-Type', 'application/sdp'],
      ],
      'v=0',
    ),
  );
  const second = invite?.respond(draft(180, [['Require', '100rel']]));
  t.is(Number(second?.get('rseq')), Number(first?.get('rseq')) + 1);
  invite?.respond(draft(200));
  t.deepEqual(transport.take(), ['100 INVITE', '183 INVITE']);
  const toTag = first?.toTag ?? '';
  transport.receive(request('PRACK', { toTag, cseq: 2, headers: `RAck: ${first?.get('rseq')} 1 INVITE\n` }));
  t.true(transport.take().includes('180 INVITE'));
  transport.receive(request('PRACK', { toTag, cseq: 3, headers: `RAck: ${second?.get('rseq')} 1 INVITE\n` }));
  t.true(transport.take().includes('200 INVITE'));
});

test('a caller that does not know 100rel gets plain provisional responses; one that requires it gets them all reliable', (t) => {
  const plain = setup();
  plain.transport.receive(request('INVITE'));
  const response = plain.user.requests[0]?.respond(draft(183, [['Require', '100rel']]));
  t.false(response?.has('rseq'));
  t.false(response?.has('require'));
  const required = setup();
  required.transport.receive(request('INVITE', { headers: 'Require: 100rel\n' }));
  t.true(required.user.requests[0]?.respond(draft(180)).has('rseq'));
});

test('BYE ends an unanswered INVITE of its dialog with 487', (t) => {
  const { transport, user, layer } = setup();
  transport.receive(request('INVITE'));
  const ringing = user.requests[0]?.respond(draft(180));
  transport.take();
  transport.receive(request('BYE', { toTag: ringing?.toTag ?? '', cseq: 2 }));
  t.deepEqual(transport.take(), ['487 INVITE']);
  t.is(layer.dialogs.size, 0);
});

test('an unanswered INVITE ends after the limit', (t) => {
  const { clock, transport, user } = setup({ holdLimit: 10_000 });
  transport.receive(request('INVITE'));
  transport.take();
  clock.advance(9_999);
  t.deepEqual(transport.take(), []);
  clock.advance(1);
  t.deepEqual(transport.take(), ['480 INVITE']);
  t.deepEqual(user.log, ['INVITE', 'expired']);
});

test('nothing is left when calls are over', (t) => {
  const { clock, transport, user, layer } = setup();
  transport.receive(request('INVITE'));
  const ok = user.requests[0]?.respond(draft(200));
  transport.receive(request('ACK', { toTag: ok?.toTag ?? '' }));
  transport.receive(request('BYE', { toTag: ok?.toTag ?? '', cseq: 2 }));
  user.requests[1]?.respond(draft(200));
  clock.advance(120_000);
  t.is(layer.dialogs.size, 0);
  t.is(clock.pending, 0);
  t.deepEqual(layer.transactions.counts, { client: 0, server: 0 });
});
