import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/** A verified certificate that a server has shown to a connection from here. */
export interface ServerCertificate {
  /** What the server is for, and where it is. */
  readonly server: string;
  /** When the certificate ends, epoch milliseconds. */
  readonly until: number;
}

/** The certificate of the server at the other end of a socket; undefined without TLS, and of one that was not verified. */
export function serverCertificateOf(socket: Socket | undefined, server: string): ServerCertificate | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const until = Date.parse(socket.getPeerCertificate().valid_to);
  return Number.isNaN(until) ? undefined : { server, until };
}
