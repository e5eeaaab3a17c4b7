import type { Clock } from '../../clock/clock.js';
import type { Refusal, UnavailableCause } from '../admission/index.js';
import { createResponse, type SipRequest, type SipResponse } from '../message/index.js';
import { ShortLivedMap } from '../short-lived-map.js';
import {
  type Load,
  type ServerTransaction,
  type TimerSettings,
  TransactionLayer,
  type TransactionLayerOptions,
  type TransactionUser,
  timerSettings,
} from '../transaction/index.js';
import type { Flow, MessageTransport } from '../transport/index.js';
import { contactUri, refreshesTarget } from './contact.js';
import { Dialog } from './dialog.js';
import { Incoming } from './incoming.js';
import { IncomingInvite, type InviteHost } from './incoming-invite.js';
import { InviteUsage } from './invite-usage.js';
import { type ContactFlows, Router, type RouterTransport } from './router.js';
import { Subscriptions } from './subscriptions.js';
import { DialogTable } from './table.js';
import { UserAgentClient } from './uac.js';

/** Told what comes in; see also {@link UserAgentClient} for what goes out. */
export interface DialogUser {
  /** A request, outside a dialog or (`incoming.dialog`) in one. Not ACK, not CANCEL. */
  onRequest(incoming: Incoming): void;
  /** The INVITE was cancelled: 200 and 487 are sent. */
  onCancel(invite: Incoming, cancel: SipRequest): void;
  /** The first ACK to the 2xx of that INVITE. */
  onAck(invite: Incoming, dialog: Dialog, ack: SipRequest, flow: Flow): void;
  /** The stack answered the INVITE itself: with 480, since the user said nothing in time, or 504, since a PRACK never came. */
  onExpired(invite: Incoming, status: 480 | 504): void;
  /**
   * The user's 2xx waited for a PRACK and never left: the caller gave up (`cancel`: 487 was sent) or sent no PRACK (504 was sent). `bye` would have
   * said so to a user that takes the dialog as confirmed.
   */
  onWithdrawn(dialog: Dialog, bye: SipRequest, cancel: SipRequest | undefined): void;
  /** The stack hung up since its 2xx got no ACK; `bye` is what it sent. */
  onBye(dialog: Dialog, bye: SipRequest): void;
  onDialogEnd(dialog: Dialog): void;
  /** The user gave its final response, or nobody waits for one any more. */
  onSettled(incoming: Incoming): void;
  /** The stack itself, or who works between it and the user, answered a request. */
  onRejected(incoming: Incoming, response: SipResponse): void;
}

/** Who takes requests that are not for this user agent: the proxy. What takes messages tells whether it did. */
export interface Bypass {
  onRequest(transaction: ServerTransaction): boolean;
  onAck(ack: SipRequest, flow: Flow): boolean;
  onCancel(invite: ServerTransaction, cancel: SipRequest): boolean;
  onStrayResponse(response: SipResponse, flow: Flow): boolean;
  onFlowClosed(flow: Flow): void;
}

/** {@link Load}, told how much there is. */
export interface PendingLoad {
  mayRefuse(pending: number, late?: boolean): boolean;
  refuse(method: string, pending: number, late?: boolean): Refusal | undefined;
}

export interface DialogLayerOptions {
  clock: Clock;
  transport: MessageTransport & RouterTransport;
  user: DialogUser;
  timers?: Partial<TimerSettings> | undefined;
  flows?: ContactFlows | undefined;
  /** Milliseconds an INVITE waits for the user's first word before it is answered with 480. Default 180 s. */
  holdLimit?: number | undefined;
  /** See {@link TransactionLayerOptions.screen}. */
  screen?: TransactionLayerOptions['screen'];
  /** See {@link Load}; `pending` is how many requests wait for their final response. */
  load?: PendingLoad | undefined;
  /** A request got 503 for want of room for its transaction. */
  onRefused?: ((cause: UnavailableCause) => void) | undefined;
  log?: ((text: string) => void) | undefined;
}

/** RFC 3261 sections 8, 12 to 15: a user agent on top of transactions. Server side here, client side in {@link UserAgentClient}. */
export class DialogLayer implements TransactionUser, InviteHost {
  readonly clock: Clock;
  readonly timers: TimerSettings;
  readonly holdLimit: number;
  readonly router: Router;
  readonly transactions: TransactionLayer;
  readonly dialogs = new DialogTable();
  readonly client: UserAgentClient;
  /** Set by who wants requests before the user agent gets them. */
  bypass: Bypass | undefined;
  readonly #user: DialogUser;
  readonly #incoming = new ShortLivedMap<string, Incoming>();
  readonly #usages = new Map<Dialog, InviteUsage>();
  readonly #subscriptions: Subscriptions;

  constructor(options: DialogLayerOptions) {
    this.clock = options.clock;
    this.timers = timerSettings(options.timers);
    this.holdLimit = options.holdLimit ?? 180_000;
    this.router = new Router(options.transport, options.flows);
    this.#user = options.user;
    this.transactions = new TransactionLayer({
      transport: options.transport,
      clock: options.clock,
      timers: this.timers,
      user: this,
      passTrying: true,
      screen: options.screen,
      load: options.load && this.#loadOf(options.load),
      onRefused: options.onRefused,
      ...(options.log ? { log: options.log } : {}),
    });
    options.transport.onFlowClosed((flow) => {
      this.client.flowClosed(flow);
      this.bypass?.onFlowClosed(flow);
    });
    this.#subscriptions = new Subscriptions(options.clock, (dialog) => this.end(dialog));
    this.client = new UserAgentClient({
      transactions: this.transactions,
      router: this.router,
      dialogs: this.dialogs,
      subscriptions: this.#subscriptions,
      usage: (dialog) => this.usage(dialog),
      end: (dialog) => this.end(dialog),
    });
  }

  #loadOf(load: PendingLoad): Load {
    return {
      mayRefuse: ({ late }) => load.mayRefuse(this.#incoming.size, late),
      refuse: (method, { late }) => load.refuse(method, this.#incoming.size, late),
    };
  }

  /** A request that has no final response yet. */
  incoming(id: string): Incoming | undefined {
    return this.#incoming.get(id);
  }

  /** How many requests have no final response yet. */
  get pending(): number {
    return this.#incoming.size;
  }

  usage(dialog: Dialog): InviteUsage {
    let usage = this.#usages.get(dialog);
    if (!usage) {
      usage = new InviteUsage();
      if (dialog.state !== 'terminated') this.#usages.set(dialog, usage);
    }
    return usage;
  }

  /** Forgets a dialog, without a message. */
  end(dialog: Dialog): void {
    if (dialog.state === 'terminated') return;
    this.dialogs.remove(dialog);
    this.#subscriptions.remove(dialog);
    const usage = this.#usages.get(dialog);
    this.#usages.delete(dialog);
    for (const invite of usage?.server ?? []) {
      if (invite.pending) invite.reject(487);
      invite.stop();
    }
    this.#user.onDialogEnd(dialog);
    usage?.opened();
  }

  onRequest(transaction: ServerTransaction): void {
    if (this.bypass?.onRequest(transaction)) return;
    const { request } = transaction;
    const tag = request.toTag;
    if (tag === undefined) {
      this.#deliver(transaction);
      return;
    }
    const remoteTag = request.fromTag ?? '';
    let dialog = this.dialogs.byTags(request.callId, tag, remoteTag);
    if (!dialog && request.method === 'NOTIFY') dialog = this.client.notified(request);
    if (dialog) this.#inDialog(transaction, dialog);
    else transaction.respond(createResponse(request, 481));
  }

  onAck(ack: SipRequest, flow: Flow): void {
    const dialog = this.dialogs.byTags(ack.callId, ack.toTag ?? '', ack.fromTag ?? '');
    if (!dialog) {
      this.bypass?.onAck(ack, flow);
      return;
    }
    const usage = this.#usages.get(dialog);
    const invite = usage?.find(ack.cseq.number);
    if (!invite?.acknowledge()) return;
    usage?.tidy();
    this.#user.onAck(invite, dialog, ack, flow);
    if (!usage?.opening) usage?.opened();
  }

  onCancel(transaction: ServerTransaction, cancel: SipRequest): void {
    if (this.bypass?.onCancel(transaction, cancel)) return;
    const invite = this.#incoming.get(transaction.id);
    if (!invite?.pending) return;
    const reason = cancel.get('reason') ?? 'SIP;cause=487;text="Request Terminated"';
    const withdrawn = invite instanceof IncomingInvite && this.#withdraw(invite, reason, cancel);
    invite.reject(487);
    if (!withdrawn) this.#user.onCancel(invite, cancel);
  }

  onStrayResponse(response: SipResponse, flow: Flow): void {
    if (this.bypass?.onStrayResponse(response, flow)) return;
    if (response.cseq.method !== 'INVITE' || response.status < 200 || response.status >= 300) return;
    this.client.repeatAck(response);
  }

  answering(incoming: Incoming, response: SipResponse): Dialog | undefined {
    const { request, method } = incoming;
    const { status } = response;
    const success = status >= 200 && status < 300;
    if (request.toTag !== undefined) {
      const { dialog } = incoming;
      if (dialog && success && refreshesTarget(method)) {
        dialog.remoteTarget = contactUri(request) ?? dialog.remoteTarget;
        dialog.contact = response.get('contact') ?? dialog.contact;
      }
      return dialog;
    }
    const forms =
      method === 'INVITE' ? status > 100 && status < 300 : success && (method === 'SUBSCRIBE' || method === 'REFER');
    if (!forms) return incoming.dialog;
    const dialog = incoming.dialog ?? this.#open(incoming);
    dialog.contact = response.get('contact') ?? dialog.contact;
    if (success) dialog.state = 'confirmed';
    if (method !== 'INVITE') this.#subscriptions.extend(dialog, response, request);
    return dialog;
  }

  answered(incoming: Incoming, status: number): void {
    const { dialog, method, request } = incoming;
    if (!dialog || status < 200) return;
    if (method === 'BYE' && status !== 401 && status !== 407) this.end(dialog);
    else if (request.toTag === undefined && status >= 300) this.end(dialog);
    else if (
      method === 'NOTIFY' &&
      dialog.method !== 'INVITE' &&
      /^\s*terminated/i.test(request.get('subscription-state') ?? '')
    ) {
      this.end(dialog);
    }
  }

  settled(incoming: Incoming): void {
    this.#incoming.delete(incoming.id);
    this.#user.onSettled(incoming);
  }

  rejected(incoming: Incoming, response: SipResponse): void {
    this.#user.onRejected(incoming, response);
  }

  postponed(invite: IncomingInvite): void {
    this.#user.onSettled(invite);
  }

  holdExpired(invite: IncomingInvite): void {
    invite.reject(480);
    this.#user.onExpired(invite, 480);
  }

  unpracked(invite: IncomingInvite): void {
    const withdrawn = this.#withdraw(invite, 'SIP;cause=504;text="PRACK timeout"');
    invite.reject(504);
    if (!withdrawn) this.#user.onExpired(invite, 504);
  }

  unacknowledged(invite: IncomingInvite): void {
    const { dialog } = invite;
    if (!dialog || dialog.state === 'terminated') return;
    if (invite.initial && this.usage(dialog).opened()) return;
    const bye = this.client.bye(dialog, [['Reason', 'SIP;cause=200;text="ACK timeout"']]);
    this.end(dialog);
    if (bye) this.#user.onBye(dialog, bye);
  }

  /** Ends everything without a word and stops all timers. */
  close(): void {
    for (const usage of this.#usages.values()) for (const invite of usage.server) invite.stop();
    for (const incoming of this.#incoming.values()) incoming.abandon();
    this.#subscriptions.close();
    this.transactions.close();
  }

  /** The user's 2xx will not leave: that is told, if there was one and it would have confirmed a dialog. */
  #withdraw({ dialog, initial, postponed }: IncomingInvite, reason: string, cancel?: SipRequest): boolean {
    if (!dialog || !initial || !postponed) return false;
    this.#user.onWithdrawn(dialog, dialog.createRequest('BYE').set('Reason', reason), cancel);
    return true;
  }

  #open(incoming: Incoming): Dialog {
    const dialog = Dialog.uas(incoming.request, incoming.tag, incoming.flow);
    if (incoming.flow.protocol === 'udp') dialog.local = incoming.flow.local;
    this.dialogs.add(dialog);
    if (incoming instanceof IncomingInvite) this.usage(dialog).add(incoming);
    return dialog;
  }

  #inDialog(transaction: ServerTransaction, dialog: Dialog): void {
    const { request } = transaction;
    if (!dialog.accept(request)) {
      transaction.respond(createResponse(request, 500));
      return;
    }
    const { method } = request;
    const usage = this.#usages.get(dialog);
    if (method === 'INVITE' && this.#glare(transaction, usage)) return;
    if (method === 'PRACK' && !usage?.server.some((invite) => invite.prack(request))) {
      transaction.respond(createResponse(request, 481));
      return;
    }
    if (method === 'BYE') for (const invite of usage?.server ?? []) if (invite.pending) invite.reject(487);
    if (method === 'NOTIFY' || method === 'SUBSCRIBE') this.#subscriptions.extend(dialog, request);
    this.#deliver(transaction, dialog);
  }

  /** RFC 3261 section 14.2: 491 while an own INVITE is under way, 500 while an earlier one of the peer is unanswered. */
  #glare(transaction: ServerTransaction, usage: InviteUsage | undefined): boolean {
    if (!usage) return false;
    const { request } = transaction;
    if (usage.asking) {
      transaction.respond(createResponse(request, 491));
      return true;
    }
    if (!usage.answering) return false;
    transaction.respond(createResponse(request, 500).set('Retry-After', String(Math.floor(Math.random() * 11))));
    return true;
  }

  #deliver(transaction: ServerTransaction, dialog?: Dialog): void {
    let incoming: Incoming;
    if (transaction.invite) {
      const invite = new IncomingInvite(this, transaction, dialog);
      if (dialog) this.usage(dialog).add(invite);
      incoming = invite;
    } else incoming = new Incoming(this, transaction, dialog);
    this.#incoming.set(incoming.id, incoming);
    transaction.onUnanswered(() => incoming.abandon());
    this.#user.onRequest(incoming);
  }
}
