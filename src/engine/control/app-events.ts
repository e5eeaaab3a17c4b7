import type { Clock } from '../../clock/clock.js';
import type { Dialog } from '../dialog/dialog.js';
import type { Incoming } from '../dialog/incoming.js';
import type { DialogUser } from '../dialog/layer.js';
import { SipRequest, type SipResponse } from '../message/index.js';
import type { Flow } from '../transport/index.js';
import { appText } from './app-text.js';
import type { CdrSender } from './cdr.js';
import type { Dispatcher } from './dispatcher.js';
import { applicationMeta, networkMeta } from './meta.js';
import type { Outbound } from './outbound.js';
import { sipEvent } from './wire.js';

export interface AppEventsOptions {
  clock: Clock;
  dispatcher: Dispatcher;
  cdr: CdrSender;
  /** Takes new requests before apps that are connected get them. */
  outbound: Pick<Outbound, 'take'> | undefined;
}

/** From SIP to apps: requests, CANCELs and ACKs that come in, and what the stack did by itself. */
export class AppEvents implements DialogUser {
  readonly #clock: Clock;
  readonly #dispatcher: Dispatcher;
  readonly #cdr: CdrSender;
  readonly #outbound: Pick<Outbound, 'take'> | undefined;

  constructor({ clock, dispatcher, cdr, outbound }: AppEventsOptions) {
    this.#clock = clock;
    this.#dispatcher = dispatcher;
    this.#cdr = cdr;
    this.#outbound = outbound;
  }

  onRequest(incoming: Incoming): void {
    if (incoming.method === 'INVITE' && !incoming.dialog) this.#cdr.attempt('network', incoming.request);
    if (incoming.method === 'BYE') this.#cdr.stop('network', 'normal-release', incoming.request);
    if (!incoming.dialog && this.#outbound?.take(incoming)) return;
    this.#dispatcher.dispatch(incoming);
  }

  onCancel(invite: Incoming, cancel: SipRequest): void {
    this.#cdr.stop('network', 'call-canceled', cancel);
    this.#tellCancelled(invite, cancel);
  }

  /** For the app it is as if the caller had given up, so that it forgets the call. */
  onExpired(invite: Incoming, status: 480 | 504): void {
    const { request } = invite;
    const cancel = new SipRequest('CANCEL', request.uri);
    for (const name of ['via', 'from', 'to', 'call-id']) {
      const value = request.get(name);
      if (value !== undefined) cancel.set(name, value);
    }
    cancel.set('CSeq', `${request.cseq.number} CANCEL`);
    cancel.set('Reason', `SIP;cause=${status};text="${status === 480 ? 'Not answered in time' : 'PRACK timeout'}"`);
    this.#tellCancelled(invite, cancel);
  }

  onWithdrawn(dialog: Dialog, bye: SipRequest, cancel: SipRequest | undefined): void {
    if (cancel) this.#cdr.stop('network', 'call-canceled', cancel);
    this.#tellUnsolicited(dialog, bye);
  }

  onAck(invite: Incoming, dialog: Dialog, ack: SipRequest, flow: Flow): void {
    const session = this.#dispatcher.ownerOf(dialog, 'ACK');
    if (!session) return;
    const text = appText(ack);
    session.send(sipEvent(networkMeta(flow, text, this.#clock.now()), invite.id, dialog.id), text);
  }

  onBye(dialog: Dialog, bye: SipRequest): void {
    this.#cdr.stop('application', 'ackTimeout', bye);
    this.#tellUnsolicited(dialog, bye);
  }

  onDialogEnd(dialog: Dialog): void {
    this.#dispatcher.forget(dialog);
  }

  onSettled(incoming: Incoming): void {
    this.#dispatcher.settled(incoming);
  }

  /** What ends an INVITE with 487, CANCEL or BYE, has its own record. */
  onRejected({ method, request }: Incoming, response: SipResponse): void {
    if (method !== 'INVITE' || request.toTag !== undefined || response.status === 487) return;
    this.#cdr.stop('application', 'call-rejected', response);
  }

  /** A BYE of the stack's own. */
  #tellUnsolicited(dialog: Dialog, bye: SipRequest): void {
    const session = this.#dispatcher.ownerOf(dialog, 'BYE');
    if (!session) return;
    const text = bye.toBuffer();
    session.send(sipEvent(applicationMeta(text, this.#clock.now()), 'unsolicited', dialog.id), text);
  }

  #tellCancelled(invite: Incoming, cancel: SipRequest): void {
    const text = appText(cancel);
    this.#dispatcher
      .handler(invite)
      ?.send(sipEvent(networkMeta(invite.flow, text, this.#clock.now()), invite.id, ''), text);
  }
}
