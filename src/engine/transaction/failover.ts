import type { SipRequest, SipResponse } from '../message/index.js';
import type { Flow, Target } from '../transport/index.js';
import type { TransactionLayer } from './layer.js';
import type { ClientTransaction, ClientTransactionUser } from './types.js';

/** A request on its way to the first of several targets that takes it. */
export interface FailoverRequest {
  /** The transaction with the target that is being tried, or that took it. */
  readonly current: ClientTransaction;
  /** Cancels it; no further target is tried. */
  cancel(headers?: readonly (readonly [name: string, value: string])[]): void;
}

/**
 * RFC 3263 section 4.3: sends `request` to each target in turn, each time in a new transaction, until one neither fails in transport,
 * nor stays silent, nor says 503. `user` hears of the last one tried. Throws when there is no target.
 */
export function requestWithFailover(
  layer: TransactionLayer,
  request: SipRequest,
  targets: readonly Target[],
  user: ClientTransactionUser,
): FailoverRequest {
  const [first, ...rest] = targets;
  if (!first) throw new Error('No target to send to');
  return new Failover(layer, request, first, rest, user);
}

class Failover implements FailoverRequest {
  current: ClientTransaction;
  private cancelled = false;

  constructor(
    private readonly layer: TransactionLayer,
    private readonly request: SipRequest,
    first: Target,
    private readonly rest: Target[],
    private readonly user: ClientTransactionUser,
  ) {
    this.current = this.start(first);
  }

  cancel(headers?: readonly (readonly [name: string, value: string])[]): void {
    this.cancelled = true;
    this.current.cancel(headers);
  }

  private start(target: Target): ClientTransaction {
    const { user } = this;
    let answered = false;
    let passedOn = false;
    const next = () => {
      passedOn = this.tryNext();
      return passedOn;
    };
    return this.layer.request(this.request.clone(), target, {
      onResponse: (response: SipResponse, flow: Flow) => {
        if (response.status === 503 && next()) return;
        answered = true;
        user.onResponse(response, flow);
      },
      onTimeout: () => {
        if (answered || !next()) user.onTimeout();
      },
      onTransportError: (error) => {
        if (answered || !next()) user.onTransportError(error);
      },
      onEnd: () => {
        if (!passedOn) user.onEnd?.();
      },
    });
  }

  private tryNext(): boolean {
    if (this.cancelled) return false;
    const target = this.rest.shift();
    if (!target) return false;
    this.current = this.start(target);
    return true;
  }
}
