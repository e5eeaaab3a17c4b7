import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import { ipVersion } from '../../grammar/uri.js';
import type { Admission } from './admission.js';
import { serverTlsOptions } from './tls.js';
import type { Endpoint, Listener, ListenOptions, Protocol, TlsSettings } from './types.js';

export interface StreamListenerParts {
  readonly admission: Admission;
  readonly handshakeTimeout: number;
  /** Takes a socket that is open, TLS included. */
  readonly accept: (socket: Socket, protocol: Protocol) => void;
  readonly log: (text: string) => void;
}

/** A TCP port that takes SIP over TCP, TLS or WebSocket. */
export class StreamListener implements Listener {
  readonly protocol: Protocol;
  readonly local: Endpoint;
  readonly advertise?: { readonly host: string; readonly port?: number };

  private constructor(
    private readonly server: Server,
    private tlsServer: TlsServer | undefined,
    options: ListenOptions,
    private readonly parts: StreamListenerParts,
  ) {
    this.protocol = options.protocol;
    if (options.advertise) this.advertise = options.advertise;
    const bound = server.address();
    if (bound === null || typeof bound === 'string') throw new Error('Listener has no address');
    this.local = { address: bound.address, port: bound.port };
    server.on('error', (error) => parts.log(`${this.protocol} listener: ${error.message}`));
    server.on('connection', (socket) => this.onConnection(socket));
  }

  /** Rejects when the address can't be bound, or with what Node says of a bad key. */
  static async open(options: ListenOptions, parts: StreamListenerParts): Promise<StreamListener> {
    const secure = options.protocol === 'tls' || options.protocol === 'wss';
    if (secure && !options.tls) throw new Error(`A ${options.protocol} listener needs a key and a certificate`);
    const tlsServer = options.tls && secure ? makeTlsServer(options.tls, options.protocol, parts) : undefined;
    const server = createServer({ noDelay: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      const ipv6Only = ipVersion(options.address) === 6;
      server.listen({ host: options.address, port: options.port, ipv6Only, backlog: 1024 }, () => {
        server.off('error', reject);
        resolve();
      });
    });
    return new StreamListener(server, tlsServer, options, parts);
  }

  reload(tls: TlsSettings): void {
    if (!this.tlsServer) throw new Error(`A ${this.protocol} listener has no certificates`);
    this.tlsServer = makeTlsServer(tls, this.protocol, this.parts);
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
    });
  }

  private onConnection(socket: Socket): void {
    if (!this.parts.admission.admit(socket)) return;
    if (!this.tlsServer) {
      this.parts.accept(socket, this.protocol);
      return;
    }
    socket.on('error', () => socket.destroy());
    this.tlsServer.emit('connection', socket);
  }
}

/** It never listens itself: the plain server hands it the sockets that it accepted. */
function makeTlsServer(settings: TlsSettings, protocol: Protocol, parts: StreamListenerParts): TlsServer {
  const server = createTlsServer({ ...serverTlsOptions(settings), handshakeTimeout: parts.handshakeTimeout });
  server.on('secureConnection', (socket) => parts.accept(socket, protocol));
  server.on('tlsClientError', (error, socket) => {
    parts.log(`TLS handshake with ${socket.remoteAddress ?? 'a peer that left'}: ${error.message.split('\n')[0]}`);
    socket.destroy();
  });
  return server;
}
