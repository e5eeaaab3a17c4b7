import { createHmac, randomBytes } from 'node:crypto';
import { type Clock, systemClock } from '../../clock/clock.js';
import { parseNameAddr } from '../../grammar/name-addr.js';
import { randomTag } from '../../grammar/token.js';
import { parseUri, type SipUri } from '../../grammar/uri.js';
import { uriHost } from '../address.js';
import { Events } from '../ua/events.js';
import { describe, pushParameters } from '../ua/faults.js';
import { listenOnSamePort } from '../ua/listen.js';
import { MessageLog, peerOf, RecordingTransport } from '../ua/message-log.js';
import {
  createResponse,
  type Endpoint,
  type Flow,
  type SipMessage,
  type SipRequest,
  type SipResponse,
  type Target,
  TransportLayer,
} from '../ua/stack.js';
import type { RecordedMessage } from '../ua/types.js';
import { ContactTable } from './contact-table.js';
import { FlowTable } from './flow-table.js';
import type { EdgeEvent, EdgeSimulatorOptions } from './types.js';

type Side = 'core' | 'phone';

/**
 * An Expressway-like proxy between phones and callwake. Stateless (RFC 3261 section 16.11): what it needs to know stands in Path,
 * Record-Route, Via or the rewritten Contact; besides that it keeps flows, and Contacts in mode `rewrite`.
 */
export class EdgeSimulator {
  readonly events = new Events<EdgeEvent>();
  /** What callwake did wrong in the edge's view. */
  readonly faults: string[] = [];
  /** Where it sends what comes from phones, at first `options.core`. May be changed at any time. */
  home: EdgeSimulatorOptions['core'];
  readonly #options: EdgeSimulatorOptions;
  readonly #clock: Clock;
  readonly #log: MessageLog;
  readonly #transport: TransportLayer;
  readonly #wire: RecordingTransport;
  readonly #flows: FlowTable;
  readonly #contacts: ContactTable;
  readonly #secret = randomBytes(32);
  #local: { readonly phones: Endpoint; readonly core: Endpoint } | undefined;

  constructor(options: EdgeSimulatorOptions) {
    this.#options = options;
    this.home = options.core;
    this.#clock = options.clock ?? systemClock;
    this.#log = new MessageLog(this.#clock);
    this.#transport = new TransportLayer({ clock: this.#clock, ...(options.tls ? { tls: options.tls } : {}) });
    this.#wire = new RecordingTransport(this.#transport, this.#log);
    const most = options.maxFlows ?? 20_000;
    this.#flows = new FlowTable(most, (token, flow) => this.#flowEvent('flow-closed', token, flow));
    this.#contacts = new ContactTable(most);
    this.#wire.onMessage((message, flow) => this.#onMessage(message, flow));
    this.#transport.onParseError(({ request, status }, flow) => {
      if (request) this.#refuse(request, flow, status);
    });
    this.#wire.onFlowClosed((flow) => this.#forget(flow));
    this.#wire.onUnreachable((remote) => {
      if (this.#local) this.#forget({ protocol: 'udp', local: this.#local.phones, remote });
    });
  }

  /** Opens the sockets of both sides. Throws when a port is taken. */
  async start(): Promise<this> {
    const { address = '127.0.0.1', phonePort = 0, corePort = 0, core: far, tls } = this.#options;
    const stream = far.transport === 'tls' ? 'tls' : 'tcp';
    try {
      const phones = await listenOnSamePort(this.#transport, address, phonePort, [stream, 'udp'], tls);
      const core = await listenOnSamePort(this.#transport, address, corePort, [stream, 'udp'], tls);
      this.#local = { phones, core };
      const host = uriHost(address);
      const listening = { phones: `${host}:${phones.port}`, core: `${host}:${core.port}` };
      this.events.emit({ type: 'listening', ...listening, at: this.#clock.now() });
    } catch (error) {
      await this.close();
      throw error;
    }
    return this;
  }

  /** Where phones register. */
  get phones(): Endpoint {
    return this.#started().phones;
  }

  /** What callwake sees in Path and in rewritten Contacts, and where UDP requests to it come from. */
  get core(): Endpoint {
    return this.#started().core;
  }

  /** Messages got and relayed, in order. */
  get messages(): readonly RecordedMessage[] {
    return this.#log.entries;
  }

  /** How many flows and rewritten Contacts are kept at the moment. */
  get kept(): { readonly flows: number; readonly contacts: number } {
    return { flows: this.#flows.size, contacts: this.#contacts.size };
  }

  /** Cuts every phone's flow, as a failover of the edge does: TCP connections are closed, UDP addresses forgotten. */
  cutFlows(): void {
    for (const token of this.#flows.tokens) {
      const flow = this.#flows.flowOf(token);
      if (!flow || this.#side(flow) !== 'phone') continue;
      this.#flows.remove(flow);
      flow.connection?.close();
      this.#flowEvent('flow-closed', token, flow);
    }
  }

  async close(): Promise<void> {
    await this.#transport.close();
  }

  #forget(flow: Flow): void {
    const token = this.#flows.remove(flow);
    if (token !== undefined) this.#flowEvent('flow-closed', token, flow);
  }

  #onMessage(message: SipMessage, flow: Flow): void {
    try {
      if (message.kind === 'request') this.#onRequest(message, flow);
      else this.#onResponse(message);
    } catch (error) {
      this.#fault(`${describe(message)} can't be relayed: ${error instanceof Error ? error.message : String(error)}`);
      if (message.kind === 'request') this.#refuse(message, flow, 400);
    }
  }

  #onRequest(request: SipRequest, flow: Flow): void {
    const { token, fresh } = this.#flows.tokenOf(flow);
    const side = this.#side(flow);
    if (fresh && side === 'phone') this.#flowEvent('flow-opened', token, flow);
    const tokens = this.#popRoutes(request);
    const hops = request.maxForwards ?? 70;
    if (request.method === 'OPTIONS' && tokens.length === 0 && this.#isOurs(parseUri(request.uri), false)) {
      this.#refuse(request, flow, 200);
      return;
    }
    if (hops <= 0) {
      this.#refuse(request, flow, 483);
      return;
    }
    request.set('Max-Forwards', String(hops - 1));
    if (side === 'phone') this.#toCore(request, flow, token, tokens.length > 0);
    else this.#toPhone(request, flow, token, tokens);
  }

  #toCore(request: SipRequest, flow: Flow, token: string, routed: boolean): void {
    const { home } = this;
    if (request.method === 'REGISTER') this.#register(request, token);
    let target: Target = { protocol: home.transport, host: home.host, port: home.port, local: this.core };
    if (routed && request.toTag !== undefined) {
      const route = request.list('Route')[0];
      const next = this.#transport.resolveNow(parseUri(route === undefined ? request.uri : parseNameAddr(route).uri));
      if (next) target = { ...next, local: this.core };
    }
    this.#recordRoute(request, token, [flow.protocol, this.phones], [target.protocol, this.core]);
    this.#forward(request, target, this.core, token, () => this.#refuse(request, flow, 503));
    this.#relayed('core', request);
  }

  /** Path (RFC 3327), or the edge's own Contact, on a REGISTER. */
  #register(request: SipRequest, token: string): void {
    const { mode, core } = this.#options;
    const host = uriHost(this.core.address);
    const edge = { host, port: this.core.port, transport: core.transport };
    const contacts = request.list('Contact');
    if (mode === 'rewrite') {
      const hidden = contacts.map((value) => (value === '*' ? value : this.#contacts.hide(value, token, edge)));
      if (hidden.length > 0) request.set('Contact', hidden);
      return;
    }
    const outbound = contacts.some((value) => /;\s*reg-id\s*=/i.test(value)) ? ';ob' : '';
    request.prepend('Path', `<sip:${token}@${host}:${edge.port};transport=${edge.transport};lr${outbound}>`);
  }

  #toPhone(request: SipRequest, flow: Flow, from: string, tokens: readonly string[]): void {
    const leaked = pushParameters(request);
    if (leaked) this.#fault(`push parameter ${leaked} in ${describe(request)}`);
    const token = this.#phoneToken(request, tokens);
    if (token === undefined || !this.#flows.issued(token)) {
      const route = request.get('Route');
      this.#fault(
        `${request.method} ${request.uri} that names no flow${route === undefined ? '' : `, Route ${route}`}`,
      );
      this.#refuse(request, flow, 404);
      return;
    }
    const phone = this.#flows.flowOf(token);
    if (!phone) {
      this.#flowFailed(request, flow);
      return;
    }
    const { protocol, remote, local } = phone;
    const target: Target = { protocol, host: remote.address, port: remote.port, flow: phone, local };
    this.#recordRoute(request, token, [flow.protocol, this.core], [protocol, this.phones]);
    this.#forward(request, target, this.phones, from, () => this.#flowFailed(request, flow));
    this.#relayed('phone', request);
  }

  /** The token of the phone's flow: in the Route that was ours, else behind the rewritten Contact. */
  #phoneToken(request: SipRequest, tokens: readonly string[]): string | undefined {
    const routed = tokens.at(-1);
    if (routed !== undefined) return routed;
    const uri = parseUri(request.uri);
    if (!this.#isOurs(uri, true)) return undefined;
    const hidden = this.#contacts.get(uri.user ?? '');
    if (hidden) request.uri = hidden.target;
    return hidden?.flow;
  }

  /** RFC 5626 section 5.3.1 names 430 for a Path; behind a rewritten Contact nobody knows of flows. */
  #flowFailed(request: SipRequest, flow: Flow): void {
    const status = this.#options.mode === 'path' ? 430 : 480;
    const { method, callId } = request;
    this.events.emit({ type: 'flow-failed', status, method, callId, at: this.#clock.now() });
    this.#refuse(request, flow, status);
  }

  #onResponse(response: SipResponse): void {
    const via = response.via;
    const token = via.params.get('fl');
    const ours =
      via.host === uriHost(this.core.address) && (via.port === this.core.port || via.port === this.phones.port);
    if (!ours || token === undefined) {
      this.#fault(`${describe(response)} whose top Via isn't ours`);
      return;
    }
    response.removeFirst('Via');
    // It was for this element itself (RFC 3261 section 16.7): drachtio-server sends a 100 inside a dialog with the top Via alone.
    if (!response.has('Via')) return;
    const flow = this.#flows.flowOf(token);
    if (!flow) return;
    const side = this.#side(flow);
    if (side === 'phone') this.#checkResponse(response);
    if (response.cseq.method === 'REGISTER' && this.#options.mode === 'rewrite') {
      const contacts = response.list('Contact').map((value) => this.#contacts.reveal(value));
      if (contacts.length > 0) response.set('Contact', contacts);
    }
    this.#wire.reply(response, flow);
    this.#relayed(side, response);
  }

  #checkResponse(response: SipResponse): void {
    if (response.cseq.method !== 'REGISTER') {
      const leaked = pushParameters(response);
      if (leaked) this.#fault(`push parameter ${leaked} in ${describe(response)}`);
      return;
    }
    if (this.#options.mode !== 'path' || response.status >= 300 || !response.has('Contact')) return;
    const ours = response.list('Path').some((value) => this.#isOurs(parseUri(parseNameAddr(value).uri), true));
    if (!ours) this.#fault('REGISTER 2xx without our Path (RFC 3327 section 5.3)');
  }

  /** Two Record-Routes, since the two sides have ports, and maybe transports, of their own (RFC 5658). */
  #recordRoute(request: SipRequest, token: string, came: [string, Endpoint], goes: [string, Endpoint]): void {
    if (request.toTag !== undefined || (request.method !== 'INVITE' && request.method !== 'SUBSCRIBE')) return;
    for (const [protocol, { address, port }] of [came, goes]) {
      request.prepend('Record-Route', `<sip:${token}@${uriHost(address)}:${port};transport=${protocol};lr>`);
    }
  }

  #forward(request: SipRequest, target: Target, from: Endpoint, token: string, onError: () => void): void {
    const { branch, host, port } = request.via;
    const hash = createHmac('sha256', this.#secret).update(`${branch} ${host} ${port} ${token}`).digest('base64url');
    const sentBy = `${uriHost(from.address)}:${from.port}`;
    const protocol = target.protocol.toUpperCase();
    const out = request.clone();
    out.prepend('Via', `SIP/2.0/${protocol} ${sentBy};branch=z9hG4bK${hash.slice(0, 24)};rport;fl=${token}`);
    this.#wire.send(out, target, (error) => {
      if (error) onError();
    });
  }

  /** Removes the Routes on top that are ours, gives their tokens. */
  #popRoutes(request: SipRequest): string[] {
    const tokens: string[] = [];
    for (let route = request.list('Route')[0]; route !== undefined; route = request.list('Route')[0]) {
      const uri = parseUri(parseNameAddr(route).uri);
      if (!this.#isOurs(uri, false)) break;
      request.removeFirst('Route');
      if (uri.user !== undefined) tokens.push(uri.user);
    }
    return tokens;
  }

  #isOurs(uri: SipUri, withUser: boolean): boolean {
    const { phones, core } = this.#started();
    if (uri.host !== uriHost(core.address) || (withUser && uri.user === undefined)) return false;
    return uri.port === core.port || uri.port === phones.port;
  }

  #side(flow: Flow): Side {
    return flow.local.port === this.phones.port ? 'phone' : 'core';
  }

  #refuse(request: SipRequest, flow: Flow, status: number): void {
    if (request.method === 'ACK') return;
    this.#wire.reply(createResponse(request, status, status === 430 ? 'Flow Failed' : undefined, randomTag()), flow);
  }

  #relayed(to: Side, message: SipMessage): void {
    const method = message.cseq.method;
    const what = message.kind === 'request' ? method : `${message.status} ${method}`;
    this.events.emit({ type: 'relayed', to, what, callId: message.callId, at: this.#clock.now() });
  }

  #flowEvent(type: 'flow-opened' | 'flow-closed', token: string, flow: Flow): void {
    if (this.#local && this.#side(flow) !== 'phone') return;
    this.events.emit({ type, flow: token, peer: peerOf(flow), at: this.#clock.now() });
  }

  #fault(text: string): void {
    if (this.faults.length < 1000) this.faults.push(text);
    this.events.emit({ type: 'fault', text, at: this.#clock.now() });
  }

  #started(): { readonly phones: Endpoint; readonly core: Endpoint } {
    if (!this.#local) throw new Error('EdgeSimulator: call start() first');
    return this.#local;
  }
}
