import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import test from 'ava';
import type { SipRequest, SipResponse } from '../../../src/engine/message/index.js';
import { Peer, SDP } from '../support/peer.js';
import { EngineProcess } from './engine-process.js';

const run = promisify(execFile);

interface Flood {
  sent: number;
  told: Record<string, number>;
  retryAfter: boolean;
}

async function flood(port: number, seconds: number, method: string, rate: number): Promise<Flood> {
  const flooder = 'build/test/engine/hostile/flooder.js';
  const { stdout } = await run(process.execPath, [flooder, String(port), String(seconds), method, String(rate)]);
  return JSON.parse(stdout);
}

/** What was refused may be tried again: as often as it takes, within a while. */
async function inTheEnd(attempt: () => Promise<void>): Promise<void> {
  for (let left = 20; ; left--) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

for (const method of ['INVITE', 'REGISTER']) {
  test.serial(
    `more ${method} than can be served: 503 with Retry-After for some, calls in progress go on`,
    async (t) => {
      const engine = await EngineProcess.start(t, { heap: 256 });
      await engine.app(t);
      const port = engine.port('tcp');
      const caller = await Peer.tcp();
      t.teardown(() => caller.close());
      const calls: [invite: SipRequest, ok: SipResponse][] = [];
      for (let i = 0; i < 5; i++) {
        const invite = caller.request('INVITE', `sip:good@127.0.0.1:${port}`, { body: SDP });
        caller.send(invite, port);
        const ok = await caller.nextResponse(200, 'INVITE');
        caller.send(caller.inDialog('ACK', invite, ok), port);
        calls.push([invite, ok]);
      }

      const flooded = flood(engine.port('udp'), 4, method, 20_000);
      await new Promise((resolve) => setTimeout(resolve, 2500));
      for (const [invite, ok] of calls) {
        caller.send(caller.inDialog('BYE', invite, ok), port);
        t.is((await caller.nextResponse(200, 'BYE')).callId, invite.callId);
      }

      const { told, retryAfter } = await flooded;
      t.true((told['503'] ?? 0) > 0, JSON.stringify(told));
      t.true((told[method === 'INVITE' ? '486' : '200'] ?? 0) > 0, JSON.stringify(told));
      t.true(retryAfter);
      await inTheEnd(() => engine.goodCall('tcp'));
      t.true(engine.alive);
      const others = engine.errors.filter((line) => !line.startsWith('callwake engine: 503 to a request: '));
      t.deepEqual(others, []);
    },
  );
}

test.serial('a thousand silent connections leave room for those that speak', async (t) => {
  const engine = await EngineProcess.start(t);
  await engine.app(t);
  const sockets = Array.from({ length: 900 }, (_, i) => {
    const socket = connect(engine.port('tcp'), '127.0.0.1');
    socket.on('error', () => undefined);
    if (i % 3 === 0) socket.write('INVITE sip:half-sent');
    if (i % 3 === 1) socket.write('\r\n');
    return socket;
  });
  t.teardown(() => sockets.map((socket) => socket.destroy()));
  await engine.goodCall('tcp');
  await engine.goodCall('udp');
  t.true(engine.alive);
});
