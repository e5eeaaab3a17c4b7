import test from 'ava';
import { InviteClientMachine } from '../../../src/engine/transaction/invite-client.js';
import type { TimerSettings } from '../../../src/engine/transaction/timers.js';
import { FLOW, RecordingClientHost, response } from './machine-hosts.js';

function start(reliable = false, timers: Partial<TimerSettings> = {}) {
  const host = new RecordingClientHost(reliable, timers);
  const machine = new InviteClientMachine(host);
  machine.start();
  return { host, machine, receive: (status: number) => machine.response(response(status), FLOW) };
}

test('Calling over UDP: the INVITE is sent again at T1, 2T1, 4T1 … (Timer A) until Timer B', (t) => {
  const { host, machine } = start();
  host.clock.advance(40_000);
  const times = [0, 500, 1500, 3500, 7500, 15_500, 31_500];
  t.deepEqual(host.take(), [...times.map((time) => `${time} send`), '32000 timed out', '32000 ended']);
  t.is(machine.state, 'terminated');
  t.is(host.clock.pending, 0);
});

test('Calling over TCP: the INVITE is sent once; Timer B', (t) => {
  const { host } = start(true);
  host.clock.advance(40_000);
  t.deepEqual(host.take(), ['0 send', '32000 timed out', '32000 ended']);
});

test('Calling -> Proceeding: a 1xx stops Timers A and B; every 1xx is delivered; no Timer C unless asked for', (t) => {
  const { host, machine, receive } = start();
  receive(100);
  t.is(machine.state, 'proceeding');
  receive(180);
  t.is(host.clock.pending, 0);
  host.clock.advance(600_000);
  t.deepEqual(host.take(), ['0 send', '0 deliver 100', '0 deliver 180']);
});

test('Proceeding: Timer C, started again by each 101-199', (t) => {
  const { host, receive } = start(false, { C: 180_000 });
  receive(100);
  host.clock.advance(100_000);
  receive(180);
  host.clock.advance(100_000);
  receive(100);
  host.take();
  host.clock.advance(79_999);
  t.deepEqual(host.take(), []);
  host.clock.advance(1);
  t.deepEqual(host.take(), ['280000 timed out', '280000 ended']);
});

for (const first of [0, 180]) {
  test(`${first ? 'Proceeding' : 'Calling'} -> Accepted: each 2xx is delivered until Timer M, anything else dropped`, (t) => {
    const { host, machine, receive } = start();
    if (first) receive(first);
    host.take();
    receive(200);
    t.is(machine.state, 'accepted');
    receive(180);
    receive(486);
    receive(200);
    host.clock.advance(31_999);
    t.deepEqual(host.take(), ['0 deliver 200', '0 deliver 200']);
    host.clock.advance(1);
    t.deepEqual(host.take(), ['32000 ended']);
    t.is(host.clock.pending, 0);
  });

  test(`${first ? 'Proceeding' : 'Calling'} -> Completed: a final is acknowledged and delivered; retransmissions only acknowledged`, (t) => {
    const { host, machine, receive } = start();
    if (first) receive(first);
    host.take();
    receive(486);
    t.is(machine.state, 'completed');
    receive(486);
    receive(180);
    receive(200);
    t.deepEqual(host.take(), ['0 ack 486', '0 deliver 486', '0 ack 486']);
    host.clock.advance(32_000);
    t.deepEqual(host.take(), ['32000 ended']);
  });
}

test('Completed over TCP ends at once (Timer D is 0)', (t) => {
  const { host, receive } = start(true);
  receive(486);
  host.clock.advance(0);
  t.deepEqual(host.take(), ['0 send', '0 ack 486', '0 deliver 486', '0 ended']);
});

test('Calling: a transport error ends it', (t) => {
  const { host, machine } = start();
  machine.transportError(new Error('refused'));
  machine.transportError(new Error('again'));
  t.deepEqual(host.take(), ['0 send', '0 failed refused', '0 ended']);
  t.is(host.clock.pending, 0);
});

test('Completed: an ACK that can’t be sent ends it', (t) => {
  const { host, machine, receive } = start();
  receive(486);
  host.take();
  machine.transportError(new Error('gone'));
  t.deepEqual(host.take(), ['0 ended']);
});

test('a closed connection is an error before any sign of a phone', (t) => {
  const calling = start();
  calling.machine.flowClosed(new Error('closed'));
  t.deepEqual(calling.host.take(), ['0 send', '0 failed closed', '0 ended']);
  const trying = start();
  trying.receive(100);
  trying.host.take();
  trying.machine.flowClosed(new Error('closed'));
  t.deepEqual(trying.host.take(), ['0 failed closed', '0 ended']);
});

test('a closed connection does not end a call that rings: the answer may come over another', (t) => {
  const { host, machine, receive } = start();
  receive(100);
  receive(180);
  host.take();
  machine.flowClosed(new Error('closed'));
  receive(200);
  t.deepEqual(host.take(), ['0 deliver 200']);
});

test('without a final response 64*T1 after CANCEL the INVITE is given up', (t) => {
  const { host, machine, receive } = start();
  receive(180);
  host.take();
  machine.giveUpSoon();
  host.clock.advance(31_999);
  t.deepEqual(host.take(), []);
  host.clock.advance(1);
  t.deepEqual(host.take(), ['32000 timed out', '32000 ended']);
});

test('a final response after CANCEL stops that wait', (t) => {
  const { host, machine, receive } = start(true);
  receive(180);
  machine.giveUpSoon();
  receive(487);
  host.clock.advance(0);
  t.is(host.clock.pending, 0);
  t.deepEqual(host.take().slice(-3), ['0 ack 487', '0 deliver 487', '0 ended']);
});
