import test from 'ava';
import { NonInviteClientMachine } from '../../../src/engine/transaction/non-invite-client.js';
import { FLOW, RecordingClientHost, response } from './machine-hosts.js';

function start(reliable = false) {
  const host = new RecordingClientHost(reliable);
  const machine = new NonInviteClientMachine(host);
  machine.start();
  return { host, machine, receive: (status: number) => machine.response(response(status, 'OPTIONS'), FLOW) };
}

test('Trying over UDP: the request is sent again at T1, 2T1 … T2 (Timer E) until Timer F', (t) => {
  const { host, machine } = start();
  host.clock.advance(40_000);
  const times = [0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
  t.deepEqual(host.take(), [...times.map((time) => `${time} send`), '32000 timed out', '32000 ended']);
  t.is(machine.state, 'terminated');
  t.is(host.clock.pending, 0);
});

test('Trying over TCP: sent once; Timer F', (t) => {
  const { host } = start(true);
  host.clock.advance(40_000);
  t.deepEqual(host.take(), ['0 send', '32000 timed out', '32000 ended']);
});

test('Proceeding over UDP: the request is sent again every T2; Timer F still runs', (t) => {
  const { host, machine, receive } = start();
  receive(100);
  t.is(machine.state, 'proceeding');
  host.clock.advance(13_000);
  t.deepEqual(host.take(), ['0 send', '0 deliver 100', '500 send', '4500 send', '8500 send', '12500 send']);
  host.clock.advance(19_000);
  t.is(host.take().at(-1), '32000 ended');
});

for (const first of [0, 100]) {
  test(`${first ? 'Proceeding' : 'Trying'} -> Completed: the final is delivered once; Timer K absorbs the rest`, (t) => {
    const { host, machine, receive } = start();
    if (first) receive(first);
    host.take();
    receive(200);
    t.is(machine.state, 'completed');
    receive(200);
    receive(100);
    host.clock.advance(4999);
    t.deepEqual(host.take(), ['0 deliver 200']);
    host.clock.advance(1);
    t.deepEqual(host.take(), ['5000 ended']);
    t.is(host.clock.pending, 0);
  });

  test(`${first ? 'Proceeding' : 'Trying'}: a transport error or a closed connection ends it`, (t) => {
    for (const fail of ['transportError', 'flowClosed'] as const) {
      const { host, machine, receive } = start();
      if (first) receive(first);
      host.take();
      machine[fail](new Error('gone'));
      t.deepEqual(host.take(), ['0 failed gone', '0 ended']);
      t.is(host.clock.pending, 0);
    }
  });
}

test('Completed over TCP ends at once', (t) => {
  const { host, receive } = start(true);
  receive(404);
  host.clock.advance(0);
  t.deepEqual(host.take(), ['0 send', '0 deliver 404', '0 ended']);
});

test('Completed: errors come too late to matter', (t) => {
  const { host, machine, receive } = start();
  receive(200);
  host.take();
  machine.transportError(new Error('gone'));
  t.deepEqual(host.take(), []);
});
