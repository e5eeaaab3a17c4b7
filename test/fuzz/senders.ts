import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { OPCODE, writeFrame } from '../../src/engine/transport/websocket-frames.js';
import type { Random } from '../../src/sim/random.js';

/** Writes bytes in pieces: one by one, a few, or whole. Resolves when they are written, or the other side closed. */
async function inPieces(random: Random, socket: Socket, data: Buffer): Promise<void> {
  const size = random.pick([1, 7, 100, 1400, data.length + 1]);
  const most = 400 * size;
  for (let at = 0; at < data.length && !socket.destroyed; ) {
    const step = at > most ? data.length : 1 + random.below(size);
    socket.write(data.subarray(at, at + step));
    at += step;
    if (size < 1400) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Connects, writes, leaves after a while in one of the ways in which one can leave. */
async function overStream(random: Random, port: number, write: (socket: Socket) => Promise<void>): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  socket.on('error', () => undefined);
  socket.on('data', () => undefined);
  await write(socket);
  const leaving = random.below(3);
  if (leaving === 0) socket.end();
  else if (leaving === 1) socket.resetAndDestroy();
  setTimeout(() => socket.destroy(), 20 + random.below(30));
  await closed;
}

/** Ways for bytes to reach the engine. */
export class Senders {
  private readonly datagrams: DatagramSocket = createSocket('udp4');

  constructor(
    private readonly random: Random,
    private readonly ports: {
      readonly udp: number;
      readonly tcp: number;
      readonly ws: number;
      readonly control: number;
    },
  ) {
    this.datagrams.on('message', () => undefined).on('error', () => undefined);
  }

  async udp(messages: readonly Buffer[]): Promise<void> {
    for (const data of messages) {
      this.datagrams.send(data.subarray(0, 60_000), this.ports.udp, '127.0.0.1', () => undefined);
      if (this.random.chance(0.1)) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** All messages in one stream. */
  tcp(messages: readonly Buffer[]): Promise<void> {
    const data = Buffer.concat(
      messages.flatMap((message) => [message, Buffer.from(this.random.pick(['', '', '\r\n', '\r\n\r\n']))]),
    );
    return overStream(this.random, this.ports.tcp, (socket) => inPieces(this.random, socket, data));
  }

  /** A WebSocket, good or broken at the handshake or in its frames. */
  ws(messages: readonly Buffer[]): Promise<void> {
    const { random } = this;
    const handshake =
      'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n\r\n';
    const frames = messages.map((message) => {
      const opcode = random.chance(0.8) ? OPCODE.text : random.below(16);
      const frame = writeFrame(opcode, message, random.chance(0.95));
      if (random.chance(0.2)) frame.writeUInt8(random.below(256), random.below(Math.min(frame.length, 14)));
      return frame;
    });
    const head = Buffer.from(random.chance(0.9) ? handshake : handshake.slice(random.below(60)));
    return overStream(random, this.ports.ws, (socket) => inPieces(random, socket, Buffer.concat([head, ...frames])));
  }

  control(data: Buffer): Promise<void> {
    return overStream(this.random, this.ports.control, (socket) => inPieces(this.random, socket, data));
  }

  close(): void {
    this.datagrams.close();
  }
}
