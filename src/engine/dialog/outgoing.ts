import { randomUUID } from 'node:crypto';
import { randomTag } from '../../grammar/token.js';
import { createResponse, type SipRequest, type SipResponse } from '../message/index.js';
import type {
  ClientTransaction,
  ClientTransactionUser,
  LateSuccesses,
  TransactionLayer,
} from '../transaction/index.js';
import type { Flow, Target } from '../transport/index.js';

/** Told what becomes of a request that was sent. */
export interface OutgoingUser {
  /**
   * Each 1xx above 100, the final response, and for an INVITE further 2xx. `flow` is undefined for a response that was made here:
   * 503 when the request could not be sent anywhere, 408 when nobody answered, 487 when nobody answered a cancelled INVITE.
   * Never called in the turn of the event loop in which the request was started.
   */
  onResponse(response: SipResponse, flow: Flow | undefined): void;
  /** A 100 came. */
  onTrying?(): void;
  /** See {@link ClientTransactionUser.lateSuccesses}. */
  lateSuccesses?(first: SipResponse): LateSuccesses | undefined;
}

type Header = readonly [name: string, value: string];

/**
 * One request of this side on its way: tries its targets one after the other (RFC 3263 section 4.3, each with a transaction of its own)
 * and always comes to a final response.
 */
export class OutgoingRequest {
  readonly id = randomUUID();
  /** As it was sent last; before that, what will be sent. */
  request: SipRequest;
  /** Where it was sent last. */
  target: Target | undefined;
  readonly #transactions: TransactionLayer;
  readonly #prepare: (request: SipRequest, target: Target) => void;
  readonly #user: OutgoingUser;
  #template: SipRequest | undefined;
  #targets: Target[] = [];
  #transaction: ClientTransaction | undefined;
  #provisional = false;
  #ringing = false;
  #final = false;
  #cancel: readonly Header[] | undefined;

  /** `prepare` is called for each attempt, to put on what depends on the target (Contact). */
  constructor(
    transactions: TransactionLayer,
    request: SipRequest,
    prepare: (request: SipRequest, target: Target) => void,
    user: OutgoingUser,
  ) {
    this.#transactions = transactions;
    this.request = request;
    this.#prepare = prepare;
    this.#user = user;
  }

  /** True once the final response was handed over. */
  get finished(): boolean {
    return this.#final;
  }

  get cancelled(): boolean {
    return this.#cancel !== undefined;
  }

  get flow(): Flow | undefined {
    return this.#transaction?.flow;
  }

  /** Sends to the first target. What `prepare` throws for that one comes through. */
  start(targets: Target[]): void {
    const [first, ...rest] = targets;
    this.#targets = rest;
    if (first) this.#send(first);
    else this.fail(503, 'no target');
  }

  /** Ends it with a response made here, in the next turn of the event loop. */
  fail(status: number, why: string): void {
    setImmediate(() => this.#finishLocally(status, why));
  }

  /** Cancels an INVITE; false when it is over. Its final response still comes. */
  cancel(headers: readonly Header[] = []): boolean {
    if (this.#final || this.#cancel) return !this.#final;
    this.#cancel = headers;
    this.#targets = [];
    this.#transaction?.cancel(headers);
    return true;
  }

  /** A final response to it that is made here; `why` goes into Warning. */
  localResponse(status: number, why: string): SipResponse {
    const response = createResponse(this.request, status, undefined, randomTag());
    response.set('Warning', `399 callwake "${why.replace(/["\\\r\n]/g, "'")}"`);
    return response;
  }

  /** Its connection is gone: it fails with 503 (487 when it was cancelled). */
  lose(): void {
    if (this.#final) return;
    this.#transaction?.cancel();
    this.#finishLocally(503, 'the connection was closed');
  }

  #send(target: Target): void {
    if (this.#targets.length > 0) this.#template = (this.#template ?? this.request).clone();
    const request = this.request;
    this.#prepare(request, target);
    this.target = target;
    this.#provisional = false;
    this.#ringing = false;
    const attempt = new Attempt(
      (response, flow) => this.#onResponse(attempt, response, flow),
      (status, why) => this.#onFailure(attempt, status, why),
      (first) => this.#lateSuccesses(attempt, first),
      (success) => ofSameDialog(request, success),
    );
    this.#current = attempt;
    this.#transaction = this.#transactions.request(request, target, attempt);
    setImmediate(() => attempt.release());
  }

  #current: Attempt | undefined;

  #onResponse(attempt: Attempt, response: SipResponse, flow: Flow): void {
    if (attempt !== this.#current) return;
    if (response.status < 200) this.#provisional = true;
    if (response.status > 100 && response.status < 200) this.#ringing = true;
    if (response.status === 100) {
      this.#user.onTrying?.();
      return;
    }
    if (response.status < 200) {
      if (!this.#final) this.#user.onResponse(response, flow);
      return;
    }
    if (response.status === 503 && !this.#ringing && this.#next()) return;
    if (this.#final && response.status >= 300) return;
    this.#final = true;
    this.#user.onResponse(response, flow);
  }

  #onFailure(attempt: Attempt, status: number, why: string): void {
    if (attempt !== this.#current || this.#final) return;
    if (!this.#provisional && this.#next()) return;
    this.#finishLocally(status, why);
  }

  /** Tries the next target; false when there is none. */
  #next(): boolean {
    const target = this.#targets.shift();
    const template = this.#template;
    if (!target || !template || this.#cancel) return false;
    this.request = template.clone();
    try {
      this.#send(target);
    } catch {
      return this.#next();
    }
    return true;
  }

  #finishLocally(status: number, why: string): void {
    if (this.#final) return;
    this.#final = true;
    this.#user.onResponse(this.localResponse(this.#cancel ? 487 : status, why), undefined);
  }

  #lateSuccesses(attempt: Attempt, first: SipResponse): LateSuccesses | undefined {
    return attempt === this.#current && !this.#final ? this.#user.lateSuccesses?.(first) : undefined;
  }
}

/** One try at one target. Holds what the transaction tells back until the starter has returned. */
class Attempt implements ClientTransactionUser {
  #held: (() => void)[] | undefined = [];

  constructor(
    private readonly response: (response: SipResponse, flow: Flow) => void,
    private readonly failure: (status: number, why: string) => void,
    readonly lateSuccesses: (first: SipResponse) => LateSuccesses | undefined,
    readonly accepts: (success: SipResponse) => boolean,
  ) {}

  onResponse(response: SipResponse, flow: Flow): void {
    this.#tell(() => this.response(response, flow));
  }

  onTimeout(): void {
    this.#tell(() => this.failure(408, 'no answer'));
  }

  onTransportError(error: Error): void {
    this.#tell(() => this.failure(503, error.message));
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const fn of held) fn();
  }

  #tell(fn: () => void): void {
    if (this.#held) this.#held.push(fn);
    else fn();
  }
}

/** A response within a dialog has the To tag of its request (RFC 3261 section 8.2.6.2). */
function ofSameDialog(request: SipRequest, response: SipResponse): boolean {
  const tag = request.toTag;
  return tag === undefined || response.toTag?.toLowerCase() === tag.toLowerCase();
}
