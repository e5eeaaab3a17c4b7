import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import Srf from 'drachtio-srf';
import type { Clock } from '../clock/clock.js';
import { type EngineFigures, readFigures } from '../engine-figures.js';
import { type ServerCertificate, serverCertificateOf } from '../grammar/server-certificate.js';
import { Flows } from './flows.js';
import { firstHeader, type HeaderLines, type HeaderRecord } from './header-lines.js';
import { type TappedMessage, tappedMessage } from './message-tap.js';
import { plainRequest } from './plain-request.js';
import { readOnceATurn } from './read-once.js';
import { notSent, responseTo, SentRequest } from './sent-request.js';
import { type SipFrame, sipFrame } from './sip-frame.js';
import { BRIEF_REPLIES, sendUnheard } from './unheard.js';
import { sipText } from './wire-text.js';

/** A message as drachtio-srf hands it over. */
export interface SrfMessage {
  /** The text as it was on the wire. */
  readonly raw: string;
  /** Its header fields, where they have been read already. */
  readonly lines?: HeaderLines;
  readonly body?: string;
  /** Lets go of the header fields that were read. */
  slim?(): void;
}

/** What srf has read in a message. */
interface ReadMessage extends SrfMessage {
  headers?: HeaderRecord;
  payload?: readonly unknown[];
}

/** A request, received or sent. */
export interface SrfRequest extends EventEmitter {
  readonly method: string;
  readonly uri: string;
  readonly msg: ReadMessage;
  readonly source: 'network' | 'application';
  readonly source_address: string;
  readonly source_port: number;
  readonly protocol: string;
  readonly stackTxnId: string;
  readonly stackDialogId?: string;
  socket: Socket | undefined;
}

/** A response, received or to be sent. */
export interface SrfResponse {
  /** Of one to be sent: `headers` are those that srf takes over from the request. */
  readonly msg: SrfMessage & { readonly headers: HeaderRecord };
  readonly status: number;
  readonly reason: string;
  readonly stackDialogId?: string;
  /** A final response was sent. */
  finished: boolean;
  readonly req: SrfRequest;
  socket: Socket | undefined;
}

/** A request to be sent: outside a dialog with `uri`, inside one with `dialogId`, and with `uri` only if it is to go elsewhere. */
export interface OutgoingRequest {
  readonly method: string;
  readonly uri?: string;
  readonly dialogId?: string;
  /** Next hop, when it isn't the Request-URI's. */
  readonly proxy?: string;
  readonly headers: HeaderRecord;
  readonly body?: string;
}

/** The part of drachtio-srf that callwake uses, and what of its inside a reconnect needs. */
interface Agent {
  connect(options: Record<string, unknown>): void;
  use(handler: (req: SrfRequest, res: SrfResponse, next: () => void) => void): void;
  use(method: string, handler: (req: SrfRequest, res: SrfResponse) => void): void;
  on(event: string, listener: (...args: unknown[]) => void): void;
  proxyRequest(
    req: SrfRequest,
    destination: readonly string[],
    options: { readonly remainInDialog: boolean },
    callback: (error: Error | null) => void,
  ): void;
  disconnect(): void;
  readonly app: { readonly client?: SrfClient };
}

interface SrfServer {
  /** What to do with the engine's replies; the text of the message that it sent comes along. */
  readonly pendingRequests: Map<string, (reply: string[], sent?: string) => void>;
  /** INVITEs without a final response, by Call-ID: CANCEL and UPDATE are told to these. */
  readonly pendingNetworkInvites: Map<string, { readonly req: SrfRequest; readonly res: SrfResponse }>;
  /** Requests that were sent and have no final response, by transaction. */
  readonly pendingSipRequests: Map<string, { readonly req: SrfRequest }>;
  /** Known once the secret was accepted. */
  readonly serverVersion?: string | null;
}

/** srf's connection to its server. */
interface SrfClient {
  /** Made by connecting; tells each frame that comes. */
  readonly wp: EventEmitter & { send(socket: Socket, message: string): string };
  readonly mapServer: Map<Socket, SrfServer>;
  /** Sends a message as it stands; without headers or body in the options nothing is taken apart for it. */
  sendMessage(socket: Socket, text: string, options: Record<string, unknown>): string;
  _onMsg(socket: Socket, message: string): void;
}

/** An INVITE as it came, with what the engine called it: enough to answer it later, from another process too. */
export interface SavedInvite {
  readonly raw: string;
  readonly transaction: string;
  readonly protocol: string;
  readonly address: string;
  readonly port: number;
}

export interface DrachtioEvents {
  /** Connected and authenticated; `hostports` as `udp/192.0.2.1:5060,tcp/192.0.2.1:5060`. */
  connected(hostports: string, version: string): void;
  disconnected(why: string): void;
  /** The engine refused the secret. */
  refused(): void;
  /** A SIP message was received or sent; only for who wants to write them down. */
  message?(message: TappedMessage): void;
}

const METHODS = 'invite ack bye prack update info refer notify subscribe message options register publish'.split(' ');

const HAS_ROUTE = /^route[ \t]*:/im;

/** Lets go of what was read in a request that is kept for long: its text says it all. */
export function slim({ msg }: SrfRequest): void {
  if (msg.slim !== undefined) {
    msg.slim();
    return;
  }
  msg.headers = {};
  msg.payload = [];
}

/** What the engine knows this application by: drachtio-server gives requests of its dialogs to any connection of that name. */
const APP = 'callwake';

/** The connection to the SIP engine, whichever it is, through drachtio-srf. */
export class Drachtio {
  /** The phones' connections to it, among those to other nodes' engines. */
  readonly flows = new Flows();
  readonly #agent: Agent;
  readonly #events: DrachtioEvents;
  #closed = false;
  #corked: Socket | undefined;
  #onRequest: ((req: SrfRequest, res: SrfResponse) => void) | undefined;

  constructor(events: DrachtioEvents) {
    this.#agent = new Srf() as unknown as Agent;
    this.#events = events;
    this.#agent.on('connect', (error, hostports, version) => {
      if (error) events.refused();
      else events.connected(String(hostports), String(version));
    });
    let told = false;
    this.#agent.on('error', (error) => {
      told = true;
      events.disconnected(error instanceof Error ? error.message : String(error));
    });
    this.#agent.on('close', () => {
      if (!this.#closed && !told) events.disconnected('the connection was closed');
      told = false;
    });
  }

  /**
   * Whether the engine keeps what a process leaves when it dies for the next one: INVITEs and requests inside dialogs, both ways.
   * The embedded engine does, drachtio-server doesn't.
   */
  get keepsForSuccessor(): boolean {
    const socket = this.#socket();
    const server = socket === undefined ? undefined : this.#agent.app.client?.mapServer.get(socket);
    return server?.serverVersion?.includes('callwake') ?? false;
  }

  /** How the engine does; undefined of one that can't tell, such as drachtio-server, and of one that doesn't within `patience` milliseconds. */
  figures(clock: Clock, patience: number): Promise<EngineFigures | undefined> {
    const socket = this.#socket();
    const client = this.#agent.app.client;
    if (socket === undefined || client === undefined || !this.keepsForSuccessor) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const id = client.wp.send(socket, 'figures');
      const { pendingRequests } = client.mapServer.get(socket) ?? {};
      const timer = clock.setTimeout(() => {
        pendingRequests?.delete(id);
        resolve(undefined);
      }, patience);
      pendingRequests?.set(id, ([status, figures = '']) => {
        timer.cancel();
        resolve(status === 'OK' ? readFigures(figures) : undefined);
      });
    });
  }

  /** What the engine shows, when the connection to it is inside TLS. */
  get certificate(): ServerCertificate | undefined {
    const socket = this.#socket();
    return serverCertificateOf(socket, `SIP engine ${socket?.remoteAddress}:${socket?.remotePort}`);
  }

  /** Whom requests go to; to be said before {@link connect}. */
  serve(onRequest: (req: SrfRequest, res: SrfResponse) => void): void {
    this.#onRequest = onRequest;
    for (const method of METHODS) this.#agent.use(method, onRequest);
  }

  /** Connects, and again whenever the connection is lost. */
  connect(options: { host: string; port: number; secret: string; tls?: ConnectionOptions }): void {
    const { message } = this.#events;
    const tags = message === undefined ? [APP, BRIEF_REPLIES] : [APP];
    this.#agent.connect({ ...options, tags, enablePing: true, pingInterval: 15_000 });
    const { client } = this.#agent.app;
    if (client === undefined) return;
    client.wp.on('connect', readOnceATurn);
    client.wp.removeAllListeners('msg');
    client.wp.on('msg', (socket: Socket, frame: string) => {
      const tapped = message && tappedMessage(frame);
      if (tapped !== undefined) message?.(tapped);
      if (!this.#take(socket, frame)) client._onMsg(socket, frame);
    });
  }

  /** Takes a message that srf need not see. It gets requests that may have to be passed on with its help, and those that it finds the INVITE for (CANCEL, UPDATE). */
  #take(socket: Socket, text: string): boolean {
    const frame = sipFrame(text);
    const server = this.#agent.app.client?.mapServer.get(socket);
    if (frame === undefined || server === undefined) return false;
    if (frame.start.startsWith('SIP/2.0 ')) {
      this.#onResponse(server, frame, socket);
      return true;
    }
    if (this.#onRequest === undefined || (this.flows.names !== undefined && HAS_ROUTE.test(text))) return false;
    const req = plainRequest(frame, socket);
    if (req === undefined) return false;
    const { res } = req;
    if (req.method === 'INVITE') {
      server.pendingNetworkInvites.set(firstHeader(req.msg.lines, 'call-id') ?? '', { req, res });
    }
    this.#onRequest(req, res);
    return true;
  }

  #onResponse({ pendingSipRequests }: SrfServer, frame: SipFrame, socket: Socket): void {
    const req = pendingSipRequests.get(frame.transaction)?.req;
    const res = req === undefined ? undefined : responseTo(req, frame, socket);
    if (req === undefined || res === undefined) return;
    if (res.status >= 200) pendingSipRequests.delete(frame.transaction);
    req.socket = socket;
    req.emit('response', res);
  }

  /** Whether calls that begin come here, or to other applications of the engine alone. Requests inside dialogs come anyway. */
  takeCalls(takes: boolean): void {
    const socket = this.#socket();
    if (socket !== undefined) this.#agent.app.client?.wp.send(socket, `${takes ? 'route' : 'remove_route'}|invite`);
  }

  /** There is a connection to the engine at the moment. */
  get connected(): boolean {
    return this.#socket() !== undefined;
  }

  close(): void {
    this.#closed = true;
    if (this.#socket() !== undefined) this.#agent.disconnect();
  }

  /** Sends a request; the callback gets the request as sent (its `response` event follows), or why it could not be sent. */
  request(request: OutgoingRequest, callback: (error: Error | undefined, req?: SrfRequest) => void): void {
    const { method, dialogId = '', uri = 'sip:placeholder', proxy, headers, body = '' } = request;
    const socket = this.#socket();
    const client = this.#agent.app.client;
    const server = socket === undefined ? undefined : client?.mapServer.get(socket);
    if (socket === undefined || socket.destroyed || client === undefined || server === undefined) {
      callback(new Error('no connection to the SIP engine'));
      return;
    }
    this.#batch();
    const text = sipText(`${method} ${uri} SIP/2.0`, [headers], body);
    const id = client.wp.send(socket, `sip||${dialogId}${proxy === undefined ? '' : `|${proxy}`}\r\n${text}`);
    server.pendingRequests.set(id, ([said, why, , , , , , transaction = ''], raw = '') => {
      if (said !== 'OK') {
        callback(notSent(why));
        return;
      }
      const req = new SentRequest(method, uri, raw, transaction, socket);
      server.pendingSipRequests.set(transaction, { req });
      callback(undefined, req);
    });
  }

  /**
   * Answers a request, once with a final response. `sent` gets the response as it left, when the engine has told; undefined when it did
   * not leave. Without `sent` nobody reads what the engine tells. No status is too rare for this (110, 430, 555).
   */
  respond(
    res: SrfResponse,
    status: number,
    reason: string,
    headers: HeaderRecord = {},
    body = '',
    sent?: (raw: string | undefined) => void,
  ): void {
    this.#revive(res);
    const client = this.#agent.app.client;
    const server = res.socket === undefined ? undefined : client?.mapServer.get(res.socket);
    if (res.finished || res.socket === undefined || client === undefined || server === undefined) {
      sent?.(undefined);
      return;
    }
    this.#batch();
    const { req, msg } = res;
    const text = sipText(`SIP/2.0 ${status} ${reason}`, [msg.headers, headers], body);
    const command = `sip|${req.stackTxnId}|\r\n${text}`;
    if (sent === undefined) sendUnheard(res.socket, command);
    else {
      const id = client.wp.send(res.socket, command);
      server.pendingRequests.set(id, ([said], raw) => sent(said === 'OK' ? raw : undefined));
    }
    if (status < 200) return;
    res.finished = true;
    if (req.method === 'INVITE') server.pendingNetworkInvites.delete(msg.headers['call-id'] ?? '');
  }

  /** Has the engine pass a request on to its Request-URI, and what follows in its dialog. */
  pass(req: SrfRequest, onFault: (error: unknown) => void): void {
    this.#agent.proxyRequest(req, [req.uri], { remainInDialog: true }, (error) => {
      if (error) onFault(error);
    });
  }

  /** CANCELs an INVITE that this process or one before it sent. */
  cancel(transaction: string, reason: string): void {
    const socket = this.#socket();
    const text = sipText('CANCEL sip:placeholder SIP/2.0', [{ Reason: reason }], '');
    if (socket !== undefined) sendUnheard(socket, `sip|${transaction}|\r\n${text}`);
  }

  /** Sends the ACK of a dialog's last 2xx, with the body that it has to carry, whoever got that. */
  ackInDialog(dialogId: string, headers: HeaderRecord, body: string): void {
    const socket = this.#socket();
    if (socket === undefined) return;
    this.#batch();
    sendUnheard(socket, `sip||${dialogId}\r\n${sipText('ACK sip:placeholder SIP/2.0', [headers], body)}`);
  }

  /** Asks whether the engine still waits for an answer to this transaction. A repeated 100 does no harm. */
  isWaiting(transaction: string, callback: (waiting: boolean) => void): void {
    const socket = this.#socket();
    const client = this.#agent.app.client;
    if (socket === undefined || client === undefined) {
      callback(false);
      return;
    }
    const id = client.sendMessage(socket, 'SIP/2.0 100 Trying\r\n\r\n', { stackTxnId: transaction });
    client.mapServer.get(socket)?.pendingRequests.set(id, ([status]) => callback(status === 'OK'));
  }

  /** Has an INVITE handled as if the engine handed it over now: those of a process that is gone, where the engine doesn't do that itself. */
  redeliver({ raw, transaction, protocol, address, port }: SavedInvite): void {
    const socket = this.#socket();
    const client = this.#agent.app.client;
    if (socket === undefined || client === undefined) return;
    const meta = `network|${Buffer.byteLength(raw)}|${protocol}|${address}|${port}|00:00:00.000000|${transaction}||`;
    const frame = `redelivered|sip|${meta}\r\n${raw}`;
    if (!this.#take(socket, frame)) client._onMsg(socket, frame);
  }

  /**
   * What is said to the engine because of one event, and of the promises that it settles, leaves in one write when they have settled. It doesn't
   * wait for the end of the turn: the work for the disk is done there.
   */
  #batch(): void {
    const socket = this.#socket();
    if (socket === undefined || this.#corked === socket) return;
    this.#corked = socket;
    socket.cork();
    queueMicrotask(() =>
      process.nextTick(() => {
        this.#corked = undefined;
        socket.uncork();
      }),
    );
  }

  /** A transaction belongs to the engine, not to the connection it came over: after a reconnect the new one serves. */
  #revive(message: { socket: Socket | undefined }): void {
    const socket = this.#socket();
    if (socket !== undefined && message.socket?.destroyed === true) message.socket = socket;
  }

  #socket(): Socket | undefined {
    return this.#agent.app.client?.mapServer.keys().next().value;
  }
}
