import type { Buffer } from 'node:buffer';
import type { Clock } from '../../clock/clock.js';
import type { SipResponse } from '../message/index.js';
import type { Flow } from '../transport/index.js';
import type { KeptBytes } from './kept.js';
import type { TimerSettings } from './timers.js';
import type { EndReason } from './types.js';

/** What a state machine needs of the transaction it drives. */
export interface MachineHost {
  readonly clock: Clock;
  readonly timers: TimerSettings;
  /** The transport delivers or tells (everything but UDP): no retransmissions. */
  readonly reliable: boolean;
}

/** Of a server transaction. A sending that fails is told to the machine's `transportError`, at once or later. */
export interface ServerHost extends MachineHost {
  sendResponse(data: Buffer): void;
  /** Sends 100 to a request that is no INVITE (RFC 4320). */
  sendTrying(): void;
  /**
   * The transaction is Completed (`final` is the response to repeat) or Accepted: true when the host sees to Timer J or L and to copies
   * of the request itself, since nobody waits for the end; the machine sets no timer then.
   */
  retire(final?: KeptBytes): boolean;
  /** A response could not be sent; the transaction lives on. */
  failed(error: Error): void;
  /** The machine is in its last state; it does nothing more. */
  ended(why: EndReason): void;
}

/** Of a client transaction. A sending that fails is told to the machine's `transportError`, at once or later. */
export interface ClientHost extends MachineHost {
  sendRequest(): void;
  /** Acknowledges a final response other than 2xx. */
  sendAck(response: SipResponse): void;
  deliver(response: SipResponse, flow: Flow): void;
  /**
   * The transaction is Completed, or (an INVITE) Accepted with this 2xx: true when the host sees to Timer K or M and to further responses
   * itself, since nobody waits for the end; the machine sets no timer then.
   */
  retire(response: SipResponse): boolean;
  timedOut(): void;
  failed(error: Error): void;
  /** The machine is in its last state; it does nothing more. */
  ended(): void;
}
