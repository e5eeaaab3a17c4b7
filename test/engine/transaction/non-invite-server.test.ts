import { Buffer } from 'node:buffer';
import test from 'ava';
import { NonInviteServerMachine } from '../../../src/engine/transaction/non-invite-server.js';
import { RecordingServerHost } from './machine-hosts.js';

const data = (status: number) => Buffer.from(String(status));

function start(reliable = false) {
  const host = new RecordingServerHost(reliable);
  return { host, machine: new NonInviteServerMachine(host) };
}

test('Trying: retransmissions are absorbed in silence', (t) => {
  const { host, machine } = start();
  machine.retransmission();
  t.deepEqual(host.take(), []);
  t.is(machine.state, 'trying');
});

test('Trying: a 100 is due when Timer E of the client has reached T2 (RFC 4320), the end when the client has given up', (t) => {
  const { host, machine } = start();
  host.clock.advance(3499);
  t.deepEqual(host.take(), []);
  host.clock.advance(32_000);
  t.deepEqual(host.take(), ['3500 trying', '32000 ended timeout']);
  t.is(machine.state, 'terminated');
});

test('Proceeding: the 100 is sent again for a retransmission; no second automatic one', (t) => {
  const { host, machine } = start();
  t.true(machine.respond(100, data(100)));
  t.is(machine.state, 'proceeding');
  machine.retransmission();
  host.clock.advance(10_000);
  t.deepEqual(host.take(), ['0 send 100', '0 send 100']);
});

test('no provisional but 100, and no 408 (RFC 4320)', (t) => {
  const { host, machine } = start();
  t.false(machine.respond(180, data(180)));
  t.false(machine.respond(408, data(408)));
  t.deepEqual(host.take(), []);
  t.is(machine.state, 'trying');
});

test('Completed over UDP: the final is sent again for each retransmission until Timer J', (t) => {
  const { host, machine } = start();
  t.true(machine.respond(200, data(200)));
  t.is(machine.state, 'completed');
  host.clock.advance(31_999);
  machine.retransmission();
  t.deepEqual(host.take(), ['0 send 200', '31999 send 200']);
  host.clock.advance(1);
  t.deepEqual(host.take(), ['32000 ended completed']);
  t.is(host.clock.pending, 0);
});

test('Completed over TCP ends at once', (t) => {
  const { host, machine } = start(true);
  machine.respond(100, data(100));
  machine.respond(404, data(404));
  host.clock.advance(0);
  t.deepEqual(host.take(), ['0 send 100', '0 send 404', '0 ended completed']);
});

test('Completed: the user can send nothing more', (t) => {
  const { host, machine } = start();
  machine.respond(200, data(200));
  t.false(machine.respond(100, data(100)));
  t.false(machine.respond(500, data(500)));
  t.deepEqual(host.take(), ['0 send 200']);
});

test('a transport error ends it in every state', (t) => {
  for (const status of [0, 100, 200]) {
    const { host, machine } = start();
    if (status) machine.respond(status, data(status));
    host.take();
    machine.transportError(new Error('gone'));
    machine.transportError(new Error('again'));
    machine.retransmission();
    t.deepEqual(host.take(), ['0 failed gone', '0 ended transport-error']);
    t.is(host.clock.pending, 0);
  }
});
