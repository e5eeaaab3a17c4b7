import type { Clock, Timer } from '../../clock/clock.js';
import type { SipRequest, SipResponse } from '../message/index.js';
import type { ServerTransaction, TimerSettings } from '../transaction/index.js';
import { hasOption } from './contact.js';
import type { Dialog, DialogState } from './dialog.js';
import type { ResponseDraft } from './draft.js';
import { DialogError } from './errors.js';
import { Incoming, type IncomingHost } from './incoming.js';
import { ReliableProvisionals } from './reliable.js';

/** What an INVITE needs of the layer beyond what any request needs. */
export interface InviteHost extends IncomingHost {
  readonly clock: Clock;
  readonly timers: TimerSettings;
  /** How long an INVITE may wait for the first word of the app, in milliseconds. */
  readonly holdLimit: number;
  /** The user answered with a 2xx, which has to wait for a PRACK. */
  postponed(invite: IncomingInvite): void;
  /** Nobody said anything to it within the limit. */
  holdExpired(invite: IncomingInvite): void;
  /** A reliable provisional response got no PRACK in 64*T1. */
  unpracked(invite: IncomingInvite): void;
  /** A 2xx got no ACK in 64*T1. */
  unacknowledged(invite: IncomingInvite): void;
}

/** An INVITE, or re-INVITE, that came in: reliable provisional responses, one 2xx repeated until its ACK (RFC 3261 section 13.3.1.4). */
export class IncomingInvite extends Incoming {
  readonly #host: InviteHost;
  #hold: Timer | undefined;
  #reliable: ReliableProvisionals | undefined;
  /** A 2xx that waits for the PRACK of a provisional answer. */
  #delayed: SipResponse | undefined;
  #success: SipResponse | undefined;
  #retransmission: Timer | undefined;
  #giveUp: Timer | undefined;
  #acknowledged = false;

  constructor(host: InviteHost, transaction: ServerTransaction, dialog?: Dialog) {
    super(host, transaction, dialog);
    this.#host = host;
    this.hold();
  }

  get cseq(): number {
    return this.request.cseq.number;
  }

  /** False for a re-INVITE. */
  get initial(): boolean {
    return this.request.toTag === undefined;
  }

  /** True while a 2xx of the user waits for a PRACK. */
  get postponed(): boolean {
    return this.#delayed !== undefined;
  }

  /** True between the 2xx and its ACK. */
  get awaitsAck(): boolean {
    return this.#success !== undefined && !this.#acknowledged;
  }

  /** (Re)starts the time that the app has for its first word. */
  hold(): void {
    this.#hold?.cancel();
    this.#hold = this.#host.clock.setTimeout(() => {
      if (this.pending) this.#host.holdExpired(this);
    }, this.#host.holdLimit);
  }

  /** Throws {@link DialogError} also while a 2xx of the user waits for a PRACK. */
  override respond(draft: ResponseDraft): SipResponse {
    if (this.#delayed) throw new DialogError('Response not sent due to unknown transaction');
    return super.respond(draft);
  }

  override reject(status: number, headers: [string, string][] = [], reason = ''): SipResponse {
    this.#delayed = undefined;
    return super.reject(status, headers, reason);
  }

  /** The ACK to the 2xx came; false when it is not the first one. */
  acknowledge(): boolean {
    if (!this.awaitsAck) return false;
    this.#acknowledged = true;
    this.#stopRetransmission();
    return true;
  }

  /** A PRACK came in the dialog; false when it matches no provisional response of this INVITE. */
  prack(prack: SipRequest): boolean {
    return this.#reliable?.acknowledge(prack, this.cseq) ?? false;
  }

  /** No retransmission, no BYE: the dialog is over. */
  stop(): void {
    this.#acknowledged = true;
    this.#stopRetransmission();
    this.#reliable?.stop();
  }

  protected override build(draft: ResponseDraft): SipResponse {
    const response = super.build(draft);
    if (response.status < 200 && !this.#isReliable(response)) withoutOption(response, '100rel');
    return response;
  }

  protected override transmit(response: SipResponse): boolean {
    if (response.status < 200) {
      if (response.status > 100) this.#hold?.cancel();
      if (response.status > 100 && this.#isReliable(response)) this.#reliably().send(response);
      else this.transaction.respond(response);
    } else if (response.status < 300) {
      if (this.#reliable?.holdsAnswer) {
        this.#postpone(response);
        return false;
      }
      this.#succeed(response);
    } else {
      this.#reliable?.stop();
      this.transaction.respond(response);
    }
    return true;
  }

  protected override settle(): void {
    this.#hold?.cancel();
    super.settle();
  }

  #isReliable(response: SipResponse): boolean {
    if (response.status <= 100) return false;
    if (hasOption(this.request, 'require', '100rel')) return true;
    return hasOption(response, 'require', '100rel') && hasOption(this.request, 'supported', '100rel');
  }

  #reliably(): ReliableProvisionals {
    this.#reliable ??= new ReliableProvisionals({
      clock: this.#host.clock,
      T1: this.#host.timers.T1,
      send: (response) => this.transaction.respond(response),
      expired: () => {
        if (this.pending) this.#host.unpracked(this);
      },
    });
    return this.#reliable;
  }

  /**
   * RFC 3262 section 3: no 2xx before the session description of a provisional response is acknowledged. Until then the INVITE is unanswered; when
   * that takes longer than 64*T1 it is rejected.
   */
  #postpone(response: SipResponse): void {
    this.#delayed = response;
    this.#setState('early');
    this.#reliable?.whenSettled(() => this.#succeedLate(response));
    this.#host.postponed(this);
  }

  #succeedLate(response: SipResponse): void {
    this.#delayed = undefined;
    this.#setState('confirmed');
    this.#succeed(response);
    this.finish(response.status);
  }

  #setState(state: DialogState): void {
    if (this.dialog && this.initial) this.dialog.state = state;
  }

  #succeed(response: SipResponse): void {
    this.#reliable?.stop();
    this.#success = response;
    this.transaction.respond(response);
    const { clock, timers } = this.#host;
    this.#giveUp = clock.setTimeout(() => {
      this.#stopRetransmission();
      if (this.#acknowledged) return;
      this.#acknowledged = true;
      this.#host.unacknowledged(this);
    }, 64 * timers.T1);
    this.#repeat(response, timers.T1);
  }

  #repeat(response: SipResponse, interval: number): void {
    this.#retransmission = this.#host.clock.setTimeout(() => {
      this.transaction.respond(response);
      this.#repeat(response, Math.min(interval * 2, this.#host.timers.T2));
    }, interval);
  }

  #stopRetransmission(): void {
    this.#retransmission?.cancel();
    this.#giveUp?.cancel();
  }
}

function withoutOption(response: SipResponse, option: string): void {
  if (!hasOption(response, 'require', option)) return;
  const rest = response.list('require').filter((tag) => tag.toLowerCase() !== option);
  if (rest.length > 0) response.set('Require', rest.join(', '));
  else response.remove('Require');
}
