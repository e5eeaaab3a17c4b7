import { Buffer } from 'node:buffer';
import type { Clock } from '../../clock/clock.js';
import type { SipUri } from '../../grammar/uri.js';
import { parseMessage, type SipMessage, SipParseError, type SipRequest, type SipResponse } from '../message/index.js';
import { Admission } from './admission.js';
import { ConnectionPool } from './connection-pool.js';
import type { FramingError } from './framer.js';
import { Inbox } from './inbox.js';
import { defaultTransportLimits, type TransportLimits } from './limits.js';
import { addressTarget, resolveUri } from './resolve.js';
import type { Resolver } from './resolver.js';
import { SentByChooser } from './sent-by.js';
import type { ShownCertificate } from './server-certificates.js';
import { defaultPort, isAddress, plainHost, stampVia } from './stamp.js';
import { StreamConnection, type StreamEvents } from './stream-connection.js';
import { StreamListener } from './stream-listener.js';
import { systemResolver } from './system-resolver.js';
import type {
  Endpoint,
  Flow,
  Listener,
  ListenOptions,
  MessageTransport,
  SendCallback,
  SentBy,
  Target,
  TlsSettings,
} from './types.js';
import { UdpListener } from './udp-listener.js';
import { UdpProbe } from './udp-probe.js';

export interface TransportLayerOptions {
  readonly clock: Clock;
  readonly limits?: Partial<TransportLimits>;
  /** For outbound TLS and WSS connections. */
  readonly tls?: TlsSettings;
  /** The machine's own when missing. */
  readonly resolver?: Resolver;
  /** See {@link InboxOptions.lateAfter}. */
  readonly lateAfter?: number | undefined;
  readonly log?: (text: string) => void;
}

/** RFC 3261 section 18: listeners, connections, sending and receiving of messages. */
export class TransportLayer implements MessageTransport {
  readonly limits: TransportLimits;
  private readonly clock: Clock;
  private readonly resolver: Resolver;
  private readonly log: (text: string) => void;
  private readonly open: Listener[] = [];
  private readonly sentBy: SentByChooser;
  private readonly admission: Admission;
  private readonly connections: ConnectionPool;
  private readonly probe: UdpProbe;
  private readonly inbox: Inbox;
  private readonly dataHandlers: ((data: Buffer, flow: Flow) => Flow | undefined)[] = [];
  private readonly messageHandlers: ((message: SipMessage, flow: Flow) => void)[] = [];
  private readonly errorHandlers: ((error: SipParseError, flow: Flow) => void)[] = [];
  private readonly closedHandlers: ((flow: Flow) => void)[] = [];
  private readonly unreachableHandlers: ((remote: Endpoint, error: Error) => void)[] = [];
  private closing = false;

  constructor(options: TransportLayerOptions) {
    this.limits = { ...defaultTransportLimits, ...options.limits };
    this.clock = options.clock;
    this.resolver = options.resolver ?? systemResolver;
    this.log = options.log ?? (() => {});
    this.sentBy = new SentByChooser(this.clock, this.open);
    this.admission = new Admission(this.limits);
    this.probe = new UdpProbe(this.clock, (remote, error) => {
      for (const handler of this.unreachableHandlers) handler(remote, error);
    });
    this.inbox = new Inbox({
      clock: this.clock,
      receive: (data, flow) => this.receive(data, flow),
      lateAfter: options.lateAfter,
    });
    const events: StreamEvents = {
      message: (data, flow) => this.inbox.take(data, flow),
      framingError: (error, flow) => this.onFramingError(error, flow),
      closed: (connection, error, wasOpen) => this.onClosed(connection, error, wasOpen),
    };
    this.connections = new ConnectionPool({ clock: this.clock, limits: this.limits, tls: options.tls ?? {}, events });
  }

  /** Opens a listener. Rejects with what Node says when the address can't be bound. */
  async listen(options: ListenOptions): Promise<Listener> {
    const { log } = this;
    const stopped = (listener: Listener) => this.forgetListener(listener);
    const receive = (data: Buffer, flow: Flow) => this.receiveDatagram(data, flow);
    const listener =
      options.protocol === 'udp'
        ? await UdpListener.open(options, { receive, stopped, log })
        : await StreamListener.open(options, {
            admission: this.admission,
            handshakeTimeout: this.limits.connectTimeout,
            accept: (socket, protocol) => this.connections.accept(socket, protocol),
            stopped,
            log,
          });
    this.open.push(listener);
    return listener;
  }

  get listeners(): readonly Listener[] {
    return this.open;
  }

  /** How many connections are open or opening. */
  get connectionCount(): number {
    return this.connections.size;
  }

  /** What servers have shown to connections from here. */
  get serverCertificates(): readonly ShownCertificate[] {
    return this.connections.certificates.list;
  }

  onData(fn: (data: Buffer, flow: Flow) => Flow | undefined): void {
    this.dataHandlers.push(fn);
  }

  onMessage(fn: (message: SipMessage, flow: Flow) => void): void {
    this.messageHandlers.push(fn);
  }

  onParseError(fn: (error: SipParseError, flow: Flow) => void): void {
    this.errorHandlers.push(fn);
  }

  /** A connection that was open is closed, whoever closed it. */
  onFlowClosed(fn: (flow: Flow) => void): void {
    this.closedHandlers.push(fn);
  }

  /** A UDP port turned out to have no listener. */
  onUnreachable(fn: (remote: Endpoint, error: Error) => void): void {
    this.unreachableHandlers.push(fn);
  }

  send(message: SipMessage | Buffer, target: Target, callback: SendCallback): void {
    const data = Buffer.isBuffer(message) ? message : message.toBuffer();
    const { flow } = target;
    if (flow?.connection) {
      if (flow.connection.alive && flow.connection instanceof StreamConnection) {
        flow.connection.send(data, callback);
        return;
      }
      if (!target.host) {
        callback(new Error('Connection is closed'));
        return;
      }
    } else if (flow) {
      this.sendDatagram(data, flow.remote, { ...target, host: flow.remote.address }, callback);
      return;
    }
    const host = plainHost(target.host);
    if (isAddress(host)) {
      this.sendTo(data, { address: host, port: target.port }, target, callback);
      return;
    }
    this.resolver.addresses(host).then(
      (addresses) => this.sendToFirst(data, addresses, { ...target, serverName: target.serverName ?? host }, callback),
      (error: Error) => callback(error),
    );
  }

  /** Sends a response back where its request came from: RFC 3261 section 18.2.2 and RFC 3581. */
  reply(response: SipResponse | Buffer, flow: Flow, callback: SendCallback = () => {}): void {
    const data = Buffer.isBuffer(response) ? response : response.toBuffer();
    const to = flow.reply ?? flow.remote;
    if (flow.protocol === 'udp') {
      this.sendDatagram(
        data,
        to,
        { protocol: 'udp', host: to.address, port: to.port, local: flow.local },
        callback,
        false,
      );
      return;
    }
    if (flow.connection?.alive && flow.connection instanceof StreamConnection) {
      flow.connection.send(data, callback);
      return;
    }
    this.replyOverNewConnection(data, flow, callback);
  }

  /** Where a request to `uri` goes, best first: RFC 3263. Rejects when nothing is found. */
  resolve(uri: SipUri): Promise<Target[]> {
    return resolveUri(uri, this.resolver);
  }

  /** The same without waiting, when the host is an IP address; else undefined. */
  resolveNow(uri: SipUri): Target | undefined {
    return addressTarget(uri);
  }

  /** What Via and Contact show for a target. */
  localFor(target: Target): SentBy {
    return this.sentBy.choose(target);
  }

  /**
   * Keeps a connection alive, and finds out that it is dead (RFC 5626 section 4.4.1): a ping at random 80 to 100 % of every
   * `interval` milliseconds; without a pong within `limits.pongTimeout` it is closed. Once per connection; nothing for UDP.
   */
  keepAlive(flow: Flow, interval: number): void {
    if (flow.connection instanceof StreamConnection) flow.connection.keepAlive(interval);
  }

  /**
   * New keys and authorities for TLS, of listeners and of connections that are opened from now on; open ones stay. Throws what Node
   * throws for a bad key: then nothing has changed.
   */
  reload(server: TlsSettings, client: TlsSettings): void {
    for (const listener of this.open) {
      if (listener.protocol === 'tls' || listener.protocol === 'wss') listener.reload(server);
    }
    this.connections.reload(client);
  }

  /** Closes every listener and connection. */
  async close(): Promise<void> {
    this.closing = true;
    this.probe.close();
    this.inbox.close();
    this.connections.close();
    await Promise.all([...this.open].map((listener) => listener.close()));
  }

  /** To the first address that takes a connection; over UDP to the first that this machine can send to. */
  private sendToFirst(
    data: Buffer,
    addresses: readonly string[],
    target: Target,
    callback: SendCallback,
    at = 0,
  ): void {
    const address = addresses[at];
    if (address === undefined) {
      callback(new Error(`No address for ${target.host}`));
      return;
    }
    this.sendTo(data, { address, port: target.port }, target, (error, flow) => {
      if (error && at + 1 < addresses.length) this.sendToFirst(data, addresses, target, callback, at + 1);
      else callback(error, flow);
    });
  }

  private forgetListener(listener: Listener): void {
    const at = this.open.indexOf(listener);
    if (at >= 0) this.open.splice(at, 1);
  }

  private sendTo(data: Buffer, remote: Endpoint, target: Target, callback: SendCallback): void {
    if (target.protocol === 'udp') {
      this.sendDatagram(data, remote, target, callback);
      return;
    }
    const serverName = target.serverName ?? plainHost(target.host);
    this.connections.to(target.protocol, remote, serverName).send(data, callback);
  }

  private sendDatagram(data: Buffer, remote: Endpoint, target: Target, callback: SendCallback, probe = true): void {
    const listener = this.sentBy.listenerFor(target);
    if (!(listener instanceof UdpListener)) {
      callback(new Error(`No UDP listener to send from to ${remote.address}`));
      return;
    }
    listener.send(data, remote, (error) => {
      if (error) callback(error);
      else callback(undefined, { protocol: 'udp', local: listener.local, remote });
    });
    if (probe && !this.closing) this.probe.sendingTo(remote);
  }

  private replyOverNewConnection(data: Buffer, flow: Flow, callback: SendCallback): void {
    if (flow.protocol !== 'tcp' && flow.protocol !== 'tls') {
      callback(new Error('Connection is closed'));
      return;
    }
    try {
      const { via } = parseMessage(data);
      const remote = { address: flow.remote.address, port: via.port ?? defaultPort(flow.protocol) };
      const target: Target = {
        protocol: flow.protocol,
        host: remote.address,
        port: remote.port,
        serverName: plainHost(via.host),
      };
      this.sendTo(data, remote, target, callback);
    } catch (error) {
      callback(error instanceof Error ? error : new Error(String(error)));
    }
  }

  private onClosed(connection: StreamConnection, error: Error | undefined, wasOpen: boolean): void {
    if (error)
      this.log(`${connection.protocol} ${connection.remote.address}:${connection.remote.port}: ${error.message}`);
    if (!wasOpen) return;
    for (const handler of this.closedHandlers) handler(connection.flow);
  }

  private receiveDatagram(data: Buffer, flow: Flow): void {
    this.probe.heardFrom(flow.remote);
    this.inbox.take(data, flow);
  }

  private receive(data: Buffer, flow: Flow): void {
    let asked: Flow | undefined = flow;
    for (const handler of this.dataHandlers) {
      asked = handler(data, asked);
      if (!asked) return;
    }
    this.parse(data, asked);
  }

  private parse(data: Buffer, flow: Flow): void {
    let message: SipMessage;
    try {
      message = parseMessage(data, this.limits);
    } catch (error) {
      if (!(error instanceof SipParseError)) throw error;
      for (const handler of this.errorHandlers) handler(error, flow);
      return;
    }
    let from = flow;
    if (message.kind === 'request') {
      stampVia(message, flow.remote);
      if (flow.protocol === 'udp' && !message.via.params.has('rport')) {
        const port = message.via.port ?? 5060;
        if (port !== flow.remote.port) from = { ...flow, reply: { address: flow.remote.address, port } };
      }
    }
    for (const handler of this.messageHandlers) handler(message, from);
  }

  /** The start of a message that can't be framed is still answered, if it can be read that far. */
  private onFramingError(error: FramingError, flow: Flow): void {
    const told = new SipParseError(error.status, error.reason, readRequest(error.head, this.limits));
    for (const handler of this.errorHandlers) handler(told, flow);
  }
}

/** The request that a head begins, as far as it can be answered. */
function readRequest(head: Buffer, limits: TransportLimits): SipRequest | undefined {
  try {
    const message = parseMessage(head, limits);
    return message.kind === 'request' && message.method !== 'ACK' ? message : undefined;
  } catch (error) {
    return error instanceof SipParseError ? error.request : undefined;
  }
}
