import { type CallRecords, noRecords, reasonOf } from '../call-records.js';
import type { SipRequest, SipResponse } from '../message/index.js';
import type { Branch } from './branch.js';

/** The records of a proxied INVITE: each branch from its attempt to its answer, and the answer of the caller's leg. */
export class ProxyRecords {
  readonly #records: CallRecords;
  readonly #attempts = new Set<Branch>();
  readonly #connected = new Set<Branch>();

  /** Only an INVITE outside a dialog has any. */
  constructor(records: CallRecords, request: SipRequest) {
    this.#records = request.method === 'INVITE' && request.toTag === undefined ? records : noRecords;
  }

  sent(branch: Branch, request: SipRequest): void {
    this.#attempts.add(branch);
    this.#records.attempt('application', request);
  }

  /** The first 2xx of a branch goes upstream, also of one that was given up; more of the same branch make no record. */
  connected(branch: Branch, response: SipResponse): void {
    if (this.#connected.has(branch)) return;
    this.#connected.add(branch);
    this.#attempts.delete(branch);
    this.#records.start('network', 'proxy-uac', response);
    this.#records.start('application', 'proxy-uas', response);
  }

  /** A branch is over. */
  ended(branch: Branch, response: SipResponse): void {
    if (!this.#attempts.delete(branch)) return;
    this.#records.stop(branch.received ? 'network' : 'application', reasonOf(response.status), response);
  }

  /** A final response other than 2xx goes upstream. */
  failed(response: SipResponse): void {
    this.#records.stop('application', reasonOf(response.status), response);
  }
}
