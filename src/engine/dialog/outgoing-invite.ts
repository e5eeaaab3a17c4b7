import type { SipResponse } from '../message/index.js';
import { detached, type LateSuccesses } from '../transaction/index.js';
import type { Flow } from '../transport/index.js';
import { contactUri } from './contact.js';
import { Dialog } from './dialog.js';
import type { OutgoingRequest, OutgoingUser } from './outgoing.js';

/** Told what becomes of a request, with the dialog that each response belongs to. */
export interface RequestUser {
  /** `flow` is undefined for a response made here; see {@link OutgoingUser}. */
  onResponse(
    outgoing: OutgoingRequest,
    response: SipResponse,
    dialog: Dialog | undefined,
    flow: Flow | undefined,
  ): void;
  /** A NOTIFY made the dialog before the SUBSCRIBE was answered. */
  onDialog?(outgoing: OutgoingRequest, dialog: Dialog): void;
}

/** Early dialogs of one INVITE; provisional responses of further branches are passed on without one. */
const MAX_EARLY = 64;

/** What an INVITE that was sent needs of the layer. */
export interface OutgoingInviteHost {
  /** An early or confirmed dialog exists from now on; `outgoing` is the INVITE that made it. */
  opened(dialog: Dialog, outgoing: OutgoingRequest): void;
  /** The dialog got its 2xx. `id` is the one the user shall know it by. */
  confirmed(dialog: Dialog, id: string, cseq: number): void;
  closed(dialog: Dialog): void;
  /** The 2xx was repeated: repeat its ACK, if there was one. */
  repeatAck(success: SipResponse): void;
  /** A 2xx that nobody wants: ACK it and hang up, or (`keep`, for a re-INVITE) only ACK it. */
  release(dialog: Dialog, cseq: number, keep?: boolean): void;
}

/**
 * The responses to one INVITE of this side: a dialog for each branch of a fork, reliable provisional responses in order and once, the first 2xx to the user,
 * any other 2xx acknowledged and hung up (RFC 3261 section 13.2.2, RFC 3262 section 4).
 */
export class OutgoingInvite implements OutgoingUser {
  /** Set by the layer as soon as it exists. */
  outgoing: OutgoingRequest | undefined;
  readonly #host: OutgoingInviteHost;
  readonly #user: RequestUser;
  readonly #existing: Dialog | undefined;
  readonly #early = new Map<string, Dialog>();
  readonly #rseq = new Map<string, number>();
  #firstId: string | undefined;
  #answered: Dialog | undefined;
  #failed = false;

  /** `existing` is the dialog of a re-INVITE. */
  constructor(host: OutgoingInviteHost, user: RequestUser, existing?: Dialog) {
    this.#host = host;
    this.#user = user;
    this.#existing = existing;
  }

  onResponse(response: SipResponse, flow: Flow | undefined): void {
    const { outgoing } = this;
    if (!outgoing) return;
    if (response.status < 200) this.#onProvisional(outgoing, response, flow);
    else if (response.status < 300) this.#onSuccess(outgoing, response, flow);
    else this.#onFailure(outgoing, response, flow);
  }

  lateSuccesses(first: SipResponse): LateSuccesses | undefined {
    if (this.#failed || this.#answered) return undefined;
    return new AnsweredInvite(this.#host, first.toTag ?? '', this.#existing !== undefined);
  }

  #onProvisional(outgoing: OutgoingRequest, response: SipResponse, flow: Flow | undefined): void {
    const tag = response.toTag ?? '';
    const known = tag !== '' && (this.#early.has(tag) || this.#early.size < MAX_EARLY);
    const dialog = this.#existing ?? (known ? this.#dialogOf(outgoing, response, tag) : undefined);
    if (response.has('rseq') && !this.#inOrder(tag, Number(response.get('rseq')))) return;
    this.#user.onResponse(outgoing, response, dialog, flow);
  }

  /** RFC 3262 section 4: neither a repetition nor one that overtook another. */
  #inOrder(tag: string, rseq: number): boolean {
    const last = this.#rseq.get(tag);
    if (!Number.isInteger(rseq) || (last !== undefined && rseq !== last + 1)) return false;
    this.#rseq.set(tag, rseq);
    return true;
  }

  #onSuccess(outgoing: OutgoingRequest, response: SipResponse, flow: Flow | undefined): void {
    const tag = response.toTag ?? '';
    const cseq = response.cseq.number;
    if (this.#answered) {
      if (this.#answered.remoteTag === tag) this.#host.repeatAck(response);
      else this.#host.release(Dialog.uac(outgoing.request, response), cseq);
      return;
    }
    if (this.#failed) {
      if (this.#existing) this.#host.release(this.#existing, cseq, true);
      else this.#host.release(Dialog.uac(outgoing.request, response), cseq);
      return;
    }
    const dialog = this.#existing ?? this.#dialogOf(outgoing, response, tag);
    this.#answered = dialog;
    if (this.#existing) dialog.remoteTarget = contactUri(response) ?? dialog.remoteTarget;
    else dialog.confirm(response);
    this.#host.confirmed(dialog, this.#firstId ?? dialog.id, cseq);
    this.#closeEarly(dialog);
    this.#user.onResponse(outgoing, response, dialog, flow);
  }

  #onFailure(outgoing: OutgoingRequest, response: SipResponse, flow: Flow | undefined): void {
    this.#failed = true;
    const dialog = this.#existing ?? [...this.#early.values()][0];
    this.#closeEarly();
    this.#user.onResponse(outgoing, response, dialog, flow);
  }

  #dialogOf(outgoing: OutgoingRequest, response: SipResponse, tag: string): Dialog {
    const known = this.#early.get(tag);
    if (known) {
      if (response.status < 200 && response.has('contact'))
        known.remoteTarget = contactUri(response) ?? known.remoteTarget;
      return known;
    }
    const { request } = outgoing;
    const dialog = Dialog.uac(request, response);
    dialog.contact = request.get('contact');
    this.#early.set(tag, dialog);
    this.#host.opened(dialog, outgoing);
    this.#firstId ??= dialog.id;
    return dialog;
  }

  #closeEarly(but?: Dialog): void {
    for (const dialog of this.#early.values()) if (dialog !== but) this.#host.closed(dialog);
    this.#early.clear();
  }
}

/** What is left of an INVITE once it was answered: the tag that tells a repeated 2xx from that of another branch of a fork. */
class AnsweredInvite implements LateSuccesses {
  readonly #host: OutgoingInviteHost;
  readonly #tag: string;
  readonly #inDialog: boolean;

  /** `inDialog`: it was a re-INVITE, which has but one branch. */
  constructor(host: OutgoingInviteHost, tag: string, inDialog: boolean) {
    this.#host = host;
    this.#tag = detached(tag);
    this.#inDialog = inDialog;
  }

  onSuccess(success: SipResponse): void {
    if (success.toTag === this.#tag) this.#host.repeatAck(success);
    else if (!this.#inDialog) this.#host.release(Dialog.forked(success), success.cseq.number);
  }
}
