import type { SipResponse } from '../message/index.js';
import type { LateSuccesses, TransactionLayer } from '../transaction/index.js';
import type { Flow } from '../transport/index.js';

/**
 * What is left of a proxied INVITE once a 2xx went upstream: further ones go there too (RFC 6026 section 7.2, RFC 3261 section 16.7), by the Via below this
 * proxy's own.
 */
export class UpstreamSuccesses implements LateSuccesses {
  readonly #transactions: TransactionLayer;
  readonly #flow: Flow;

  constructor(transactions: TransactionLayer, flow: Flow) {
    this.#transactions = transactions;
    this.#flow = flow;
  }

  onSuccess(success: SipResponse): void {
    const copy = success.clone();
    copy.removeFirst('Via');
    if (copy.has('Via')) this.#transactions.forward(copy, this.#flow);
  }
}
