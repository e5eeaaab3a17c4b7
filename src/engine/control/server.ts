import { createHash, timingSafeEqual } from 'node:crypto';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import {
  createServer as createTlsServer,
  type SecureContextOptions,
  type TlsOptions,
  Server as TlsServer,
} from 'node:tls';
import type { Clock } from '../../clock/clock.js';
import { ControlSession, defaultSessionLimits, type SessionLimits, type SessionUser } from './session.js';
import type { Command } from './wire.js';

/** Where apps connect. */
export interface ControlListen {
  address: string;
  /** 0 lets the system choose. */
  port: number;
  /** Key and certificate as PEM make it TLS; with `ca` and `requestCert` apps must show a certificate of their own. */
  tls?: TlsOptions | undefined;
}

export interface ControlServerOptions {
  listen: readonly ControlListen[];
  secret: string;
  clock: Clock;
  limits?: Partial<SessionLimits> | undefined;
  /** Connections that have not shown the secret yet; further ones are closed. 64. */
  maxStrangers?: number | undefined;
  log?: ((text: string) => void) | undefined;
}

/** What apps may do once they showed the secret. */
export interface ControlUser {
  /** A new app; the reply to its `authenticate` is the user's. */
  onApp(session: ControlSession, id: string): void;
  onCommand(session: ControlSession, command: Exclude<Command, { type: 'authenticate' }>): void;
  onGone(session: ControlSession): void;
}

/** Takes connections of apps and lets in those that know the secret; nothing else is heard from the others. */
export class ControlServer implements SessionUser {
  readonly #options: ControlServerOptions;
  readonly #user: ControlUser;
  readonly #limits: SessionLimits;
  readonly #secret: Buffer;
  readonly #servers: Server[] = [];
  readonly #sessions = new Set<ControlSession>();

  constructor(options: ControlServerOptions, user: ControlUser) {
    this.#options = options;
    this.#user = user;
    this.#limits = { ...defaultSessionLimits, ...options.limits };
    this.#secret = digest(options.secret);
  }

  /** Resolves with the bound addresses, in the order of `listen`. Rejects with what Node says when one can't be bound. */
  async start(): Promise<AddressInfo[]> {
    const bound: AddressInfo[] = [];
    for (const listen of this.#options.listen) {
      const onSocket = (socket: Socket): void => void this.adopt(socket);
      const server: Server = listen.tls
        ? createTlsServer({ minVersion: 'TLSv1.2', handshakeTimeout: 10_000, ...listen.tls }, onSocket)
        : createServer(onSocket);
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ host: listen.address, port: listen.port }, () => {
          server.off('error', reject);
          resolve();
        });
      });
      server.on('error', (error) => this.#options.log?.(`control: ${error.message}`));
      this.#servers.push(server);
      const address = server.address();
      if (address && typeof address === 'object') bound.push(address);
    }
    return bound;
  }

  /** Makes a session of a connection, whoever opened it. */
  adopt(socket: Socket): ControlSession | undefined {
    if (this.#strangers() >= (this.#options.maxStrangers ?? 64)) {
      socket.destroy();
      return undefined;
    }
    const session = new ControlSession(socket, this, this.#options.clock, this.#limits);
    this.#sessions.add(session);
    return session;
  }

  /** New keys for apps that connect over TLS from now on. Throws what Node throws for a bad key. */
  reload(tls: SecureContextOptions): void {
    for (const server of this.#servers) if (server instanceof TlsServer) server.setSecureContext(tls);
  }

  /** Apps that showed the secret. */
  *apps(): Iterable<ControlSession> {
    for (const session of this.#sessions) if (session.authenticated) yield session;
  }

  async stop(): Promise<void> {
    const closing = this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const session of [...this.#sessions]) session.close('engine stops');
    await Promise.all(closing);
  }

  onCommand(session: ControlSession, command: Command): void {
    if (command.type !== 'authenticate') {
      this.#user.onCommand(session, command);
      return;
    }
    if (!timingSafeEqual(digest(command.secret), this.#secret)) {
      this.#options.log?.(`control: wrong secret from ${session.remote}`);
      session.refuse(command.id, 'incorrect secret');
      return;
    }
    if (!session.authenticated) {
      session.accept(command.tags);
      this.#options.log?.(`control: app ${session.remote} connected`);
    }
    this.#user.onApp(session, command.id);
  }

  onClosed(session: ControlSession, why: string): void {
    this.#sessions.delete(session);
    if (!session.authenticated) return;
    this.#options.log?.(`control: app ${session.remote} gone: ${why}`);
    this.#user.onGone(session);
  }

  #strangers(): number {
    let count = 0;
    for (const session of this.#sessions) if (!session.authenticated) count++;
    return count;
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
