import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions, type Server as TlsServer } from 'node:tls';
import { ipVersion } from '../../grammar/uri.js';
import type { Admission } from './admission.js';
import { isParticular, settingsForPeer, trustOf } from './peer-trust.js';
import { plainAddress } from './stream-connection.js';
import { serverTlsOptions } from './tls.js';
import type { Endpoint, Listener, ListenOptions, PeerTrust, Protocol, TlsSettings } from './types.js';

export interface StreamListenerParts {
  readonly admission: Admission;
  readonly handshakeTimeout: number;
  /** Takes a socket that is open, TLS included. */
  readonly accept: (socket: Socket, protocol: Protocol) => void;
  /** The listener takes no more connections. */
  readonly stopped: (listener: Listener) => void;
  readonly log: (text: string) => void;
}

/** A TCP port that takes SIP over TCP, TLS or WebSocket. */
export class StreamListener implements Listener {
  readonly protocol: Protocol;
  readonly local: Endpoint;
  readonly advertise?: { readonly host: string; readonly port?: number };
  /** How TLS is spoken with whoever is at an address; undefined on cleartext ports. */
  private tlsFor: ((address: string) => TlsServer) | undefined;
  /** Accepted sockets whose TLS handshake isn't over, by their remote end. */
  private readonly handshaking = new Map<string, Socket>();

  private constructor(
    private readonly server: Server,
    tls: TlsSettings | undefined,
    options: ListenOptions,
    private readonly parts: StreamListenerParts,
  ) {
    this.protocol = options.protocol;
    if (options.advertise) this.advertise = options.advertise;
    const bound = server.address();
    if (bound === null || typeof bound === 'string') throw new Error('Listener has no address');
    this.local = { address: bound.address, port: bound.port };
    this.tlsFor = tls && this.tlsServers(tls);
    server.on('error', (error) => parts.log(`${this.protocol} listener: ${error.message}`));
    server.on('connection', (socket) => this.onConnection(socket));
  }

  /** Rejects when the address can't be bound, or with what Node says of a bad key. */
  static async open(options: ListenOptions, parts: StreamListenerParts): Promise<StreamListener> {
    const secure = options.protocol === 'tls' || options.protocol === 'wss';
    if (secure && !options.tls) throw new Error(`A ${options.protocol} listener needs a key and a certificate`);
    const tls = secure ? options.tls : undefined;
    if (tls) serverTlsOptions(tls);
    const server = createServer({ noDelay: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      const ipv6Only = ipVersion(options.address) === 6;
      server.listen({ host: options.address, port: options.port, ipv6Only, backlog: 1024 }, () => {
        server.off('error', reject);
        resolve();
      });
    });
    return new StreamListener(server, tls, options, parts);
  }

  reload(tls: TlsSettings): void {
    if (!this.tlsFor) throw new Error(`A ${this.protocol} listener has no certificates`);
    this.tlsFor = this.tlsServers(tls);
  }

  /** Takes no more connections; those that are open live on, handshakes don't. */
  close(): Promise<void> {
    this.parts.stopped(this);
    this.server.close();
    for (const socket of this.handshaking.values()) socket.destroy();
    return new Promise((resolve) => {
      setImmediate(resolve);
    });
  }

  private onConnection(socket: Socket): void {
    if (!this.parts.admission.admit(socket)) return;
    if (!this.tlsFor) {
      this.parts.accept(socket, this.protocol);
      return;
    }
    const key = remoteEnd(socket);
    this.handshaking.set(key, socket);
    socket.once('close', () => this.handshaking.delete(key));
    socket.on('error', () => socket.destroy());
    this.tlsFor(plainAddress(socket.remoteAddress)).emit('connection', socket);
  }

  /** One server for all, and one for each peer of which more is known. They never listen: the plain server hands them the sockets that it accepted. */
  private tlsServers(settings: TlsSettings): (address: string) => TlsServer {
    const general = this.makeTlsServer(serverTlsOptions(settings));
    const particular = new Map<PeerTrust, TlsServer>();
    for (const trust of settings.peers?.filter(isParticular) ?? []) {
      particular.set(trust, this.makeTlsServer(serverTlsOptions(settingsForPeer(settings, trust))));
    }
    return (address) => {
      const trust = particular.size === 0 ? undefined : trustOf(settings, address);
      return (trust && particular.get(trust)) ?? general;
    };
  }

  private makeTlsServer(options: TlsOptions): TlsServer {
    const { accept, handshakeTimeout, log } = this.parts;
    const server = createTlsServer({ ...options, handshakeTimeout });
    server.on('secureConnection', (socket) => {
      this.handshaking.delete(remoteEnd(socket));
      accept(socket, this.protocol);
    });
    server.on('tlsClientError', (error, socket) => {
      log(`TLS handshake with ${socket.remoteAddress ?? 'a peer that left'}: ${error.message.split('\n')[0]}`);
      socket.destroy();
    });
    return server;
  }
}

function remoteEnd(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}
