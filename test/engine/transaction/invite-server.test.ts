import { Buffer } from 'node:buffer';
import test from 'ava';
import { InviteServerMachine } from '../../../src/engine/transaction/invite-server.js';
import { RecordingServerHost } from './machine-hosts.js';

const data = (status: number) => Buffer.from(String(status));

function start(reliable = false) {
  const host = new RecordingServerHost(reliable);
  return { host, machine: new InviteServerMachine(host) };
}

test('Proceeding: nothing is sent for a retransmission before the first response', (t) => {
  const { host, machine } = start();
  machine.retransmission();
  t.deepEqual(host.take(), []);
  t.is(machine.state, 'proceeding');
});

test('Proceeding: provisional responses are sent, the last one again for each retransmission', (t) => {
  const { host, machine } = start();
  t.true(machine.respond(100, data(100)));
  t.true(machine.respond(180, data(180)));
  machine.retransmission();
  t.deepEqual(host.take(), ['0 send 100', '0 send 180', '0 send 180']);
});

test('Proceeding holds no timer: a held call costs nothing', (t) => {
  const { host, machine } = start();
  machine.respond(100, data(100));
  t.is(host.clock.pending, 0);
});

test('Proceeding -> Accepted -> Terminated: a 2xx is not retransmitted here, retransmitted INVITEs are absorbed, Timer L ends it', (t) => {
  const { host, machine } = start();
  machine.respond(200, data(200));
  t.is(machine.state, 'accepted');
  host.take();
  machine.retransmission();
  host.clock.advance(31_999);
  t.deepEqual(host.take(), []);
  host.clock.advance(1);
  t.deepEqual(host.take(), ['32000 ended completed']);
  t.is(machine.state, 'terminated');
});

test('Accepted: the user may send further 2xx, nothing else', (t) => {
  const { host, machine } = start();
  machine.respond(200, data(200));
  t.true(machine.respond(200, data(200)));
  t.false(machine.respond(180, data(180)));
  t.false(machine.respond(486, data(486)));
  t.deepEqual(host.take(), ['0 send 200', '0 send 200']);
});

test('Accepted: an ACK is the user’s', (t) => {
  const { machine } = start();
  machine.respond(200, data(200));
  t.true(machine.ack());
  t.is(machine.state, 'accepted');
});

test('Completed over UDP: the final is sent again at T1, 2T1 … T2 (Timer G) until Timer H gives up', (t) => {
  const { host, machine } = start();
  machine.respond(486, data(486));
  t.is(machine.state, 'completed');
  host.clock.advance(32_000);
  const times = [0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
  t.deepEqual(host.take(), [...times.map((time) => `${time} send 486`), '32000 ended timeout']);
  t.is(host.clock.pending, 0);
});

test('Completed over TCP: the final is sent once, Timer H gives up', (t) => {
  const { host, machine } = start(true);
  machine.respond(486, data(486));
  host.clock.advance(32_000);
  t.deepEqual(host.take(), ['0 send 486', '32000 ended timeout']);
});

test('Completed: a retransmitted INVITE gets the final again; the user can send nothing more', (t) => {
  const { host, machine } = start();
  machine.respond(486, data(486));
  machine.retransmission();
  t.false(machine.respond(200, data(200)));
  t.deepEqual(host.take(), ['0 send 486', '0 send 486']);
});

test('Completed -> Confirmed -> Terminated over UDP: the ACK stops Timer G, Timer I absorbs further ACKs', (t) => {
  const { host, machine } = start();
  machine.respond(486, data(486));
  t.false(machine.ack());
  t.is(machine.state, 'confirmed');
  host.take();
  machine.retransmission();
  t.false(machine.ack());
  host.clock.advance(4999);
  t.deepEqual(host.take(), []);
  host.clock.advance(1);
  t.deepEqual(host.take(), ['5000 ended completed']);
});

test('Completed -> Terminated over TCP: the ACK ends it at once', (t) => {
  const { host, machine } = start(true);
  machine.respond(486, data(486));
  machine.ack();
  t.deepEqual(host.take(), ['0 send 486', '0 ended completed']);
  t.is(host.clock.pending, 0);
});

test('Proceeding: an ACK changes nothing', (t) => {
  const { machine } = start();
  t.false(machine.ack());
  t.is(machine.state, 'proceeding');
});

test('a transport error is told and leaves the state (RFC 6026); the end then says why', (t) => {
  const { host, machine } = start();
  machine.respond(180, data(180));
  machine.transportError(new Error('gone'));
  t.is(machine.state, 'proceeding');
  machine.respond(486, data(486));
  machine.transportError(new Error('gone'));
  t.is(machine.state, 'completed');
  host.clock.advance(32_000);
  t.is(host.take().at(-1), '32000 ended transport-error');
});

test('stop leaves no timer in any state', (t) => {
  for (const status of [180, 200, 486]) {
    const { host, machine } = start();
    machine.respond(status, data(status));
    machine.stop();
    t.is(host.clock.pending, 0);
    t.false(machine.respond(486, data(486)));
  }
});
