import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../../src/clock/clock.js';
import { createResponse, type SipRequest } from '../../../src/engine/message/index.js';
import {
  type ClientTransactionUser,
  type ServerTransaction,
  TransactionLayer,
} from '../../../src/engine/transaction/index.js';
import { type Protocol, type Target, TransportLayer } from '../../../src/engine/transport/index.js';
import { certificates } from '../transport/support.js';
import { outbound } from './fake-transport.js';

/** A stack on real sockets; `onRequest` is its user. */
function stack(t: ExecutionContext, onRequest: (tx: ServerTransaction) => void = () => {}, ca?: string) {
  const transport = new TransportLayer({ clock: systemClock, tls: ca === undefined ? {} : { ca } });
  const acks: SipRequest[] = [];
  const user = {
    onRequest,
    onAck: (ack: SipRequest) => void acks.push(ack),
    onCancel: (invite: ServerTransaction) => invite.respond(createResponse(invite.request, 487)),
  };
  const layer = new TransactionLayer({ transport, clock: systemClock, user });
  t.teardown(async () => {
    layer.close();
    await transport.close();
  });
  return { transport, layer, acks };
}

/** Collects what a client transaction is told until `last` comes. */
function outcome(last: string): { user: ClientTransactionUser; done: Promise<string[]> } {
  const events: string[] = [];
  let finish: (events: string[]) => void = () => {};
  const done = new Promise<string[]>((resolve) => {
    finish = resolve;
  });
  const note = (event: string) => {
    events.push(event);
    if (event === last) finish(events);
  };
  const user: ClientTransactionUser = {
    onResponse: (response) => note(String(response.status)),
    onTimeout: () => note('timeout'),
    onTransportError: () => note('error'),
  };
  return { user, done };
}

for (const protocol of ['udp', 'tcp', 'tls', 'ws', 'wss'] as const) {
  test(`an INVITE rings and is cancelled over ${protocol}`, async (t) => {
    const secure = protocol === 'tls' || protocol === 'wss';
    const made = secure ? certificates(t, ['127.0.0.1']) : undefined;
    const ended: string[] = [];
    const callee = stack(t, (tx) => {
      tx.onEnd((why) => ended.push(why));
      tx.respond(createResponse(tx.request, 180));
    });
    const caller = stack(t, undefined, made?.ca);
    const tls = made ? { tls: made.of('127.0.0.1') } : {};
    const { local } = await callee.transport.listen({ protocol, address: '127.0.0.1', port: 0, ...tls });
    if (protocol === 'udp') await caller.transport.listen({ protocol, address: '127.0.0.1', port: 0 });
    const target: Target = { protocol, host: '127.0.0.1', port: local.port };
    const { user, done } = outcome('487');
    const tx = caller.layer.request(outbound('INVITE'), target, {
      ...user,
      onResponse: (response, flow) => {
        if (response.status === 180) tx.cancel();
        user.onResponse(response, flow);
      },
    });
    t.deepEqual([...new Set(await done)], ['180', '487']);
    t.deepEqual(callee.acks, [], 'the ACK of a 487 ends in the transaction');
  });
}

async function closedPort(protocol: Protocol): Promise<number> {
  if (protocol === 'udp') {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const { port } = socket.address();
    await new Promise<void>((resolve) => socket.close(() => resolve()));
    return port;
  }
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

for (const protocol of ['udp', 'tcp', 'tls', 'ws'] as const) {
  test(`nobody listens on ${protocol}: an error, not a timeout`, async (t) => {
    const caller = stack(t);
    if (protocol === 'udp') await caller.transport.listen({ protocol, address: '127.0.0.1', port: 0 });
    const { user, done } = outcome('error');
    const target: Target = { protocol, host: '127.0.0.1', port: await closedPort(protocol) };
    caller.layer.request(outbound('OPTIONS'), target, user);
    t.deepEqual(await done, ['error']);
  });
}

test('a peer that dies while it holds the INVITE: an error, not a timeout', async (t) => {
  const callee = stack(t, () => void callee.transport.close());
  const { local } = await callee.transport.listen({ protocol: 'tcp', address: '127.0.0.1', port: 0 });
  const caller = stack(t);
  const { user, done } = outcome('error');
  caller.layer.request(outbound('INVITE'), { protocol: 'tcp', host: '127.0.0.1', port: local.port }, user);
  t.deepEqual(await done, ['error']);
});

test('a large request that nobody takes over TCP arrives over UDP', async (t) => {
  const vias: string[] = [];
  const callee = stack(t, (tx) => {
    vias.push(tx.request.via.protocol);
    tx.respond(createResponse(tx.request, 200));
  });
  const { local } = await callee.transport.listen({ protocol: 'udp', address: '127.0.0.1', port: 0 });
  const caller = stack(t);
  await caller.transport.listen({ protocol: 'udp', address: '127.0.0.1', port: 0 });
  const { user, done } = outcome('200');
  const target: Target = { protocol: 'udp', host: '127.0.0.1', port: local.port };
  caller.layer.request(outbound('OPTIONS').add('X-Pad', 'x'.repeat(2000)), target, user);
  t.deepEqual(await done, ['200']);
  t.deepEqual(vias, ['UDP']);
});
