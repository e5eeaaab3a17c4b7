import { Buffer } from 'node:buffer';
import test from 'ava';
import fc from 'fast-check';
import { createResponse, SipRequest } from '../../../src/engine/message/index.js';
import { FrameReader, OPCODE, writeFrame } from '../../../src/engine/transport/websocket-frames.js';
import { certificates, options, Peer, RawClient, targetOf } from './support.js';

const VIA = 'SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bK1';
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

function handshake(more: Record<string, string | undefined> = {}, start = 'GET / HTTP/1.1'): string {
  const headers: Record<string, string | undefined> = {
    Host: 'sip.example',
    Upgrade: 'websocket',
    Connection: 'keep-alive, Upgrade',
    'Sec-WebSocket-Key': KEY,
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Protocol': 'foo, sip',
    ...more,
  };
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : `${name}: ${value}\r\n`,
  );
  return `${start}\r\n${lines.join('')}\r\n`;
}

test('a request over WebSocket comes in, its response goes back down the same flow', async (t) => {
  const [a, b] = [new Peer(t), new Peer(t)];
  const request = options(VIA);
  request.body = Buffer.from('x'.repeat(70_000));
  await a.send(request, targetOf(await b.listen('ws')));
  const inbound = await b.next();
  t.is(inbound.flow.protocol, 'ws');
  t.is(inbound.message.body.length, 70_000);
  if (!(inbound.message instanceof SipRequest)) throw new Error('No request');
  await b.reply(createResponse(inbound.message, 200), inbound.flow);
  t.is((await a.next()).message.kind, 'response');
  await b.send(options(VIA, 'back'), { protocol: 'ws', host: '', port: 0, flow: inbound.flow });
  t.is((await a.next()).message.callId, 'back');
});

test('the same over TLS', async (t) => {
  const { ca, of } = certificates(t, ['sip.example']);
  const [a, b] = [new Peer(t, { tls: { ca } }), new Peer(t)];
  const listener = await b.listen('wss', { tls: of('sip.example') });
  const request = options(VIA);
  request.body = Buffer.from([0, 255, 254]);
  await a.send(request, targetOf(listener, { serverName: 'sip.example' }));
  t.deepEqual(Buffer.from((await b.next()).message.body), request.body, 'binary bodies too');
});

test('a response to a closed WebSocket is an error: nobody can connect to a browser', async (t) => {
  const [a, b] = [new Peer(t), new Peer(t)];
  const flow = await a.send(options(VIA), targetOf(await b.listen('ws')));
  const inbound = await b.next();
  flow.connection?.close();
  await b.until(() => b.closed.length === 1);
  if (!(inbound.message instanceof SipRequest)) throw new Error('No request');
  await t.throwsAsync(b.reply(createResponse(inbound.message, 200), inbound.flow), { message: 'Connection is closed' });
});

test('the handshake of RFC 6455, then ping, CRLF keepalive and close', async (t) => {
  const peer = new Peer(t);
  const client = new RawClient(t, (await peer.listen('ws')).local.port);
  client.socket.write(handshake());
  await client.until(() => client.text.endsWith('\r\n\r\n'));
  t.regex(client.text, /^HTTP\/1.1 101 /);
  t.regex(client.text, /\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\nSec-WebSocket-Protocol: sip\r\n/);
  client.text = '';
  client.socket.write(writeFrame(OPCODE.ping, Buffer.from('hi'), true));
  client.socket.write(writeFrame(OPCODE.text, Buffer.from('\r\n\r\n'), true));
  client.socket.write(writeFrame(OPCODE.text, Buffer.from('\r\n'), true));
  client.socket.write(writeFrame(OPCODE.close, Buffer.from([3, 232]), true));
  await client.until(() => client.closed);
  t.is(client.text, '\x8a\x02hi\x81\x02\r\n\x88\x02\x03\xe8');
  t.is(peer.errors.length, 0);
});

for (const [what, text, status] of [
  ['no WebSocket', 'GET / HTTP/1.1\r\nHost: h\r\n\r\n', 426],
  ['another method', handshake({}, 'POST / HTTP/1.1'), 405],
  ['SIP without WebSocket', options(VIA).toString(), 405],
  ['another version', handshake({ 'Sec-WebSocket-Version': '8' }), 426],
  ['no key', handshake({ 'Sec-WebSocket-Key': undefined }), 400],
  ['another subprotocol', handshake({ 'Sec-WebSocket-Protocol': 'xmpp' }), 400],
] as const) {
  test(`handshake refused: ${what}`, async (t) => {
    const peer = new Peer(t);
    const client = new RawClient(t, (await peer.listen('ws')).local.port);
    client.socket.write(text);
    await client.until(() => client.closed);
    t.true(client.text.startsWith(`HTTP/1.1 ${status} `), client.text);
  });
}

test('an endless handshake is cut off', async (t) => {
  const peer = new Peer(t);
  const client = new RawClient(t, (await peer.listen('ws')).local.port);
  client.socket.write(`GET / HTTP/1.1\r\nX: ${'x'.repeat(9000)}`);
  await client.until(() => client.closed);
  t.is(client.text, '');
});

test('a server that refuses the handshake is an error for who sends', async (t) => {
  const [a, b] = [new Peer(t), new Peer(t)];
  const { port } = (await b.listen('tcp')).local;
  await t.throwsAsync(a.send(options(VIA), { protocol: 'ws', host: '127.0.0.1', port }));
});

function collect(masked: boolean, maxBytes = 100_000) {
  const out: string[] = [];
  const reader = new FrameReader(maxBytes, masked, {
    message: (data) => out.push(data.toString('latin1')),
    control: (opcode, data) => out.push(`${opcode} ${data.toString('latin1')}`),
  });
  return { out, reader };
}

test('frames split anywhere give the same messages', (t) => {
  const texts = fc.array(fc.string({ unit: 'binary-ascii', maxLength: 300 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(texts, fc.boolean(), fc.array(fc.nat(1500), { maxLength: 10 }), (messages, masked, cuts) => {
      const whole = Buffer.concat(messages.map((text) => writeFrame(OPCODE.text, Buffer.from(text, 'latin1'), masked)));
      const { out, reader } = collect(masked);
      let start = 0;
      for (const cut of [...cuts, whole.length].sort((a, b) => a - b)) {
        const end = Math.min(cut, whole.length);
        reader.push(whole.subarray(start, end));
        start = end;
      }
      t.deepEqual(out, messages);
      t.false(reader.partial);
    }),
  );
});

test('a long message that comes byte by byte is not copied again for each', (t) => {
  const { out, reader } = collect(true, 300_000);
  const text = 'x'.repeat(250_000);
  const frame = writeFrame(OPCODE.text, Buffer.from(text), true);
  for (let i = 0; i < frame.length; i++) reader.push(frame.subarray(i, i + 1));
  t.deepEqual(out, [text]);
  t.false(reader.partial);
});

test('fragments are joined, control frames may come between', (t) => {
  const { out, reader } = collect(false);
  reader.push(Buffer.from([0x01, 1, 97]));
  t.true(reader.partial);
  reader.push(Buffer.from([0x89, 0, 0x00, 1, 98, 0x80, 1, 99]));
  t.deepEqual(out, ['9 ', 'abc']);
});

for (const [what, bytes] of [
  ['reserved bits', [0xc1, 0]],
  ['a masked frame from a server', [0x81, 0x80, 0, 0, 0, 0]],
  ['an unknown opcode', [0x83, 0]],
  ['a continuation of nothing', [0x80, 0]],
  ['a new message inside another', [0x01, 0, 0x81, 0]],
  ['a fragmented ping', [0x09, 0]],
  ['a long ping', [0x89, 126, 0, 126, ...new Array(126).fill(0)]],
  ['a message beyond the limit', [0x82, 127, 0, 0, 0, 0, 0, 2, 0, 0]],
  [
    'fragments beyond the limit',
    [
      ...new Array(7000)
        .fill([0x01, 0])
        .flat()
        .map((byte, i) => (i > 0 && byte === 1 ? 0 : byte)),
    ],
  ],
] as const) {
  test(`refused: ${what}`, (t) => {
    t.throws(() => collect(false).reader.push(Buffer.from([...bytes])), { message: /^WebSocket: / });
  });
}
