import type { Clock } from '../../clock/clock.js';
import type { SipAddress } from '../address.js';
import type { SimEvent } from '../ua/events.js';
import type { TlsSettings } from '../ua/stack.js';
import type { RequestExtras } from '../ua/types.js';

/** How the simulated CUCM behaves toward calls that come in over the trunk. */
export interface CucmBehaviour {
  /** Default true. `ignore`: 100 and 180, then nothing; `mute`: nothing but the transaction's own 100; a number: that final status. */
  readonly answer?: boolean | 'busy' | 'decline' | 'ignore' | 'mute' | number;
  /** Asks for PRACK on 180 (RFC 3262) when the caller supports 100rel. */
  readonly reliable?: boolean;
  readonly answerDelayMs?: number;
  readonly hangupAfterMs?: number;
  /** Status for OPTIONS; default 200. */
  readonly optionsStatus?: number;
}

export interface CucmSimulatorOptions {
  /** The trunk's far end: callwake. */
  readonly trunk: SipAddress;
  /** Own address, default 127.0.0.1. */
  readonly address?: string;
  /** Own port for UDP and TCP (or TLS, when the trunk has it), default 0 (any). */
  readonly port?: number;
  /** Host part of the Request-URI and To, default the trunk's `host`. */
  readonly domain?: string;
  /** Send an OPTIONS ping this often; default: only when {@link CucmSimulator.ping} is called. */
  readonly pingIntervalMs?: number;
  readonly behaviour?: CucmBehaviour;
  /** Needed for TLS: key and certificate of this side, and the authorities that it trusts. */
  readonly tls?: TlsSettings | undefined;
  readonly clock?: Clock;
}

export interface CucmCallOptions extends RequestExtras {
  /** Called number, user part of the Request-URI. */
  readonly to: string;
  /** Calling number, default `1001`. */
  readonly from?: string;
  /** The Request-URI is sips. */
  readonly sips?: boolean;
  /** `early`: SDP in the INVITE; `delayed` (CUCM's default): SDP in the ACK. */
  readonly offer?: 'early' | 'delayed';
  readonly displayName?: string;
  /** `Privacy: id`, From anonymous, RPID with privacy=full. */
  readonly anonymous?: boolean;
  /** 32 hexadecimal digits; default random. `null`: no Session-ID header. */
  readonly sessionId?: string | null;
  /** Hang up this long after the answer. */
  readonly hangupAfterMs?: number;
}

export type CucmEvent = SimEvent &
  (
    | { readonly type: 'listening'; readonly address: string }
    | { readonly type: 'calling'; readonly callId: string; readonly to: string; readonly from: string }
    | {
        readonly type: 'response';
        readonly callId: string;
        readonly status: number;
        readonly reason: string;
        readonly afterMs: number;
      }
    | { readonly type: 'invited'; readonly callId: string; readonly to: string; readonly from: string }
    | { readonly type: 'answered'; readonly callId: string }
    | { readonly type: 'request'; readonly callId: string; readonly method: string }
    | {
        readonly type: 'ended';
        readonly callId: string;
        readonly how: string;
        readonly status?: number;
        readonly reason?: string;
      }
    | { readonly type: 'ping'; readonly status: number; readonly inService: boolean }
    | { readonly type: 'pinged'; readonly from: string }
    | { readonly type: 'message'; readonly from: string; readonly contentType: string; readonly body: string }
    | { readonly type: 'fault'; readonly text: string }
  );
