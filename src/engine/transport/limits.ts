import { defaultMessageLimits, type MessageLimits } from '../message/index.js';

/** What a stranger may take of this process. Times in milliseconds. */
export interface TransportLimits extends MessageLimits {
  /** Open connections from one address; further ones are closed at once. 1000. */
  readonly connectionsPerAddress: number;
  /** Open connections in all. 50,000. */
  readonly connections: number;
  /** A connection on which nothing came or went for this long is closed. 30 minutes. */
  readonly idleTimeout: number;
  /** A message that began must be complete within this time. 10 s. */
  readonly halfSentTimeout: number;
  /** TCP connect, TLS and WebSocket handshake. 4 s. */
  readonly connectTimeout: number;
  /** A keepalive of ours must be answered within this time (RFC 5626 section 4.4.1). 10 s. */
  readonly pongTimeout: number;
  /** Bytes that wait for a peer that does not read; above it the connection is closed. 4 MiB. */
  readonly sendBufferBytes: number;
}

export const defaultTransportLimits: TransportLimits = {
  ...defaultMessageLimits,
  connectionsPerAddress: 1000,
  connections: 50_000,
  idleTimeout: 30 * 60_000,
  halfSentTimeout: 10_000,
  connectTimeout: 4_000,
  pongTimeout: 10_000,
  sendBufferBytes: 4 * 1024 * 1024,
};
