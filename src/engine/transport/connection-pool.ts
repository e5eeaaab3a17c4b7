import type { Socket } from 'node:net';
import type { Clock } from '../../clock/clock.js';
import type { CodecHandler } from './codec.js';
import { ConnectionTable } from './connection-table.js';
import type { TransportLimits } from './limits.js';
import { connectSocket } from './outbound.js';
import { ServerCertificates } from './server-certificates.js';
import { SipCodec } from './sip-codec.js';
import { uriHost } from './stamp.js';
import { plainAddress, StreamConnection, type StreamEvents } from './stream-connection.js';
import type { Endpoint, Protocol, TlsSettings } from './types.js';
import { WebSocketCodec } from './websocket-codec.js';

export interface ConnectionPoolParts {
  readonly clock: Clock;
  readonly limits: TransportLimits;
  /** For outbound connections. */
  tls: TlsSettings;
  readonly events: StreamEvents;
}

/** Every stream connection: accepted, opened when needed, shared while alive. */
export class ConnectionPool {
  /** What servers have shown to connections from here. */
  readonly certificates: ServerCertificates;
  private readonly table = new ConnectionTable();
  private nextId = 1;
  private closing = false;

  constructor(private readonly parts: ConnectionPoolParts) {
    const leads = (host: string, remote: Endpoint): boolean =>
      ['tls', 'wss'].some((protocol) => this.table.find(protocol as Protocol, remote, host) !== undefined);
    this.certificates = new ServerCertificates(parts.clock, leads);
  }

  get size(): number {
    return this.table.size;
  }

  /** A connection that leads there, opened if there is none. `serverName` matters for TLS only: what the certificate must show. */
  to(protocol: Protocol, remote: Endpoint, serverName: string): StreamConnection {
    const name = protocol === 'tls' || protocol === 'wss' ? serverName : '';
    const found = this.table.find(protocol, remote, name);
    if (found) return found;
    const socket = connectSocket(protocol, remote, name, this.parts.tls, () => {
      connection.opened();
      if (connection.peerUntil !== undefined) this.certificates.add(name, remote, connection.peerUntil);
    });
    const connection = this.make(socket, protocol, remote, true);
    this.table.add(connection, true, name);
    return connection;
  }

  /** Connections that are opened from now on use these keys. */
  reload(tls: TlsSettings): void {
    this.parts.tls = tls;
  }

  /**
   * Takes a socket that a listener accepted, TLS included. Only a TCP connection is shared for requests to its remote end: over TLS
   * nobody has proved to be who would be asked for there.
   */
  accept(socket: Socket, protocol: Protocol): void {
    if (this.closing) {
      socket.destroy();
      return;
    }
    const remote = { address: plainAddress(socket.remoteAddress), port: socket.remotePort ?? 0 };
    const connection = this.make(socket, protocol, remote, false);
    this.table.add(connection, protocol === 'tcp');
    connection.opened();
  }

  /** Closes all connections and takes no more. */
  close(): void {
    this.closing = true;
    for (const connection of this.table) connection.fail(new Error('Shutting down'));
  }

  private make(socket: Socket, protocol: Protocol, remote: Endpoint, outbound: boolean): StreamConnection {
    const { clock, limits, events } = this.parts;
    const host = outbound ? `${uriHost(remote.address)}:${remote.port}` : undefined;
    const codec = (handler: CodecHandler) =>
      protocol === 'ws' || protocol === 'wss'
        ? new WebSocketCodec(limits, handler, host)
        : new SipCodec(limits, handler);
    const closed: StreamEvents['closed'] = (connection, error, wasOpen) => {
      this.table.remove(connection);
      events.closed(connection, error, wasOpen);
    };
    const id = this.nextId++;
    const watched = { ...events, closed };
    return new StreamConnection({ id, protocol, outbound, remote, socket, codec, limits, clock, events: watched });
  }
}
