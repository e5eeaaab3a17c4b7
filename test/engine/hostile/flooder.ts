import { createSocket } from 'node:dgram';

/**
 * A process that sends new requests over UDP, faster than they can be served: `node flooder.js <port> <seconds> <method> <per second>`.
 * Prints how many were sent, and answered with each status, and whether each 503 said when to come back.
 */
const [port = 0, seconds = 0, , rate = 0] = process.argv.slice(2).map(Number);
const method = process.argv[4] ?? 'INVITE';
const socket = createSocket({ type: 'udp4', recvBufferSize: 8 << 20, sendBufferSize: 8 << 20 });
const told: Record<string, number> = {};
let sent = 0;
let retryAfter = true;
await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
const own = socket.address().port;
socket.on('message', (data) => {
  const text = data.toString('latin1');
  const status = text.slice(8, 11);
  told[status] = (told[status] ?? 0) + 1;
  if (method === 'INVITE' && status >= '300') socket.send(acknowledge(text), port, '127.0.0.1');
  if (status === '503' && !/^Retry-After: \d+\r$/m.test(text)) retryAfter = false;
});
const started = Date.now();
const end = started + seconds * 1000;
const tick = setInterval(() => {
  const due = Math.min(((Date.now() - started) / 1000) * rate - sent, 2000);
  for (let i = 0; i < due; i++) socket.send(request(sent++), port, '127.0.0.1');
  if (Date.now() < end) return;
  clearInterval(tick);
  setTimeout(() => {
    console.log(JSON.stringify({ sent, told, retryAfter }));
    socket.close();
  }, 1500);
}, 5);

function request(n: number): string {
  const id = `${process.pid}${n}`;
  return [
    `${method} sip:flood@127.0.0.1:${port} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${own};branch=z9hG4bK${id};rport`,
    'Max-Forwards: 70',
    `From: <sip:flood@example.com>;tag=${id}`,
    'To: <sip:flood@example.com>',
    `Call-ID: ${id}@flood.example.com`,
    `CSeq: 1 ${method}`,
    `Contact: <sip:flood@127.0.0.1:${own}>`,
    `X-Padding: ${'p'.repeat(500)}`,
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}

function acknowledge(response: string): string {
  const header = (name: string) => new RegExp(`^${name}: .*`, 'im').exec(response)?.[0].trim() ?? '';
  const lines = [
    `ACK sip:flood@127.0.0.1:${port} SIP/2.0`,
    header('Via'),
    header('From'),
    header('To'),
    header('Call-ID'),
  ];
  return [...lines, 'CSeq: 1 ACK', 'Max-Forwards: 70', 'Content-Length: 0', '', ''].join('\r\n');
}
