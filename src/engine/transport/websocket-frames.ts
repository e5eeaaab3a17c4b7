import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';

/** RFC 6455 section 5.2. */
export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface FrameHandlers {
  /** A whole message: fragments are joined. */
  message(data: Buffer): void;
  /** A close, ping or pong. */
  control(opcode: number, data: Buffer): void;
}

const EMPTY = Buffer.alloc(0);

/** Reads WebSocket frames (RFC 6455 section 5) from a byte stream, one message at most kept, up to `maxBytes`. */
export class FrameReader {
  /** Room for an unfinished frame, of which there are `used` bytes. */
  private pending: Buffer = EMPTY;
  private used = 0;
  private fragments: Buffer[] = [];
  private fragmentBytes = 0;

  /** @param masked frames must be masked: those of clients; a server's must not be */
  constructor(
    private readonly maxBytes: number,
    private readonly masked: boolean,
    private readonly handlers: FrameHandlers,
  ) {}

  get partial(): boolean {
    return this.used > 0 || this.fragments.length > 0;
  }

  /** Throws when the peer breaks the protocol or a message is too large. */
  push(chunk: Buffer): void {
    const waited = this.used > 0;
    if (waited) this.append(chunk);
    let data = waited ? this.pending.subarray(0, this.used) : chunk;
    const before = data.length;
    for (let taken = this.frame(data); taken > 0; taken = this.frame(data)) data = data.subarray(taken);
    if (waited && data.length === before) return;
    this.pending = data.length > 0 ? Buffer.from(data) : EMPTY;
    this.used = data.length;
  }

  /** The room is doubled when it is full, so that a message in many small pieces is not copied again for each. */
  private append(chunk: Buffer): void {
    const total = this.used + chunk.length;
    if (total > this.pending.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(total, this.pending.length * 2));
      this.pending.copy(grown, 0, 0, this.used);
      this.pending = grown;
    }
    chunk.copy(this.pending, this.used);
    this.used = total;
  }

  /** Handles the frame at the start of `data`; gives its length, 0 if it is not complete. */
  private frame(data: Buffer): number {
    const [first, second] = data;
    if (first === undefined || second === undefined) return 0;
    if ((first & 0x70) !== 0) throw new Error('WebSocket: reserved bits');
    if (((second & 0x80) !== 0) !== this.masked) throw new Error('WebSocket: wrong masking');
    const short = second & 0x7f;
    const maskAt = short < 126 ? 2 : short === 126 ? 4 : 10;
    const start = maskAt + (this.masked ? 4 : 0);
    if (data.length < start) return 0;
    const length = short < 126 ? short : short === 126 ? data.readUInt16BE(2) : Number(data.readBigUInt64BE(2));
    if (length + this.fragmentBytes > this.maxBytes) throw new Error('WebSocket: message too large');
    if (data.length < start + length) return 0;
    let payload = data.subarray(start, start + length);
    if (this.masked) payload = mask(payload, data.subarray(maskAt, start));
    this.handle(first & 0x0f, (first & 0x80) !== 0, payload);
    return start + length;
  }

  private handle(opcode: number, final: boolean, payload: Buffer): void {
    if (opcode >= 8) {
      if (!final || payload.length > 125) throw new Error('WebSocket: bad control frame');
      this.handlers.control(opcode, payload);
      return;
    }
    if (opcode > OPCODE.binary) throw new Error('WebSocket: unknown opcode');
    if ((opcode === OPCODE.continuation) !== this.fragments.length > 0) throw new Error('WebSocket: bad fragment');
    if (final && opcode !== OPCODE.continuation) {
      this.handlers.message(payload);
      return;
    }
    this.fragments.push(Buffer.from(payload));
    this.fragmentBytes += payload.length + 16;
    if (!final) return;
    const whole = Buffer.concat(this.fragments);
    this.fragments = [];
    this.fragmentBytes = 0;
    this.handlers.message(whole);
  }
}

function mask(data: Buffer, key: Buffer): Buffer {
  const out = Buffer.allocUnsafe(data.length);
  for (let i = 0; i < data.length; i++) out[i] = (data[i] ?? 0) ^ (key[i & 3] ?? 0);
  return out;
}

/** One unfragmented frame; masked as a client's must be. */
export function writeFrame(opcode: number, data: Buffer, masked: boolean): Buffer {
  const { length } = data;
  const flag = masked ? 0x80 : 0;
  let head: Buffer;
  if (length < 126) head = Buffer.from([0x80 | opcode, flag | length]);
  else if (length < 65_536) head = Buffer.from([0x80 | opcode, flag | 126, length >> 8, length & 255]);
  else {
    head = Buffer.alloc(10);
    head[0] = 0x80 | opcode;
    head[1] = flag | 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  if (!masked) return Buffer.concat([head, data]);
  const key = randomBytes(4);
  return Buffer.concat([head, key, mask(data, key)]);
}
