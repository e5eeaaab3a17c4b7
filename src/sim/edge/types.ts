import type { Clock } from '../../clock/clock.js';
import type { SipAddress } from '../address.js';
import type { SimEvent } from '../ua/events.js';
import type { TlsSettings } from '../ua/stack.js';

/** `path`: Expressway with "SIP Path headers" on, Contact untouched (RFC 3327); `rewrite`: Expressway's default, Contact becomes the edge's own. */
export type EdgeMode = 'path' | 'rewrite';

export interface EdgeSimulatorOptions {
  readonly mode: EdgeMode;
  /** The registrar and home proxy: callwake. */
  readonly core: SipAddress;
  /** Own address, default 127.0.0.1. */
  readonly address?: string;
  /** Port for phones, UDP and TCP (or TLS, when the core has it); default 0 (any). */
  readonly phonePort?: number;
  /** Port on the core's side, the same transports; default 0 (any). */
  readonly corePort?: number;
  /** Most flows and rewritten Contacts kept; the oldest go first. Default 20000. */
  readonly maxFlows?: number;
  /** Needed for TLS: key and certificate of this side, and the authorities that it trusts. */
  readonly tls?: TlsSettings | undefined;
  readonly clock?: Clock;
}

export type EdgeEvent = SimEvent &
  (
    | { readonly type: 'listening'; readonly phones: string; readonly core: string }
    | { readonly type: 'flow-opened'; readonly flow: string; readonly peer: string }
    | { readonly type: 'flow-closed'; readonly flow: string; readonly peer: string }
    | {
        readonly type: 'relayed';
        readonly to: 'core' | 'phone';
        /** `INVITE`, or `200 INVITE`. */
        readonly what: string;
        readonly callId: string;
      }
    /** A request for a phone whose flow is gone: answered with 430 or 480. */
    | { readonly type: 'flow-failed'; readonly status: number; readonly method: string; readonly callId: string }
    | { readonly type: 'fault'; readonly text: string }
  );
