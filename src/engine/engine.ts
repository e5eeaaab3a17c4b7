import { type Clock, systemClock } from '../clock/clock.js';
import { LoadGuard, type LoadLimits, RefusalLog, refuseScheme } from './admission/index.js';
import { ContactRegistry } from './contact-registry.js';
import { parseContact } from './contacts.js';
import { Controller } from './control/controller.js';
import type { RequestHandler } from './control/handlers.js';
import { Outbound } from './control/outbound.js';
import { proxyRequest } from './control/proxy-command.js';
import { type ControlListen, ControlServer } from './control/server.js';
import type { SessionLimits } from './control/session.js';
import { parseDuration } from './control/wire.js';
import { DialogLayer } from './dialog/layer.js';
import type { EngineFigures } from './figures.js';
import { ProxyLayer } from './proxy/proxy-layer.js';
import type { TimerSettings } from './transaction/index.js';
import {
  type Listener,
  type ListenOptions,
  resolverOf,
  type TlsSettings,
  TransportLayer,
  type TransportLimits,
  uriHost,
} from './transport/index.js';

/** Shown to apps as the version of the server that this engine stands in for. */
export const SERVER_VERSION = 'v0.9.11-callwake';

export interface EngineOptions {
  /** Where to listen for SIP: `sip:127.0.0.1:5060;transport=udp,tcp`; see {@link parseContact}. Port 0 lets the system choose. */
  contacts: readonly string[];
  /** Where apps connect; at least one. */
  control: readonly ControlListen[];
  /** What apps must show first. */
  secret: string;
  /** Key, certificate and authorities of TLS and WSS contacts. */
  tls?: TlsSettings | undefined;
  /** For connections that the engine opens over TLS. */
  tlsClient?: TlsSettings | undefined;
  /** Name servers to ask (RFC 3263), `192.0.2.53` or `192.0.2.53:5353` each, in place of the machine's own resolver and hosts file. */
  nameServers?: readonly string[] | undefined;
  clock?: Clock | undefined;
  timers?: Partial<TimerSettings> | undefined;
  /** Milliseconds that a proxied call may ring after its last provisional response (Timer C). Default 185 s. */
  timerC?: number | undefined;
  limits?: Partial<TransportLimits> | undefined;
  controlLimits?: Partial<SessionLimits> | undefined;
  /** When new work gets 503; see {@link LoadLimits} for the defaults. */
  load?: Partial<LoadLimits> | undefined;
  /** Milliseconds that an INVITE waits for the app's first word before it gets 480. Default 180 s. */
  holdLimit?: number | undefined;
  /** Outbound mode: whom to ask or to connect to for new requests; the first that fits the method. */
  requestHandlers?: readonly RequestHandler[] | undefined;
  /** Milliseconds that a request in a dialog waits for an app when none is connected. Default 8 s. */
  dialogWait?: number | undefined;
  /**
   * Milliseconds that what an app leaves behind when its connection dies is kept for the next app: INVITEs it sent, which the next one claims by sending
   * them again with the same Call-ID and From tag, and requests that come meanwhile. Default 0, as drachtio-server.
   */
  successorWait?: number | undefined;
  log?: ((text: string) => void) | undefined;
  /** What an operator should know: that requests are turned away, and why. */
  warn?: ((text: string) => void) | undefined;
}

/** A SIP listener as it was opened. */
export interface OpenContact {
  protocol: string;
  address: string;
  port: number;
}

export interface Started {
  contacts: OpenContact[];
  /** Addresses where apps connect, in the order of the options. */
  control: { address: string; port: number }[];
}

/** The embedded engine: a drop-in for drachtio-server. SIP on one side, drachtio's control protocol on the other. */
export class Engine {
  readonly #options: EngineOptions;
  readonly #clock: Clock;
  readonly #transport: TransportLayer;
  readonly #registry: ContactRegistry;
  readonly #controller: Controller;
  readonly #dialogs: DialogLayer;
  readonly #proxy: ProxyLayer;
  readonly #server: ControlServer;
  readonly #load: LoadGuard;
  readonly #refusals: RefusalLog;
  readonly #listeners: Listener[] = [];

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const log = options.log ?? (() => undefined);
    this.#transport = new TransportLayer({
      clock: this.#clock,
      log,
      lateAfter: options.load?.wait,
      ...(options.limits ? { limits: options.limits } : {}),
      ...(options.tlsClient ? { tls: options.tlsClient } : {}),
      ...(options.nameServers?.length ? { resolver: resolverOf(options.nameServers) } : {}),
    });
    this.#refusals = new RefusalLog(this.#clock, options.warn ?? log);
    const onRefused = this.#refusals.note.bind(this.#refusals);
    this.#load = new LoadGuard({ clock: this.#clock, limits: options.load, log, onRefused });
    this.#registry = new ContactRegistry(this.#clock);
    const outbound = this.#outbound(options);
    this.#controller = new Controller({
      clock: this.#clock,
      identity: () => ({ hostports: this.#hostports(), version: SERVER_VERSION }),
      dialogWait: options.dialogWait,
      outbound,
      successorWait: options.successorWait,
      onRefused,
      figures: () => this.figures(),
      registered: (request, response, flow) => this.#registry.learn(request, response, flow),
      proxy: (session, command, text, incoming) =>
        proxyRequest(this.#proxy, this.#clock, session, command, text, incoming),
    });
    this.#dialogs = new DialogLayer({
      clock: this.#clock,
      transport: this.#transport,
      user: this.#controller.events,
      timers: options.timers,
      flows: this.#registry,
      holdLimit: options.holdLimit,
      screen: refuseScheme,
      load: this.#load,
      onRefused,
      log,
    });
    this.#controller.attach(this.#dialogs);
    this.#proxy = new ProxyLayer({
      clock: this.#clock,
      dialogs: this.#dialogs,
      listeners: () => this.#listeners,
      secret: options.secret,
      timerC: options.timerC,
      records: this.#controller.cdr,
      accepted: (request, response, flow) => {
        if (request.method === 'REGISTER') this.#registry.learn(request, response, flow);
      },
    });
    this.#dialogs.bypass = this.#proxy;
    this.#server = new ControlServer(
      { listen: options.control, secret: options.secret, clock: this.#clock, limits: options.controlLimits, log },
      this.#controller,
    );
  }

  /**
   * Opens every contact, then the control port. Rejects with ContactError for a contact that can't be read, with what Node says when an address can't be
   * bound; what was opened by then is closed again.
   */
  async start(): Promise<Started> {
    try {
      for (const text of this.#options.contacts) await this.#listen(parseContact(text, this.#options.tls));
      const control = await this.#server.start();
      this.#load.start();
      return {
        contacts: this.#listeners.map(({ protocol, local }) => ({ protocol, ...local })),
        control: control.map(({ address, port }) => ({ address, port })),
      };
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** What is under way, and how the process does. */
  figures(): EngineFigures {
    const { client, server } = this.#dialogs.transactions.counts;
    const { user, system } = process.cpuUsage();
    const { heapUsed, rss } = process.memoryUsage();
    return {
      clientTransactions: client,
      serverTransactions: server,
      dialogs: this.#dialogs.dialogs.size,
      proxied: this.#proxy.size,
      pending: this.#dialogs.pending,
      connections: this.#transport.connectionCount,
      serverCertificates: this.#transport.serverCertificates,
      passing: this.#load.share,
      refused: this.#refusals.counts,
      lag: this.#load.lag,
      cpuSeconds: (user + system) / 1e6,
      heapBytes: heapUsed,
      residentBytes: rss,
    };
  }

  /** New keys for TLS, for listeners and for connections that are opened from now on. Throws what Node throws for a bad key; then nothing has changed. */
  reload(tls: TlsSettings, tlsClient: TlsSettings): void {
    this.#transport.reload(tls, tlsClient);
    if (tls.key && tls.cert)
      this.#server.reload({ minVersion: tls.minVersion ?? 'TLSv1.2', key: tls.key, cert: tls.cert });
  }

  /** Closes everything at once; calls that are up stay up at their ends. */
  async stop(): Promise<void> {
    this.#load.stop();
    await this.#server.stop();
    this.#controller.close();
    this.#proxy.close();
    this.#dialogs.close();
    await this.#transport.close();
  }

  #outbound(options: EngineOptions): Outbound | undefined {
    if (!options.requestHandlers?.length) return undefined;
    const { ca, insecure } = options.tlsClient ?? {};
    return new Outbound({
      handlers: options.requestHandlers,
      tls: { ...(ca === undefined ? {} : { ca: [ca].flat() }), rejectUnauthorized: !insecure },
      adopt: (socket) => this.#server.adopt(socket),
      apps: () => this.#server.apps(),
      hand: (incoming, session) => this.#controller.handTo(incoming, session),
      proxy: (incoming, action) =>
        this.#proxy.start(
          incoming,
          {
            ...action,
            headers: [],
            provisionalTimeout: parseDuration(action.provisionalTimeout),
            finalTimeout: parseDuration(action.finalTimeout),
          },
          { onDone: () => undefined },
        ),
      log: options.log,
    });
  }

  #hostports(): string {
    return this.#listeners
      .map(({ protocol, local }) => `${protocol}/${uriHost(local.address)}:${local.port}`)
      .join(',');
  }

  /** One contact with several transports gets one port for all, also when the system chooses it. */
  async #listen(wanted: ListenOptions[]): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const opened: Listener[] = [];
      let port = 0;
      try {
        for (const options of wanted) {
          const listener = await this.#transport.listen({ ...options, port: options.port || port });
          opened.push(listener);
          port = listener.local.port;
        }
        this.#listeners.push(...opened);
        return;
      } catch (error) {
        for (const listener of opened) await listener.close();
        const chosen = wanted.every((options) => options.port === 0);
        const inUse = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
        if (!chosen || !inUse || attempt >= 20) throw error;
      }
    }
  }
}
