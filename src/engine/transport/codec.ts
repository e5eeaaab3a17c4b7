import type { Buffer } from 'node:buffer';

/** What a codec tells its connection. */
export interface CodecHandler {
  /** One whole SIP message. */
  message(data: Buffer): void;
  /** The peer asks for a sign of life; `answer` goes back as it is. */
  ping(answer: Buffer): void;
  /** The peer answered our ping. */
  pong(): void;
  /** Bytes of the codec's own that go out at once (handshake, close). */
  output(data: Buffer): void;
  /** The peer ended the exchange in good order. */
  finished(): void;
  /** Messages may be sent from now on. */
  ready(): void;
}

/** How SIP messages are laid into a byte stream: plain (RFC 3261 section 18.3) or in WebSocket frames (RFC 7118). */
export interface Codec {
  /** The socket is open. Calls `ready` at once or after a handshake. */
  start(): void;
  /** Throws when the stream can't be read on. */
  receive(chunk: Buffer): void;
  encode(message: Buffer): Buffer;
  /** Bytes that ask the peer for a sign of life. */
  encodePing(): Buffer;
  /** Whether part of a message is waiting for the rest. */
  readonly partial: boolean;
}
