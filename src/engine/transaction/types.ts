import type { SipRequest, SipResponse } from '../message/index.js';
import type { Flow } from '../transport/index.js';

/** States of RFC 3261 section 17 with RFC 6026's `accepted`. */
export type TransactionState =
  | 'calling'
  | 'trying'
  | 'proceeding'
  | 'completed'
  | 'confirmed'
  | 'accepted'
  | 'terminated';

/** `completed`: it ran its course; `timeout`: no ACK came (Timer H), or the user never answered; `transport-error`. */
export type EndReason = 'completed' | 'timeout' | 'transport-error';

/** A request that came in and waits for, or has, its answer. */
export interface ServerTransaction {
  /** UUID v4, made when first asked for. */
  readonly id: string;
  readonly request: SipRequest;
  readonly flow: Flow;
  /** True for an INVITE. */
  readonly invite: boolean;
  readonly state: TransactionState;
  /** The To tag of this side: filled into every response above 100 that has none. The request's own To tag if it has one. */
  readonly localTag: string;
  /**
   * Sends a response. After the final one only further 2xx to an INVITE (RFC 6026) go out; anything else is silently dropped, as are
   * provisional responses other than 100, and 408, to a request that is no INVITE (RFC 4320).
   */
  respond(response: SipResponse): void;
  /**
   * The user passes the request on as a proxy. Proxies forward what comes back to them (a spiral, RFC 3261 section 16.3), so copies of it don't count as
   * merged requests any more.
   */
  passOn(): void;
  /** `fn` (the last one given) is called once if the transaction ends and no final response was sent. Costs less than `onEnd`. */
  onUnanswered(fn: () => void): void;
  /** `fn` is called once, when the transaction is over (at once if it is). All of it is kept until then. */
  onEnd(fn: (why: EndReason) => void): void;
  /** `fn` is called for each response that could not be sent. An INVITE transaction lives on until its timers end it (RFC 6026). */
  onTransportError(fn: (error: Error) => void): void;
}

/** Told what becomes of requests that come in. */
export interface TransactionUser {
  /** A new request that is neither ACK nor CANCEL nor a retransmission. The user answers with `tx.respond`. */
  onRequest(tx: ServerTransaction): void;
  /** An ACK to a 2xx: it matches no transaction, or one in Accepted. */
  onAck(ack: SipRequest, flow: Flow): void;
  /** A CANCEL for an INVITE without a final response. Its 200 was sent; the user sends the 487. */
  onCancel(invite: ServerTransaction, cancel: SipRequest): void;
  /** A response that matches no client transaction, such as a 2xx that came too late. */
  onStrayResponse?(response: SipResponse, flow: Flow): void;
}

/** Takes 2xx to an INVITE that come after the first one: the same again, or of other branches of a fork (RFC 6026). */
export interface LateSuccesses {
  onSuccess(response: SipResponse, flow: Flow): void;
}

/** Told what becomes of one request that was sent. */
export interface ClientTransactionUser {
  /** Each 1xx (100 only if asked for), each 2xx to an INVITE with its retransmissions, any other final once. */
  onResponse(response: SipResponse, flow: Flow): void;
  /** No final response in time: Timer B, F or C, or 64*T1 after a CANCEL or a 2xx that was not wanted. */
  onTimeout(): void;
  /** It could not be sent, or its connection died before any response. */
  onTransportError(error: Error): void;
  /**
   * Asked at each 2xx to an INVITE whether it may be one. One that isn't is dropped as a stray; its sender will send nothing else, so that without
   * a right final response the INVITE times out within 64*T1.
   */
  accepts?(success: SipResponse): boolean;
  /**
   * Asked at the first 2xx to an INVITE, before that is told: who takes further ones, so that neither the request nor this user must be
   * kept for Timer M. Without an answer it is this user, as before.
   */
  lateSuccesses?(first: SipResponse): LateSuccesses | undefined;
  /** Called once, after everything else, when the transaction is gone. All of it is kept until then. */
  onEnd?(): void;
}

/** A request that was sent and waits for, or has, its answer. */
export interface ClientTransaction {
  /** UUID v4, made when first asked for. */
  readonly id: string;
  readonly request: SipRequest;
  readonly invite: boolean;
  readonly state: TransactionState;
  /** The branch of its Via. */
  readonly branch: string;
  /** The flow it left over, once known. */
  readonly flow: Flow | undefined;
  /**
   * Sends a CANCEL with these further headers (Reason …), as soon as a provisional response came (RFC 3261 section 9.1).
   * Does nothing after a final response, or for another method than INVITE.
   */
  cancel(headers?: readonly (readonly [name: string, value: string])[]): void;
}
