import { Buffer, isUtf8 } from 'node:buffer';
import type { MessageLimits } from '../message/index.js';
import type { Codec, CodecHandler } from './codec.js';
import { FrameReader, OPCODE, writeFrame } from './websocket-frames.js';
import { answerHandshake, openHandshake } from './websocket-handshake.js';

const MAX_HANDSHAKE = 8192;
const EMPTY = Buffer.alloc(0);
const CRLF = Buffer.from('\r\n');

/**
 * SIP over WebSocket (RFC 7118): one SIP message per WebSocket message. Keepalives are WebSocket pings; the double CRLF that some
 * clients send as a message is answered too.
 */
export class WebSocketCodec implements Codec {
  private readonly reader: FrameReader;
  private readonly client: boolean;
  private readonly opening: ReturnType<typeof openHandshake> | undefined;
  private handshake: Buffer | undefined = EMPTY;

  /** @param host the Host header of a client's handshake; undefined for a server's side */
  constructor(
    limits: MessageLimits,
    private readonly handler: CodecHandler,
    host: string | undefined,
  ) {
    this.client = host !== undefined;
    this.opening = host === undefined ? undefined : openHandshake(host);
    this.reader = new FrameReader(limits.messageBytes, !this.client, {
      message: (data) => this.onMessage(data),
      control: (opcode, data) => this.onControl(opcode, data),
    });
  }

  get partial(): boolean {
    return this.handshake ? this.handshake.length > 0 : this.reader.partial;
  }

  start(): void {
    if (this.opening) this.handler.output(Buffer.from(this.opening.request));
  }

  receive(chunk: Buffer): void {
    if (this.handshake) this.receiveHandshake(Buffer.concat([this.handshake, chunk]));
    else this.reader.push(chunk);
  }

  encode(message: Buffer): Buffer {
    return writeFrame(isUtf8(message) ? OPCODE.text : OPCODE.binary, message, this.client);
  }

  encodePing(): Buffer {
    return writeFrame(OPCODE.ping, EMPTY, this.client);
  }

  private receiveHandshake(data: Buffer): void {
    const end = data.indexOf('\r\n\r\n');
    if (end < 0) {
      if (data.length > MAX_HANDSHAKE) throw new Error('WebSocket: handshake too long');
      this.handshake = data;
      return;
    }
    const head = data.toString('latin1', 0, end);
    if (this.opening) {
      if (!this.opening.accepts(head)) throw new Error(`WebSocket: refused with ${head.split('\r\n')[0]}`);
    } else {
      const { accepted, response } = answerHandshake(head);
      this.handler.output(Buffer.from(response));
      if (!accepted) throw new Error('WebSocket: bad handshake');
    }
    this.handshake = undefined;
    this.handler.ready();
    if (data.length > end + 4) this.reader.push(data.subarray(end + 4));
  }

  private onMessage(data: Buffer): void {
    if (data.length > 4 || !/^[\r\n]*$/.test(data.toString('latin1'))) this.handler.message(data);
    else if (data.length === 4) this.handler.ping(this.encode(CRLF));
  }

  private onControl(opcode: number, data: Buffer): void {
    if (opcode === OPCODE.ping) this.handler.ping(writeFrame(OPCODE.pong, data, this.client));
    else if (opcode === OPCODE.pong) this.handler.pong();
    else if (opcode === OPCODE.close) {
      this.handler.output(writeFrame(OPCODE.close, data.subarray(0, 2), this.client));
      this.handler.finished();
    }
  }
}
