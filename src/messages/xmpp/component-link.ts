import { component, type Element, type Entity, xml } from '@xmpp/component';
import type { Clock, Timer } from '../../clock/clock.js';
import { backOff } from '../../push/apns/back-off.js';
import { boundedParser, type StanzaBounds } from './bounded-parser.js';

export interface ComponentLinkOptions {
  readonly host: string;
  readonly port: number;
  readonly domain: string;
  readonly secret: string;
  readonly bounds: StanzaBounds;
  readonly clock: Clock;
  /** From 0 (inclusive) to 1 (exclusive). */
  readonly random?: () => number;
  readonly onStanza: (stanza: Element) => void;
  readonly onOnline: () => void;
  /** The connection, or the attempt to make one, ended. Told once for each; `retryMs` until the next. */
  readonly onOffline: (why: string, retryMs: number) => void;
}

/** From connecting to the server's answer to the handshake. */
const HANDSHAKE = 10_000;
/** Silence after which the server is asked whether it is there, and how long it may take to answer. */
const PING_AFTER = 60_000;
const PING_ANSWER = 15_000;
const RETRY = { minMs: 1000, maxMs: 60_000 };
/** A connection that held for so long starts with a clean slate when it ends. */
const HEALTHY = 30_000;
/** Bytes that wait for a server that doesn't read. */
const MAX_WAITING = 1_000_000;
const CLOSE = 3000;

/** A component's connection to its server (XEP-0114), made again whenever it ends, until it is closed. */
export class ComponentLink {
  readonly #options: ComponentLinkOptions;
  #entity: Entity | undefined;
  #online = false;
  #onlineSince = 0;
  #failures = 0;
  #heard = false;
  #timer: Timer | undefined;
  #pings = 0;
  #closed = false;

  constructor(options: ComponentLinkOptions) {
    this.#options = options;
  }

  /** The server has taken the handshake. */
  get online(): boolean {
    return this.#online;
  }

  start(): void {
    if (!this.#closed) this.#open();
  }

  /** Sends a stanza; one that can't be sent is lost, as everything is that was under way on a connection that ended. */
  send(stanza: Element): void {
    const entity = this.#entity;
    if (!this.#online || entity === undefined) return;
    if ((entity.socket?.writableLength ?? 0) > MAX_WAITING)
      return void entity.emit('error', new Error('it does not read'));
    entity.send(stanza).catch(() => {});
  }

  /** Ends the stream, with a few seconds' patience. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    const entity = this.#entity;
    if (entity === undefined) return;
    if (!this.#online) return void entity.socket?.destroy();
    const patience = this.#options.clock.setTimeout(() => entity.socket?.destroy(), CLOSE);
    await entity.stop().catch(() => {});
    patience.cancel();
    entity.socket?.destroy();
  }

  #open(): void {
    const { host, port, domain, secret, bounds, clock } = this.#options;
    const literal = host.includes(':') ? `[${host}]` : host;
    const entity = component({ service: `xmpp://${literal}:${port}`, domain, password: secret });
    this.#entity = entity;
    // The library's own reconnection knows no back-off and no limit, and its own answers to IQs come before ours.
    entity.reconnect.stop();
    entity.removeAllListeners('element');
    entity.Parser = boundedParser(bounds);
    let why = 'the server closed the connection';
    const fail = (error: unknown): void => {
      if (why === 'the server closed the connection') why = describe(error);
      entity.socket?.destroy();
    };
    entity.on('error', fail);
    entity.on('close', () => entity.socket?.destroy());
    entity.on('connect', () => {
      entity.socket?.setEncoding('utf8');
      entity.socket?.setNoDelay(true);
    });
    entity.on('input', () => {
      this.#heard = true;
    });
    entity.on('online', () => this.#wentOnline(entity));
    entity.on('stanza', (stanza: Element) => {
      if (entity === this.#entity && this.#online) this.#options.onStanza(stanza);
    });
    entity.on('disconnect', () => this.#ended(entity, why));
    this.#timer = clock.setTimeout(() => fail(new Error('no answer to the handshake')), HANDSHAKE);
    entity.start().catch(fail);
  }

  #wentOnline(entity: Entity): void {
    if (entity !== this.#entity || this.#closed) return;
    this.#online = true;
    this.#onlineSince = this.#options.clock.monotonic();
    this.#timer?.cancel();
    this.#watch(entity);
    this.#options.onOnline();
  }

  /** Asks a silent server, by a ping to ourselves that goes through it (XEP-0199). */
  #watch(entity: Entity): void {
    const { clock, domain } = this.#options;
    this.#heard = false;
    this.#timer = clock.setTimeout(() => {
      if (this.#heard) return this.#watch(entity);
      this.#pings++;
      this.send(
        xml(
          'iq',
          { type: 'get', id: `ping-${this.#pings}`, to: domain, from: domain },
          xml('ping', { xmlns: 'urn:xmpp:ping' }),
        ),
      );
      this.#timer = clock.setTimeout(() => {
        if (this.#heard) this.#watch(entity);
        else entity.emit('error', new Error('no answer to a ping'));
      }, PING_ANSWER);
    }, PING_AFTER);
  }

  #ended(entity: Entity, why: string): void {
    if (entity !== this.#entity) return;
    const { clock, onOffline, random = Math.random } = this.#options;
    this.#entity = undefined;
    this.#timer?.cancel();
    const held = this.#online && clock.monotonic() - this.#onlineSince >= HEALTHY;
    this.#online = false;
    if (this.#closed) return;
    if (held) this.#failures = 0;
    const wait = backOff(this.#failures, RETRY, random);
    this.#failures++;
    this.#timer = clock.setTimeout(() => this.#open(), wait);
    onOffline(why, Math.round(wait));
  }
}

/** For the log: what the server said or the network did, without what was sent. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return error.message.slice(0, 300);
}
