import { createSocket, type Socket } from 'node:dgram';
import { createResponse, parseMessage } from '../../src/engine/message/index.js';
import type { Random } from '../../src/sim/random.js';
import { mutate } from './mutate.js';

/** A callee that answers with broken responses; what the engine makes of them is the question. */
export class BrokenCallee {
  private constructor(
    private readonly socket: Socket,
    private readonly random: Random,
    private readonly sent: (data: Buffer) => void,
  ) {
    socket.on('message', (data, from) => this.answer(data, from.port, from.address));
  }

  static async start(random: Random, sent: (data: Buffer) => void): Promise<BrokenCallee> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    return new BrokenCallee(socket, random, sent);
  }

  get uri(): string {
    return `sip:callee@127.0.0.1:${this.socket.address().port}`;
  }

  close(): void {
    this.socket.close();
  }

  private answer(data: Buffer, port: number, address: string): void {
    const { random } = this;
    let statuses: number[];
    let made: (status: number) => Buffer;
    try {
      const request = parseMessage(data);
      if (request.kind !== 'request' || request.method === 'ACK') return;
      statuses = random.pick([[200], [180, 200], [183, 180, 486], [302], [100, 199, 603], [200, 200]]);
      made = (status) => {
        const response = createResponse(request, status, undefined, random.pick(['t1', 't2', random.word()]));
        if (status < 400) response.set('Contact', '<sip:callee@HOST>');
        if (status > 100 && status < 200 && random.chance(0.5)) response.set('Require', '100rel').set('RSeq', '1');
        for (const route of request.all('record-route')) response.add('Record-Route', route);
        return response.toBuffer();
      };
    } catch {
      return;
    }
    for (const status of statuses) {
      const good = made(status);
      const broken = random.chance(0.6) ? mutate(random, good, data) : good;
      const bytes = Buffer.from(
        broken.toString('latin1').replaceAll('HOST', this.uri.slice('sip:callee@'.length)),
        'latin1',
      );
      this.sent(bytes);
      this.socket.send(bytes, port, address);
    }
  }
}
