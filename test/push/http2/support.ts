import { Duplex } from 'node:stream';
import type { ExecutionContext } from 'ava';
import { Flag, FrameType } from '../../../src/push/http2/codes.js';
import { Http2Connection } from '../../../src/push/http2/connection.js';
import type { ConnectionEvents } from '../../../src/push/http2/connection-events.js';
import type { AnswerFields } from '../../../src/push/http2/field-list.js';
import type { HeaderField } from '../../../src/push/http2/hpack-encoder.js';
import type { RequestStream, StreamEvents } from '../../../src/push/http2/stream.js';
import { FakeClock } from '../../support/fake-clock.js';
import { until } from '../support.js';

/** One end of a pipe in memory. */
class End extends Duplex {
  other: End | undefined;
  /** Keeps what is written, as a socket whose other side doesn't read. */
  stuck = false;

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    // As a socket: the octets are gone, the callback comes later, and the buffer is used again after it.
    this.other?.push(Buffer.from(chunk));
    if (!this.stuck) setImmediate(done);
  }

  override _final(done: () => void): void {
    this.other?.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const { other } = this;
    setImmediate(() => {
      if (other && !other.destroyed) other.push(null);
    });
    done(error);
  }
}

export function pipe(): readonly [End, End] {
  const [one, other] = [new End(), new End()];
  one.other = other;
  other.other = one;
  return [one, other];
}

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export function frame(type: number, flags: number, stream: number, payload: string | Buffer = ''): Buffer {
  const bytes = typeof payload === 'string' ? Buffer.from(payload.replace(/\s/g, ''), 'hex') : payload;
  const head = Buffer.alloc(9);
  head.writeUIntBE(bytes.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, bytes]);
}

export const settings = (...pairs: readonly (readonly [id: number, value: number])[]): Buffer => {
  const payload = Buffer.alloc(pairs.length * 6);
  for (const [n, [id, value]] of pairs.entries()) {
    payload.writeUInt16BE(id, n * 6);
    payload.writeUInt32BE(value, n * 6 + 2);
  }
  return frame(FrameType.SETTINGS, 0, 0, payload);
};

/** `:status: 200` and nothing else. */
export const answer = (stream: number, flags: number = Flag.END_STREAM): Buffer =>
  frame(FrameType.HEADERS, Flag.END_HEADERS | flags, stream, '88');

const PREFACE = 24;

/** The server's end: sends what a test says, and notes the frames that it gets. */
export class Peer {
  readonly received: Frame[] = [];
  readonly socket: End;
  ended = false;
  #rest = Buffer.alloc(0);
  #preface = false;

  constructor(socket: End) {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => this.#read(bytes));
    socket.on('error', () => {});
    socket.on('end', () => {
      this.ended = true;
    });
  }

  send(...frames: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  /** Those of one type. */
  of(type: number): Frame[] {
    return this.received.filter((one) => one.type === type);
  }

  /** The code of the GOAWAY it got, once the other side has ended. */
  async goaway(): Promise<number | undefined> {
    await until(() => this.ended);
    return this.of(FrameType.GOAWAY).at(-1)?.payload.readUInt32BE(4);
  }

  #read(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    if (!this.#preface && this.#rest.length >= PREFACE) {
      this.#preface = true;
      if (this.#rest.toString('latin1', 0, PREFACE) !== 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
        throw new Error('no preface');
      this.#rest = this.#rest.subarray(PREFACE);
    }
    while (this.#preface && this.#rest.length >= 9 && this.#rest.length >= 9 + this.#rest.readUIntBE(0, 3)) {
      const end = 9 + this.#rest.readUIntBE(0, 3);
      this.received.push({
        type: this.#rest.readUInt8(3),
        flags: this.#rest.readUInt8(4),
        stream: this.#rest.readUInt32BE(5),
        payload: Buffer.from(this.#rest.subarray(9, end)),
      });
      this.#rest = this.#rest.subarray(end);
    }
  }
}

/** Notes what came of a request. */
export class Asked implements StreamEvents {
  readonly told: string[] = [];
  stream: RequestStream | undefined;
  fields: AnswerFields | undefined;
  constructor(readonly received: () => number = () => 0) {}
  /** How much the other side had got when the request was about to leave. */
  leftAt: number | undefined;
  onLeave(): void {
    this.leftAt = this.received();
  }
  onResponse(status: number, fields: AnswerFields): void {
    this.told.push(`${status}`);
    this.fields = fields;
  }
  onData(bytes: Buffer): void {
    this.told.push(`data ${bytes.toString('latin1')}`);
  }
  onEnd(end: string, code: number): void {
    this.told.push(code === 0 ? end : `${end} ${code}`);
  }
}

export const FIELDS: readonly HeaderField[] = [
  { name: ':method', value: 'POST', indexing: 'field' },
  { name: ':scheme', value: 'https', indexing: 'field' },
  { name: ':authority', value: 'apple.test', indexing: 'field' },
  { name: ':path', value: '/3/device/ab', indexing: 'never' },
];

/** A connection whose other end is a {@link Peer}. */
export function connected(t: ExecutionContext, options: { readonly firstStream?: number } = {}) {
  const [mine, its] = pipe();
  const clock = new FakeClock();
  const told: string[] = [];
  const events: ConnectionEvents = {
    onSettings: (limit) => void told.push(`settings ${limit}`),
    onGoaway: (code, last, debug) => void told.push(`goaway ${code} ${last} ${debug.toString('latin1')}`),
    onPong: () => void told.push('pong'),
    onClose: (why) => void told.push(`close ${why}`),
  };
  mine.on('error', () => {});
  const peer = new Peer(its);
  const connection = new Http2Connection({ socket: mine, clock, events, ...options });
  t.teardown(() => {
    connection.destroy();
    its.destroy();
  });
  const ask = (body = '{}', fields = FIELDS): Asked => {
    const asked = new Asked(() => peer.of(FrameType.HEADERS).length);
    asked.stream = connection.request(fields, body, 'utf8', asked);
    return asked;
  };
  /** As far as the first SETTINGS. */
  const greet = async (...pairs: readonly (readonly [id: number, value: number])[]): Promise<void> => {
    peer.send(settings(...pairs));
    await until(() => connection.isUsable);
  };
  /** Until the other side has got everything sent so far. */
  const settled = async (): Promise<void> => {
    for (let turn = 0; turn < 6; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
  };
  return { clock, connection, events, told, peer, mine, ask, greet, settled };
}
