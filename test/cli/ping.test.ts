import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import { ping } from '../../src/cli/ping.js';

async function peer(
  t: ExecutionContext,
  answer: (request: string, count: number) => string | undefined,
): Promise<number> {
  const socket: Socket = createSocket('udp4');
  t.teardown(() => socket.close());
  let count = 0;
  socket.on('message', (data, from) => {
    const text = answer(data.toString(), ++count);
    if (text !== undefined) socket.send(text, from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket.address().port;
}

const reply = (request: string, status: string) =>
  `SIP/2.0 ${status}\r\n${request
    .split('\r\n')
    .filter((line) => /^(Via|From|To|Call-ID|CSeq):/.test(line))
    .join('\r\n')}\r\n\r\n`;

test('tells the answer', async (t) => {
  const port = await peer(t, (request) => reply(request, '200 OK'));
  const { status, reason } = await ping(`sip:127.0.0.1:${port}`, 5000);
  t.is(status, 200);
  t.is(reason, 'OK');
});

test('asks again when the first datagram was lost, and takes no other answer for its own', async (t) => {
  const port = await peer(t, (request, count) =>
    count === 1 ? reply(request, '200 OK').replace(/Call-ID: .*/, 'Call-ID: other') : reply(request, '404 Not Found'),
  );
  t.is((await ping(`sip:trunk@127.0.0.1:${port};transport=udp`, 5000)).status, 404);
});

test('nobody answers', async (t) => {
  const port = await peer(t, () => undefined);
  await t.throwsAsync(ping(`sip:127.0.0.1:${port}`, 50), { message: /no answer in 50 ms/ });
});

test('what cannot be pinged is told', async (t) => {
  for (const wrong of ['127.0.0.1', 'sip:', 'sip:host:0', 'sip:host:99999', 'sip:host;transport=tcp', 'http://host']) {
    await t.throwsAsync(ping(wrong, 50), { message: /can't be pinged/ }, wrong);
  }
});
