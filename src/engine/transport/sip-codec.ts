import { Buffer } from 'node:buffer';
import type { MessageLimits } from '../message/index.js';
import type { Codec, CodecHandler } from './codec.js';
import { StreamFramer } from './framer.js';

const PING = Buffer.from('\r\n\r\n');
const PONG = Buffer.from('\r\n');

/** SIP over TCP or TLS, with the keepalives of RFC 5626 section 3.5.1: a double CRLF is answered with one CRLF. */
export class SipCodec implements Codec {
  private readonly framer: StreamFramer;
  private emptyLines = 0;
  private awaiting = 0;

  constructor(
    limits: MessageLimits,
    private readonly handler: CodecHandler,
  ) {
    this.framer = new StreamFramer(limits, {
      frame: (data) => {
        this.emptyLines = 0;
        handler.message(data);
      },
      emptyLine: () => this.emptyLine(),
    });
  }

  get partial(): boolean {
    return this.framer.partial;
  }

  start(): void {
    this.handler.ready();
  }

  receive(chunk: Buffer): void {
    this.framer.push(chunk);
  }

  encode(message: Buffer): Buffer {
    return message;
  }

  encodePing(): Buffer {
    this.awaiting++;
    return PING;
  }

  private emptyLine(): void {
    if (this.awaiting > 0) {
      this.awaiting--;
      this.handler.pong();
      return;
    }
    this.emptyLines++;
    if (this.emptyLines < 2) return;
    this.emptyLines = 0;
    this.handler.ping(PONG);
  }
}
