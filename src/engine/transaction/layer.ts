import type { Clock } from '../../clock/clock.js';
import { randomBranch, randomTag } from '../../grammar/token.js';
import type { Refusal } from '../admission/refusal.js';
import { type UnavailableCause, unavailable } from '../admission/unavailable.js';
import {
  createResponse,
  type Glance,
  glance,
  type SipMessage,
  type SipParseError,
  type SipRequest,
  type SipResponse,
} from '../message/index.js';
import type { Connection, Endpoint, Flow, MessageTransport, SendCallback, Target } from '../transport/index.js';
import { type ClientParts, OutboundTransaction } from './client-transaction.js';
import { InviteServerMachine } from './invite-server.js';
import { type KeptBytes, keptBytes } from './kept.js';
import { LargeRequests } from './large-requests.js';
import { acknowledges, clientKey, glanceKey, mergeKey, serverKey } from './matching.js';
import { Retired } from './retired.js';
import { ServerEntry, type ServerParts } from './server-transaction.js';
import { replyFlow, StatelessRefusals } from './stateless.js';
import { type TimerSettings, timerSettings } from './timers.js';
import type { ClientTransaction, ClientTransactionUser, LateSuccesses, TransactionUser } from './types.js';
import { viaText } from './via-text.js';

/** Decides how much new work there is room for. */
export interface Load {
  /** False while everything passes, so that nobody needs to look at what comes in. */
  mayRefuse(flow: Flow): boolean;
  /** Asked for each new request outside any dialog, ACK and CANCEL aside; an answer turns it away. */
  refuse(method: string, flow: Flow): Refusal | undefined;
}

export interface TransactionLayerOptions {
  readonly transport: MessageTransport;
  readonly clock: Clock;
  /** See {@link TimerSettings} for the defaults. */
  readonly timers?: Partial<TimerSettings>;
  readonly user: TransactionUser;
  /** Send 100 to each INVITE at once; default true. */
  readonly autoTrying?: boolean;
  /** Answer merged requests with 482 (RFC 3261 section 8.2.2.2, see {@link mergeKey}); default true. */
  readonly detectMerged?: boolean;
  /** Hand 100 responses to the users of client transactions too; default false. */
  readonly passTrying?: boolean;
  /** Server transactions held at the same time; above it new requests get 503. Default 500,000. */
  readonly maxServerTransactions?: number;
  /**
   * Asked for each new request, CANCEL and ACK aside, before anything of it is kept: an answer turns it away. The same request comes
   * again if that answer got lost.
   */
  readonly screen?: ((request: SipRequest, flow: Flow) => Refusal | undefined) | undefined;
  /** While it may refuse, requests are turned away without being parsed where a glance shows what they are. */
  readonly load?: Load | undefined;
  /** Requests above this many bytes leave UDP for TCP (RFC 3261 section 18.1.1); default 1300, 0 for never. */
  readonly maxUdpRequest?: number;
  /** A request got 503 because {@link TransactionLayerOptions.maxServerTransactions} are held. */
  readonly onRefused?: ((cause: UnavailableCause) => void) | undefined;
  readonly log?: (text: string) => void;
}

const NOBODY: ClientTransactionUser = { onResponse() {}, onTimeout() {}, onTransportError() {} };

/** RFC 3261 section 17: matches messages to transactions, makes new ones. */
export class TransactionLayer {
  private readonly transport: MessageTransport;
  private readonly user: TransactionUser;
  private readonly autoTrying: boolean;
  private readonly detectMerged: boolean;
  private readonly maxServers: number;
  private readonly screen: TransactionLayerOptions['screen'];
  private readonly load: Load | undefined;
  private readonly stateless: StatelessRefusals;
  private readonly onRefused: (cause: UnavailableCause) => void;
  private readonly log: (text: string) => void;
  private readonly servers = new Map<string, ServerEntry>();
  private readonly retired: Retired;
  private readonly merged = new Map<string, ServerEntry>();
  private readonly clients = new Map<string, OutboundTransaction>();
  private readonly byConnection = new Map<Connection, Set<OutboundTransaction>>();
  private readonly serverParts: ServerParts;
  private readonly clientParts: ClientParts;
  private readonly large: LargeRequests;

  constructor(options: TransactionLayerOptions) {
    const { transport, clock } = options;
    const timers = timerSettings(options.timers);
    this.transport = transport;
    this.user = options.user;
    this.autoTrying = options.autoTrying ?? true;
    this.detectMerged = options.detectMerged ?? true;
    this.maxServers = options.maxServerTransactions ?? 500_000;
    this.screen = options.screen;
    this.load = options.load;
    this.stateless = new StatelessRefusals(clock, timers.H);
    this.onRefused = options.onRefused ?? (() => {});
    this.log = options.log ?? (() => {});
    this.large = new LargeRequests(clock, transport, options.maxUdpRequest ?? 1300);
    this.retired = new Retired(clock, timers);
    this.serverParts = {
      clock,
      timers,
      transport,
      forget: (entry) => this.forgetServer(entry),
      release: (entry) => this.releaseMerge(entry),
      retire: (entry, final) => this.retireServer(entry, final),
    };
    this.clientParts = {
      clock,
      timers,
      transport,
      passTrying: options.passTrying ?? false,
      startCancel: (cancel, branch, target) => this.start(cancel, branch, target, NOBODY),
      retire: (transaction, late) => this.retireClient(transaction, late),
      left: (transaction, flow) => this.remember(transaction, flow),
      forget: (transaction) => this.forgetClient(transaction),
      tell: (fn) => this.guard(fn),
    };
    if (options.load) transport.onData((data, flow) => this.preview(data, flow));
    transport.onMessage((message, flow) => this.receive(message, flow));
    transport.onParseError((error, flow) => this.refuse(error, flow));
    transport.onFlowClosed((flow) => this.flowClosed(flow));
    transport.onUnreachable((remote, error) => this.unreachable(remote, error));
  }

  /** How many transactions exist. */
  get counts(): { client: number; server: number } {
    const { client, server } = this.retired.counts;
    return { client: this.clients.size + client, server: this.servers.size + server };
  }

  /** Pushes a Via with a new branch on top of `request` (which is changed) and sends it. */
  request(request: SipRequest, target: Target, user: ClientTransactionUser): ClientTransaction {
    const branch = randomBranch();
    request.prepend('Via', viaText(this.transport, target, branch));
    return this.start(request, branch, target, user);
  }

  /** Sends an ACK to a 2xx: a Via with a new branch is pushed on top; no transaction. */
  send(request: SipRequest, target: Target, callback: SendCallback = () => {}): void {
    request.prepend('Via', viaText(this.transport, target, randomBranch()));
    this.transport.send(request, target, callback);
  }

  /** Passes on a 2xx that is none of a server transaction any more: back where that one's request came from, as it is. */
  forward(response: SipResponse, flow: Flow): void {
    this.transport.reply(response, flow);
  }

  /** Ends every transaction without a word to their users and stops all timers. */
  close(): void {
    for (const entry of this.servers.values()) entry.machine.stop();
    for (const transaction of this.clients.values()) transaction.stop();
    this.servers.clear();
    this.retired.clear();
    this.merged.clear();
    this.clients.clear();
    this.byConnection.clear();
  }

  private start(request: SipRequest, branch: string, target: Target, user: ClientTransactionUser): OutboundTransaction {
    const { data, first, fallback } = this.large.prepare(request, target);
    const transaction = new OutboundTransaction(this.clientParts, request, branch, data, first, user, fallback);
    this.clients.set(transaction.key, transaction);
    transaction.start();
    return transaction;
  }

  /** New work for which there is no room is turned away before it is parsed, and the ACK to that is taken. */
  private preview(data: Buffer, flow: Flow): Flow | undefined {
    if (this.stateless.absorbs(data)) return undefined;
    if (!this.load?.mayRefuse(flow)) return flow;
    const request = glance(data);
    if (!request || request.toTag !== undefined || request.method === 'ACK' || request.method === 'CANCEL') return flow;
    if (this.isKnown(request)) return flow;
    const refusal = this.load.refuse(request.method, flow);
    if (!refusal) return { ...flow, admitted: true };
    this.transport.reply(this.stateless.answer(request, refusal, flow), replyFlow(request, flow));
    return undefined;
  }

  private isKnown(request: Glance): boolean {
    const key = glanceKey(request);
    if (this.servers.has(key)) return true;
    return request.method === 'INVITE'
      ? this.retired.acceptedTag(key) !== undefined
      : this.retired.final(key) !== undefined;
  }

  private receive(message: SipMessage, flow: Flow): void {
    if (message.kind === 'response') this.receiveResponse(message, flow);
    else if (message.method === 'ACK') this.receiveAck(message, flow);
    else this.receiveRequest(message, flow);
  }

  private receiveResponse(response: SipResponse, flow: Flow): void {
    const key = clientKey(response);
    const transaction = this.clients.get(key);
    if (transaction) {
      transaction.response(response, flow);
      return;
    }
    const late = this.retired.lateSuccesses(key);
    if (late) {
      if (response.status >= 200 && response.status < 300) this.guard(() => late.onSuccess(response, flow));
    } else if (!this.retired.isAnswered(key)) this.guard(() => this.user.onStrayResponse?.(response, flow));
  }

  private receiveAck(ack: SipRequest, flow: Flow): void {
    const entry = this.servers.get(serverKey(ack, 'INVITE'));
    const machine = entry?.machine;
    if (machine instanceof InviteServerMachine && acknowledges(ack, entry?.localTag ?? '')) {
      if (!machine.ack()) return;
    }
    this.guard(() => this.user.onAck(ack, flow));
  }

  /** Answers without a transaction. */
  private refuseWith({ status, headers = [] }: Refusal, request: SipRequest, flow: Flow): void {
    const response = createResponse(request, status, undefined, randomTag());
    for (const [name, value] of headers) response.set(name, value);
    this.transport.reply(response, flow);
  }

  private receiveRequest(request: SipRequest, flow: Flow): void {
    const key = serverKey(request, request.method);
    const known = this.servers.get(key);
    if (known) {
      known.retransmission(flow);
      return;
    }
    if (this.isCopy(request, key, flow)) return;
    if (this.counts.server >= this.maxServers) {
      const cause: UnavailableCause = 'too many transactions';
      this.onRefused(cause);
      this.refuseWith({ status: 503, headers: unavailable(cause) }, request, flow);
      return;
    }
    if (request.method === 'CANCEL') {
      this.receiveCancel(request, key, flow);
      return;
    }
    const refusal = this.screen?.(request, flow) ?? this.tooMuch(request, flow);
    if (refusal) {
      this.refuseWith(refusal, request, flow);
      return;
    }
    const sameAs = this.detectMerged ? mergeKey(request) : undefined;
    const isMerged = sameAs !== undefined && (this.merged.has(sameAs) || this.retired.isMerged(sameAs));
    const entry = new ServerEntry(this.serverParts, key, isMerged ? undefined : sameAs, request, flow);
    const { transaction } = entry;
    this.servers.set(key, entry);
    if (!transaction) return;
    if (isMerged) {
      transaction.respond(createResponse(request, 482));
      return;
    }
    if (sameAs !== undefined) this.merged.set(sameAs, entry);
    if (transaction.invite && this.autoTrying) transaction.respond(createResponse(request, 100));
    this.guard(
      () => this.user.onRequest(transaction),
      () => transaction.respond(createResponse(request, 500)),
    );
  }

  private tooMuch(request: SipRequest, flow: Flow): Refusal | undefined {
    return flow.admitted || request.toTag !== undefined ? undefined : this.load?.refuse(request.method, flow);
  }

  /** Whether it is a copy of a request whose transaction is retired; then it is dealt with. */
  private isCopy(request: SipRequest, key: string, flow: Flow): boolean {
    if (request.method === 'INVITE') return this.retired.acceptedTag(key) !== undefined;
    const final = flow.protocol === 'udp' ? this.retired.final(key) : undefined;
    if (final === undefined) return false;
    this.transport.reply(keptBytes(final), flow);
    return true;
  }

  private receiveCancel(cancel: SipRequest, key: string, flow: Flow): void {
    const inviteKey = serverKey(cancel, 'INVITE');
    const cancelled = this.servers.get(inviteKey);
    const invite = cancelled?.transaction;
    const tag = cancelled?.localTag ?? this.retired.acceptedTag(inviteKey);
    const entry = new ServerEntry(this.serverParts, key, undefined, cancel, flow);
    this.servers.set(key, entry);
    entry.transaction?.respond(createResponse(cancel, tag === undefined ? 481 : 200, undefined, tag));
    if (invite?.state === 'proceeding') this.guard(() => this.user.onCancel(invite, cancel));
  }

  /** Answers a request that can't be taken; a bad response or ACK is dropped. */
  private refuse(error: SipParseError, flow: Flow): void {
    if (!error.request) return;
    this.transport.reply(createResponse(error.request, error.status, error.reason, randomTag()), flow);
  }

  private flowClosed(flow: Flow): void {
    const affected = flow.connection && this.byConnection.get(flow.connection);
    if (!affected || !flow.connection) return;
    this.byConnection.delete(flow.connection);
    const error = new Error(`Connection to ${flow.remote.address}:${flow.remote.port} was closed`);
    for (const transaction of affected) transaction.flowClosed(error);
  }

  private unreachable(remote: Endpoint, error: Error): void {
    const affected = [...this.clients.values()].filter((transaction) => transaction.isTo(remote.address, remote.port));
    for (const transaction of affected) transaction.flowClosed(error);
  }

  private remember(transaction: OutboundTransaction, flow: Flow): void {
    const { connection } = flow;
    if (!connection) return;
    const set = this.byConnection.get(connection);
    if (set) set.add(transaction);
    else this.byConnection.set(connection, new Set([transaction]));
  }

  private retireServer(entry: ServerEntry, final: KeptBytes | undefined): void {
    if (final === undefined) this.retired.addAccepted(entry.key, entry.localTag, entry.mergeKey);
    else this.retired.addFinal(entry.key, final, entry.mergeKey);
    this.forgetServer(entry);
  }

  private retireClient(transaction: OutboundTransaction, late: LateSuccesses | undefined): void {
    if (late) this.retired.addSuccess(transaction.key, late);
    else this.retired.addAnswered(transaction.key);
    this.forgetClient(transaction);
  }

  private forgetServer(entry: ServerEntry): void {
    this.servers.delete(entry.key);
    this.releaseMerge(entry);
  }

  private releaseMerge(entry: ServerEntry): void {
    if (entry.mergeKey !== undefined) this.merged.delete(entry.mergeKey);
    entry.mergeKey = undefined;
  }

  private forgetClient(transaction: OutboundTransaction): void {
    this.clients.delete(transaction.key);
    const connection = transaction.flow?.connection;
    const set = connection && this.byConnection.get(connection);
    if (!connection || !set) return;
    set.delete(transaction);
    if (set.size === 0) this.byConnection.delete(connection);
  }

  /** The user's errors must not stop the stack. */
  private guard(fn: () => void, otherwise?: () => void): void {
    try {
      fn();
    } catch (error) {
      this.log(`Transaction user threw: ${error instanceof Error ? error.stack : String(error)}`);
      otherwise?.();
    }
  }
}
