import type { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Clock, Timer } from '../../clock/clock.js';
import type { Codec, CodecHandler } from './codec.js';
import { FramingError } from './framer.js';
import type { TransportLimits } from './limits.js';
import { sipDomainsOf } from './sip-domain.js';
import type { Connection, Endpoint, Flow, Protocol, SendCallback } from './types.js';

export interface StreamEvents {
  message(data: Buffer, flow: Flow): void;
  framingError(error: FramingError, flow: Flow): void;
  /** Called once. `wasOpen`: messages could be sent. */
  closed(connection: StreamConnection, error: Error | undefined, wasOpen: boolean): void;
}

export interface StreamOptions {
  readonly id: number;
  readonly protocol: Protocol;
  readonly outbound: boolean;
  readonly remote: Endpoint;
  readonly socket: Socket;
  readonly codec: (handler: CodecHandler) => Codec;
  readonly limits: TransportLimits;
  readonly clock: Clock;
  readonly events: StreamEvents;
}

interface Queued {
  readonly data: Buffer;
  readonly callback: SendCallback;
}

/** IPv4 addresses inside IPv6 ones (`::ffff:192.0.2.1`) as plain IPv4. */
export function plainAddress(address: string | undefined): string {
  return address?.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : (address ?? '');
}

/** A TCP, TLS or WebSocket connection: queues until it is ready, writes in batches, watches over idle and half-sent times. */
export class StreamConnection implements Connection, CodecHandler {
  readonly id: number;
  readonly protocol: Protocol;
  readonly outbound: boolean;
  verified = false;
  peerNames: readonly string[] = [];
  peerUntil: number | undefined;
  private readonly options: StreamOptions;
  private readonly socket: Socket;
  private readonly codec: Codec;
  private readonly clock: Clock;
  private state: 'opening' | 'ready' | 'closed' = 'opening';
  private queue: Queued[] = [];
  private queuedBytes = 0;
  private corked = false;
  private error: Error | undefined;
  private lastActivity: number;
  private idleTimer: Timer | undefined;
  private openTimer: Timer | undefined;
  private partialTimer: Timer | undefined;
  private pingTimer: Timer | undefined;
  private pongTimer: Timer | undefined;
  private currentFlow: Flow | undefined;

  constructor(options: StreamOptions) {
    this.options = options;
    this.id = options.id;
    this.protocol = options.protocol;
    this.outbound = options.outbound;
    this.socket = options.socket;
    this.clock = options.clock;
    this.codec = options.codec(this);
    this.lastActivity = this.clock.monotonic();
    const { limits } = options;
    this.openTimer = this.clock.setTimeout(
      () => this.fail(new Error('Connecting took too long')),
      limits.connectTimeout,
    );
    this.armIdle(limits.idleTimeout);
    this.socket.setNoDelay(true);
    this.socket.setKeepAlive(true, 60_000);
    this.socket.on('data', (chunk: Buffer) => this.onData(chunk));
    this.socket.on('error', (error) => {
      this.error ??= error;
    });
    this.socket.on('close', () => this.onClose());
  }

  get alive(): boolean {
    return this.state !== 'closed' && this.socket.writable;
  }

  get remote(): Endpoint {
    return this.options.remote;
  }

  /** The flow of this connection; one object for its whole life once it is open. */
  get flow(): Flow {
    if (this.currentFlow) return this.currentFlow;
    const local = { address: plainAddress(this.socket.localAddress), port: this.socket.localPort ?? 0 };
    const flow: Flow = { protocol: this.protocol, local, remote: this.options.remote, connection: this };
    if (local.port !== 0) this.currentFlow = flow;
    return flow;
  }

  /** The socket is open, TLS included. */
  opened(): void {
    if (this.socket instanceof TLSSocket) {
      this.verified = this.socket.authorized;
      if (this.verified) this.readCertificate(this.socket);
    }
    this.codec.start();
  }

  send(data: Buffer, callback: SendCallback): void {
    if (!this.alive) {
      callback(this.error ?? new Error('Connection is closed'));
      return;
    }
    if (this.queuedBytes + this.socket.writableLength + data.length > this.options.limits.sendBufferBytes) {
      const error = new Error('Peer does not read');
      callback(error);
      this.fail(error);
      return;
    }
    if (this.state === 'opening') {
      this.queue.push({ data, callback });
      this.queuedBytes += data.length;
      return;
    }
    this.write(this.codec.encode(data));
    callback(undefined, this.flow);
  }

  /** Pings for as long as the connection lives; see TransportLayer.keepAlive. */
  keepAlive(interval: number): void {
    if (this.pingTimer || this.state === 'closed') return;
    const arm = () => {
      this.pingTimer = this.clock.setTimeout(
        () => {
          if (this.state === 'ready' && !this.pongTimer) this.sendPing();
          arm();
        },
        interval * (0.8 + 0.2 * Math.random()),
      );
    };
    arm();
  }

  close(): void {
    if (this.state !== 'closed') this.socket.destroySoon();
  }

  /** Closes at once, telling `error` to everyone who waits. */
  fail(error: Error): void {
    this.error ??= error;
    this.socket.destroy();
  }

  message(data: Buffer): void {
    this.options.events.message(data, this.flow);
  }

  ping(answer: Buffer): void {
    this.write(answer);
  }

  pong(): void {
    this.pongTimer?.cancel();
    this.pongTimer = undefined;
  }

  output(data: Buffer): void {
    this.write(data);
  }

  finished(): void {
    this.close();
  }

  ready(): void {
    if (this.state !== 'opening') return;
    this.state = 'ready';
    this.openTimer?.cancel();
    const waiting = this.queue;
    this.queue = [];
    this.queuedBytes = 0;
    for (const { data, callback } of waiting) {
      this.write(this.codec.encode(data));
      callback(undefined, this.flow);
    }
  }

  /** Everything written in one turn of the event loop leaves in one system call. */
  private write(data: Buffer): void {
    if (this.socket.writableLength > this.options.limits.sendBufferBytes) {
      this.fail(new Error('Peer does not read'));
      return;
    }
    this.lastActivity = this.clock.monotonic();
    if (!this.corked) {
      this.corked = true;
      this.socket.cork();
      process.nextTick(() => {
        this.corked = false;
        this.socket.uncork();
      });
    }
    this.socket.write(data);
  }

  private readCertificate(socket: TLSSocket): void {
    const certificate = socket.getPeerCertificate();
    this.peerNames = sipDomainsOf(certificate);
    this.peerUntil = Date.parse(certificate.valid_to) || undefined;
  }

  private onData(chunk: Buffer): void {
    this.lastActivity = this.clock.monotonic();
    try {
      this.codec.receive(chunk);
    } catch (error) {
      if (error instanceof FramingError) this.options.events.framingError(error, this.flow);
      this.error ??= error instanceof Error ? error : new Error(String(error));
      this.close();
      this.socket.removeAllListeners('data');
      this.socket.resume();
      return;
    }
    this.watchPartial();
  }

  private sendPing(): void {
    this.write(this.codec.encodePing());
    const dead = () => this.fail(new Error('Keepalive was not answered'));
    this.pongTimer = this.clock.setTimeout(dead, this.options.limits.pongTimeout);
  }

  private watchPartial(): void {
    if (!this.codec.partial) {
      this.partialTimer?.cancel();
      this.partialTimer = undefined;
    } else if (!this.partialTimer) {
      const fail = () => this.fail(new Error('Message was not completed in time'));
      this.partialTimer = this.clock.setTimeout(fail, this.options.limits.halfSentTimeout);
    }
  }

  private armIdle(delay: number): void {
    this.idleTimer = this.clock.setTimeout(() => {
      const left = this.lastActivity + this.options.limits.idleTimeout - this.clock.monotonic();
      if (left > 0) this.armIdle(left);
      else this.fail(new Error('Connection was idle'));
    }, delay);
  }

  private onClose(): void {
    if (this.state === 'closed') return;
    const wasOpen = this.state === 'ready';
    this.state = 'closed';
    this.idleTimer?.cancel();
    this.openTimer?.cancel();
    this.partialTimer?.cancel();
    this.pingTimer?.cancel();
    this.pongTimer?.cancel();
    const error = this.error ?? new Error('Connection was closed by the peer');
    const waiting = this.queue;
    this.queue = [];
    for (const { callback } of waiting) callback(error);
    this.options.events.closed(this, this.error, wasOpen);
  }
}
