import { randomUUID } from 'node:crypto';
import type http from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo, Server, Socket } from 'node:net';
import { type Clock, systemClock } from '../../clock/clock.js';
import type { ApnsEndpoint } from '../../push/apns/connect.js';
import type { PushEnvironment } from '../../push/provider.js';
import { type Certificate, makeCertificate } from '../tls/certificate.js';
import { Connection, type ReceivedPush } from './connection.js';

export type { ReceivedPush } from './connection.js';

import { controlServer } from './control.js';
import { Phones } from './phones.js';
import { type RegisteredKey, readPublicKey } from './provider-token.js';
import { Relay } from './relay.js';
import { type ScriptInput, Scripts } from './scripts.js';
import { type RegisteredToken, World } from './world.js';

export interface ApnsSimulatorOptions {
  readonly clock?: Clock;
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** Ports; 0 (the default) takes any free one. */
  readonly port?: number;
  readonly sandboxPort?: number;
  readonly phonePort?: number;
  readonly controlPort?: number;
  /** Default: one made now for localhost and the host. */
  readonly certificate?: Certificate;
  /** Well-formed device tokens need not be registered. Default: false. */
  readonly acceptAnyToken?: boolean;
  /** Streams that a connection may have before its first push with a good provider token. Default: 1, as Apple. */
  readonly firstStreams?: number;
  /** Streams afterwards. Default: 1000. */
  readonly maxStreams?: number;
  /** Milliseconds before every answer. Default: 0. */
  readonly latencyMs?: number;
  /** By how much Apple's clock is ahead of this machine's. Default: 0. */
  readonly clockOffsetMs?: number;
  /** Answers with a Date header, which Apple's documentation doesn't promise. Default: false. */
  readonly sendDate?: boolean;
  /** Lets {@link ApnsSimulator.setFrozen} work, at the price of one more hop. Default: false. */
  readonly freezable?: boolean;
  /** How many of the pushes received are remembered. Default: 10,000. */
  readonly remember?: number;
}

/** Apple's push service on this machine: TLS, HTTP/2, Apple's judgement, phones' connections and scripted trouble. */
export class ApnsSimulator {
  readonly world = new World();
  readonly scripts = new Scripts();
  readonly phones: Phones;
  readonly certificate: Certificate;
  readonly #options: ApnsSimulatorOptions;
  readonly #clock: Clock;
  readonly #host: string;
  readonly #servers: Readonly<Record<PushEnvironment, http2.Http2SecureServer>>;
  readonly #control: http.Server;
  /** What listens on the ports for providers: the servers, or relays before them. */
  readonly #fronts: Readonly<Record<PushEnvironment, Relay>> | undefined;
  readonly #connections = new Set<Connection>();
  /** Of providers, also of those that have not said anything yet. */
  readonly #sockets = new Set<Socket>();
  readonly #waiting = new Set<() => void>();
  #clockOffset: number;
  #received: ReceivedPush[] = [];
  #count = 0;
  #total = 0;

  constructor(options: ApnsSimulatorOptions = {}) {
    this.#options = options;
    this.#clockOffset = options.clockOffsetMs ?? 0;
    this.#clock = this.#shifted(options.clock ?? systemClock);
    this.#host = options.host ?? '127.0.0.1';
    this.certificate =
      options.certificate ?? makeCertificate({ altNames: [...new Set(['localhost', '127.0.0.1', '::1', this.#host])] });
    this.world.acceptAnyToken = options.acceptAnyToken ?? false;
    this.phones = new Phones(this.#clock, (hello) => {
      const known = this.world.tokenOf(hello.token);
      if (known && !hello.topics && !hello.environment) return;
      const { token, topics, environment } = hello;
      this.world.addToken({ token, ...(topics ? { topics } : {}), ...(environment ? { environment } : {}) });
    });
    this.#servers = { production: this.#server('production'), sandbox: this.#server('sandbox') };
    this.#control = controlServer(this);
    if (options.freezable) {
      const relay = (environment: PushEnvironment) =>
        new Relay(() => ({ host: this.#host, port: portOf(this.#servers[environment]) }));
      this.#fronts = { production: relay('production'), sandbox: relay('sandbox') };
    }
  }

  /** Opens all ports. @throws {Error} if one is taken */
  async start(): Promise<this> {
    const { port = 0, sandboxPort = 0, phonePort = 0, controlPort = 0 } = this.#options;
    if (this.#fronts) for (const server of Object.values(this.#servers)) await listen(server, 0, this.#host);
    await listen(this.#front('production'), port, this.#host);
    await listen(this.#front('sandbox'), sandboxPort, this.#host);
    await listen(this.phones.server, phonePort, this.#host);
    await listen(this.#control, controlPort, this.#host);
    return this;
  }

  /** What {@link ApnsProvider} takes as `endpoints`. */
  get endpoints(): Readonly<Record<PushEnvironment, ApnsEndpoint>> {
    return {
      production: { host: this.#host, port: portOf(this.#front('production')) },
      sandbox: { host: this.#host, port: portOf(this.#front('sandbox')) },
    };
  }

  /** Where phones connect. */
  get phoneAddress(): ApnsEndpoint {
    return { host: this.#host, port: portOf(this.phones.server) };
  }

  /** Where the control API is. */
  get controlAddress(): ApnsEndpoint {
    return { host: this.#host, port: portOf(this.#control) };
  }

  /** What a provider has to trust: PEM. */
  get ca(): string {
    return this.certificate.cert;
  }

  /** @throws {Error} if the key is no EC key on P-256 */
  registerKey(
    key: Omit<RegisteredKey, 'publicKey'> & { readonly publicKey: Parameters<typeof readPublicKey>[0] },
  ): void {
    this.world.addKey({ ...key, publicKey: readPublicKey(key.publicKey) });
  }

  registerToken(token: RegisteredToken): void {
    this.world.addToken(token);
  }

  /** The app was removed: 410 from `at` (default now) on. */
  unregisterToken(token: string, at?: number): void {
    this.world.unregister(token, at ?? this.#clock.now());
  }

  /** Adds a script; see {@link ScriptInput}. */
  script(script: ScriptInput): void {
    this.scripts.add(script);
  }

  /** The newest pushes received, in order. */
  get received(): readonly ReceivedPush[] {
    return this.#received;
  }

  /** How many pushes were received since the start or the last reset. */
  get total(): number {
    return this.#total;
  }

  get connections(): readonly Connection[] {
    return [...this.#connections];
  }

  /** Settles when `count` pushes were received in all. */
  async waitFor(count: number): Promise<void> {
    while (this.#total < count) {
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
      });
    }
  }

  /** GOAWAY on every connection, with Apple's debug data. Pushes under way are still answered when `code` is 0. */
  goaway(reason: string, code = 0): void {
    for (const connection of this.#connections) connection.goaway(reason, code);
  }

  /** Cuts every TCP connection of providers. */
  closeConnections(): void {
    for (const connection of this.#connections) connection.cut();
  }

  /** SETTINGS with a new limit on every connection. */
  setMaxStreams(maxStreams: number): void {
    for (const connection of this.#connections) connection.setMaxStreams(maxStreams);
  }

  /**
   * `existing`: passes nothing on any more over the connections there are, not even PINGs, though they stay open; `all`: nor over
   * new ones; `none`: passes everything again.
   * @throws {Error} without the option `freezable`
   */
  setFrozen(frozen: 'none' | 'existing' | 'all'): void {
    if (!this.#fronts) throw new Error('the simulator was not started freezable');
    for (const front of Object.values(this.#fronts)) {
      if (frozen === 'none') front.thaw();
      else front.freeze(frozen === 'all');
    }
  }

  /** Sets Apple's clock so far ahead of this machine's, or behind. */
  setClockOffset(ms: number): void {
    this.#clockOffset = ms;
  }

  /** Counts, for people and for the control API. */
  status(): Readonly<Record<string, unknown>> {
    return {
      endpoints: this.endpoints,
      phones: { ...this.phoneAddress, connected: this.phones.size },
      connections: this.connections.map(({ id }) => id),
      scripts: this.scripts.list.length,
      ...this.world.size,
      received: this.#total,
    };
  }

  /** Forgets scripts, pushes received and stored; keys and tokens stay. */
  reset(): void {
    this.scripts.clear();
    this.phones.clear();
    this.#received = [];
    this.#total = 0;
  }

  /** Closes ports and connections. */
  async close(): Promise<void> {
    this.phones.close();
    const closed = Object.values(this.#servers).map((server) => new Promise((resolve) => server.close(resolve)));
    for (const socket of this.#sockets) socket.destroy();
    for (const front of Object.values(this.#fronts ?? {})) front.close();
    this.#control.closeAllConnections();
    closed.push(new Promise((resolve) => this.#control.close(resolve)));
    await Promise.all(closed);
  }

  #shifted(clock: Clock): Clock {
    return {
      now: () => clock.now() + this.#clockOffset,
      monotonic: () => clock.monotonic(),
      setTimeout: (fn, ms) => clock.setTimeout(fn, ms),
    };
  }

  #front(environment: PushEnvironment): Server {
    return this.#fronts?.[environment].server ?? this.#servers[environment];
  }

  #server(environment: PushEnvironment): http2.Http2SecureServer {
    const { firstStreams = 1 } = this.#options;
    const server = http2.createSecureServer({
      key: this.certificate.key,
      cert: this.certificate.cert,
      settings: { maxConcurrentStreams: firstStreams },
    });
    const sockets = new Map<number, Socket>();
    server.on('connection', (socket: Socket) => {
      const { remotePort = 0 } = socket;
      sockets.set(remotePort, socket);
      this.#sockets.add(socket);
      socket.on('close', () => {
        sockets.delete(remotePort);
        this.#sockets.delete(socket);
      });
    });
    server.on('session', (session) => {
      const { remotePort = 0 } = session.socket;
      const connection = new Connection(++this.#count, session, environment, {
        clock: this.#clock,
        world: this.world,
        scripts: this.scripts,
        maxStreams: this.#options.maxStreams ?? 1000,
        latencyMs: this.#options.latencyMs ?? 0,
        sendDate: this.#options.sendDate ?? false,
        deliver: (push, apnsId, at) => this.phones.deliver(push, apnsId, at),
        onPush: (push) => this.#remember(push),
        newId: randomUUID,
        socketOf: () => sockets.get(remotePort),
      });
      this.#connections.add(connection);
      session.on('close', () => this.#connections.delete(connection));
    });
    server.on('sessionError', () => {});
    server.on('tlsClientError', () => {});
    return server;
  }

  #remember(push: ReceivedPush): void {
    this.#total++;
    this.#received.push(push);
    const remember = this.#options.remember ?? 10_000;
    if (this.#received.length > remember * 1.1) this.#received = this.#received.slice(-remember);
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
