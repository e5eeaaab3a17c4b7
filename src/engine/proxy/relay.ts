import type { Clock, Timer } from '../../clock/clock.js';
import type { CallRecords } from '../call-records.js';
import { DialogError } from '../dialog/errors.js';
import { OutgoingRequest } from '../dialog/outgoing.js';
import type { Router } from '../dialog/router.js';
import { createResponse, type SipRequest, type SipResponse } from '../message/index.js';
import type { ServerTransaction, TransactionLayer } from '../transaction/index.js';
import type { Listener, Target } from '../transport/index.js';
import type { OwnRoute, RecordRoutes } from './record-route.js';
import { UpstreamSuccesses } from './upstream-successes.js';

export interface RelayOptions {
  clock: Clock;
  /** Milliseconds that a re-INVITE may go without a final response, after it was sent or its last 101 to 199. */
  timerC: number;
  transactions: TransactionLayer;
  router: Router;
  recordRoutes: RecordRoutes;
  listeners: () => readonly Listener[];
  records: CallRecords;
  /** A 2xx to a re-INVITE that came after its caller was told it failed. */
  release: (request: SipRequest, response: SipResponse) => void;
}

/**
 * Requests inside dialogs that this proxy is in the path of: passed on by their Route, in either direction, whatever the method. No state is kept between them: a
 * Route with this proxy's token for that Call-ID is what lets them through.
 */
export class Relay {
  readonly #options: RelayOptions;
  readonly #invites = new Map<ServerTransaction, { outgoing: OutgoingRequest; ringing: Timer }>();

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  /** False when the request isn't one of those. */
  onRequest(transaction: ServerTransaction): boolean {
    const { request } = transaction;
    if (!this.#options.recordRoutes.isOwn(request) || request.toTag === undefined) return false;
    const hops = request.maxForwards ?? 70;
    if (hops === 0) {
      transaction.respond(createResponse(request, 483));
      return true;
    }
    const { forwarded, nextHop, own } = this.#forward(request, hops);
    if (request.method === 'BYE') {
      this.#options.records.stop('network', 'normal-release', request);
      this.#options.records.stop('application', 'normal-release', forwarded);
    }
    const outgoing: OutgoingRequest = new OutgoingRequest(this.#options.transactions, forwarded, () => undefined, {
      onResponse: (response) => this.#onResponse(transaction, outgoing, response),
      lateSuccesses: () => new UpstreamSuccesses(this.#options.transactions, transaction.flow),
    });
    if (transaction.invite) this.#startTimerC(transaction, outgoing);
    this.#route(
      forwarded,
      nextHop,
      own,
      (targets) => outgoing.start(targets),
      (why) => outgoing.fail(503, why),
    );
    return true;
  }

  onAck(ack: SipRequest): boolean {
    const hops = ack.maxForwards ?? 70;
    if (hops === 0 || !this.#options.recordRoutes.isOwn(ack)) return false;
    const { forwarded, nextHop, own } = this.#forward(ack, hops);
    const send = ([target]: Target[]): void => {
      if (target) this.#options.transactions.send(forwarded, target);
    };
    this.#route(forwarded, nextHop, own, send, () => undefined);
    return true;
  }

  onCancel(invite: ServerTransaction, cancel: SipRequest): boolean {
    const relayed = this.#invites.get(invite);
    if (!relayed) return false;
    relayed.outgoing.cancel(cancel.all('reason').map((value): [string, string] => ['Reason', value]));
    return true;
  }

  /** Stops all timers. */
  close(): void {
    for (const transaction of [...this.#invites.keys()]) this.#forget(transaction);
  }

  /** Starts it anew if it runs (RFC 3261 section 16.7 step 2). */
  #startTimerC(transaction: ServerTransaction, outgoing: OutgoingRequest): void {
    this.#forget(transaction);
    const ringing = this.#options.clock.setTimeout(() => outgoing.cancel(), this.#options.timerC);
    this.#invites.set(transaction, { outgoing, ringing });
  }

  #forget(transaction: ServerTransaction): void {
    this.#invites.get(transaction)?.ringing.cancel();
    this.#invites.delete(transaction);
  }

  #forward(request: SipRequest, hops: number): { forwarded: SipRequest; nextHop: string; own: OwnRoute | undefined } {
    const forwarded = request.clone();
    const own = this.#options.recordRoutes.take(forwarded);
    forwarded.set('Max-Forwards', String(hops - 1));
    const [first] = forwarded.has('route') ? forwarded.list('route') : [];
    return { forwarded, nextHop: first ?? forwarded.uri, own };
  }

  #route(
    request: SipRequest,
    nextHop: string,
    own: OwnRoute | undefined,
    go: (targets: Target[]) => void,
    failed: (why: string) => void,
  ): void {
    const guarded = (targets: Target[]): void => {
      try {
        go(targets);
      } catch (error) {
        refused(error);
      }
    };
    const refused = (error: unknown): void => {
      if (!(error instanceof DialogError)) throw error;
      failed(error.message);
    };
    try {
      const targets = this.#options.router.targets(request, { nextHop, local: this.#side(own) });
      if (Array.isArray(targets)) guarded(targets);
      else targets.then(guarded, refused);
    } catch (error) {
      refused(error);
    }
  }

  /** The UDP listener that the last of this proxy's own Route values names. */
  #side(own: OwnRoute | undefined): Listener['local'] | undefined {
    if (!own || own.uri.params.has('transport')) return undefined;
    return this.#options
      .listeners()
      .find(({ protocol, local }) => protocol === 'udp' && local.port === (own.uri.port ?? 5060))?.local;
  }

  #onResponse(transaction: ServerTransaction, outgoing: OutgoingRequest, response: SipResponse): void {
    if (transaction.invite && transaction.state === 'terminated') {
      if (response.status >= 200 && response.status < 300) this.#options.release(outgoing.request, response);
      return;
    }
    if (response.status >= 200) this.#forget(transaction);
    else if (this.#invites.has(transaction)) this.#startTimerC(transaction, outgoing);
    const copy = response.clone();
    copy.set('Via', transaction.request.all('via'));
    transaction.respond(copy);
  }
}
