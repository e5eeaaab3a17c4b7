import type { Clock } from '../../clock/clock.js';
import type { SipRequest } from '../message/index.js';
import type { MessageTransport, SendCallback, Target } from '../transport/index.js';
import type { TimerSettings } from './timers.js';
import type { ClientTransaction, ClientTransactionUser, TransactionUser } from './types.js';

export interface TransactionLayerOptions {
  readonly transport: MessageTransport;
  readonly clock: Clock;
  /** See {@link TimerSettings} for the defaults. */
  readonly timers?: Partial<TimerSettings>;
  readonly user: TransactionUser;
  /** Send 100 to each INVITE at once; default true. */
  readonly autoTrying?: boolean;
  /** Answer merged requests with 482 (RFC 3261 section 8.2.2.2); default true. A forking proxy's neighbour may want false. */
  readonly detectMerged?: boolean;
  /** Hand 100 responses to the users of client transactions too; default false. */
  readonly passTrying?: boolean;
  /** Server transactions held at the same time; above it new requests get 503. Default 500,000. */
  readonly maxServerTransactions?: number;
  readonly log?: (text: string) => void;
}

/** RFC 3261 section 17: matches messages to transactions, makes new ones. */
export class TransactionLayer {
  constructor(readonly options: TransactionLayerOptions) {}

  /** Pushes a Via with a new branch on top of `request` (which is changed) and sends it. */
  request(_request: SipRequest, _target: Target, _user: ClientTransactionUser): ClientTransaction {
    throw new Error('not yet');
  }

  /** Sends an ACK to a 2xx: a Via with a new branch is pushed on top; no transaction. */
  send(_request: SipRequest, _target: Target, _callback?: SendCallback): void {
    throw new Error('not yet');
  }

  /** How many transactions exist. */
  get counts(): { client: number; server: number } {
    return { client: 0, server: 0 };
  }

  /** Ends every transaction without a word to their users and stops all timers. */
  close(): void {}
}
