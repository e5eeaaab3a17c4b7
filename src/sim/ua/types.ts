import type { SipMessage } from '../../engine/message/index.js';

/** One message that a simulator got or sent. */
export interface RecordedMessage {
  /** Epoch milliseconds of the simulator's clock. */
  readonly at: number;
  readonly direction: 'in' | 'out';
  readonly message: SipMessage;
  /** The other side: `udp/127.0.0.1:5060`. */
  readonly peer: string;
}

/** A response that a call's INVITE got. */
export interface SeenResponse {
  readonly status: number;
  readonly reason: string;
  /** Name and value, in order. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** Milliseconds since the request was sent. */
  readonly afterMs: number;
  /** First value of a header, name in any case. */
  header(name: string): string | undefined;
}

/** How a call ended. */
export interface CallEnd {
  /**
   * `local`: we hung up; `remote`: the other side did; `cancelled`: CANCEL before the answer, from either side; `failed`: a final
   * response of 300 or more, sent or received; `timeout`: no final response, or no ACK; `transport`: nothing could be sent;
   * `dropped`: the simulator was closed, or the phone's flow was, in the middle of the call.
   */
  readonly how: 'local' | 'remote' | 'cancelled' | 'failed' | 'timeout' | 'transport' | 'dropped';
  /** The final response's status, when one ended the call. */
  readonly status?: number;
  /** The Reason header (RFC 3326) of the BYE, CANCEL or final response. */
  readonly reason?: string;
  readonly at: number;
}

/** The answer to a call never came: rejected value of {@link SimCall.answered}. */
export class CallFailedError extends Error {
  override readonly name = 'CallFailedError';
  constructor(readonly end: CallEnd) {
    super(`call not answered: ${end.how}${end.status ? ` ${end.status}` : ''}${end.reason ? ` (${end.reason})` : ''}`);
  }
}

/** What a request within a call may carry besides what the dialog gives it. */
export interface RequestExtras {
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: string | Uint8Array;
  readonly contentType?: string;
}

/** A call as a user of the simulators sees it: same for both directions, CUCM's side and the phone's. */
export interface SimCall {
  readonly direction: 'out' | 'in';
  readonly callId: string;
  /** CallKit UUID from `X-Callwake-Call-UUID`, on calls that came in with one. */
  readonly callUuid: string | undefined;
  readonly state: 'calling' | 'ringing' | 'answered' | 'ended';
  /** Every response to the INVITE seen so far, 100 included (outgoing calls). */
  readonly responses: readonly SeenResponse[];
  /** In-dialog requests of the other side: BYE, re-INVITE, UPDATE, INFO, PRACK, ... */
  readonly requests: readonly { readonly method: string; readonly message: SipMessage; readonly at: number }[];
  /** SDP of the other side, as soon as known. */
  readonly remoteSdp: string | undefined;
  /** Resolves with the 2xx (sent or received); rejects with {@link CallFailedError} when the call ends without one. Never an unhandled rejection. */
  readonly answered: Promise<SeenResponse>;
  readonly ended: Promise<CallEnd>;
  /** The first response with this status, or of this class (`180`, or `'1xx'`), past ones included. Rejects with {@link CallFailedError} if the call ends first. */
  response(status: number | '1xx' | '18x'): Promise<SeenResponse>;
  /** Sends BYE; on a call that isn't answered: CANCEL or 480. Resolves when the other side has answered the BYE. */
  hangup(reason?: string): Promise<void>;
  /** Answers a call that rings here. Nothing happens on any other. */
  accept(): void;
  /** Sends CANCEL, with `Reason: <reason>` if given. Nothing happens on a call that is over or answered. */
  cancel(reason?: string): void;
  /** Sends a re-INVITE with a new offer (or without a body: `offer: 'delayed'`); ACKs its 2xx. */
  reinvite(
    options?: { readonly hold?: boolean; readonly offer?: 'early' | 'delayed' } & RequestExtras,
  ): Promise<SeenResponse>;
  /** Sends any other request within the dialog: UPDATE, INFO, MESSAGE, REFER, OPTIONS. */
  request(method: string, extras?: RequestExtras): Promise<SeenResponse>;
}
