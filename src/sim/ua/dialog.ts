import { formatNameAddr, parseNameAddr } from '../../grammar/name-addr.js';
import { SipRequest, type SipResponse } from './stack.js';

/** A dialog's state (RFC 3261 section 12) and the requests that belong to it. */
export class Dialog {
  #localSeq: number;
  #remoteSeq: number | undefined;
  #target: string;

  private constructor(
    readonly callId: string,
    /** From of our requests, tag included. */
    readonly local: string,
    /** To of our requests, tag included. */
    readonly remote: string,
    readonly remoteTag: string,
    readonly routes: readonly string[],
    target: string,
    localSeq: number,
    remoteSeq: number | undefined,
  ) {
    this.#target = target;
    this.#localSeq = localSeq;
    this.#remoteSeq = remoteSeq;
  }

  /** The caller's side, from a response with a To tag (RFC 3261 section 12.1.2). */
  static ofResponse(invite: SipRequest, response: SipResponse): Dialog {
    return new Dialog(
      invite.callId,
      invite.get('From') ?? '',
      response.get('To') ?? '',
      response.toTag ?? '',
      response.list('Record-Route').reverse(),
      contactUri(response.get('Contact')) ?? invite.uri,
      invite.cseq.number,
      undefined,
    );
  }

  /** The callee's side (RFC 3261 section 12.1.1). */
  static ofRequest(invite: SipRequest, localTag: string): Dialog {
    const to = parseNameAddr(invite.get('To') ?? '');
    to.params.set('tag', localTag);
    return new Dialog(
      invite.callId,
      formatNameAddr(to),
      invite.get('From') ?? '',
      invite.fromTag ?? '',
      invite.list('Record-Route'),
      contactUri(invite.get('Contact')) ?? '',
      1,
      invite.cseq.number,
    );
  }

  /** The remote target: Request-URI of what we send. */
  get target(): string {
    return this.#target;
  }

  /** Goes on where an early dialog with the same tags stopped counting. */
  continueFrom(early: Dialog): void {
    this.#localSeq = Math.max(this.#localSeq, early.#localSeq);
    this.#remoteSeq = early.#remoteSeq;
  }

  /** A target refresh: takes the Contact of a re-INVITE, UPDATE or their 2xx. */
  refresh(contact: string | undefined): void {
    this.#target = contactUri(contact) ?? this.#target;
  }

  /** False when the sequence number is lower than one that came before (RFC 3261 section 12.2.2). */
  accepts(cseq: number): boolean {
    if (this.#remoteSeq !== undefined && cseq < this.#remoteSeq) return false;
    this.#remoteSeq = cseq;
    return true;
  }

  /** The next request of this dialog; Via is the transaction's affair. */
  request(method: string): SipRequest {
    this.#localSeq += 1;
    return this.#build(method, this.#localSeq);
  }

  /** The ACK to a 2xx (RFC 3261 section 13.2.2.4). */
  ack(cseq: number): SipRequest {
    return this.#build('ACK', cseq);
  }

  #build(method: string, cseq: number): SipRequest {
    const request = new SipRequest(method, this.#target);
    for (const route of this.routes) request.add('Route', route);
    request.set('From', this.local);
    request.set('To', this.remote);
    request.set('Call-ID', this.callId);
    request.set('CSeq', `${cseq} ${method}`);
    request.set('Max-Forwards', '70');
    return request;
  }
}

/** The URI in a Contact value, undefined when there is none or it can't be read. */
export function contactUri(contact: string | undefined): string | undefined {
  if (contact === undefined) return undefined;
  try {
    return parseNameAddr(contact).uri;
  } catch {
    return undefined;
  }
}
