import type { Binding, Device } from '../devices/types.js';

/** A response of a phone to a leg. `sip/` hands in richer objects and gets the same ones back. */
export interface BranchResponse {
  readonly status: number;
  readonly reason: string;
  /** Made here because nobody answered: 408 after a timeout, 503 after a transport error. */
  readonly local?: boolean;
}

/** What a branch tells its call. After `answered` or `failed` nothing more comes. */
export interface BranchEvents {
  /** The INVITE goes to this peer of a trunk, after others failed or as the first. */
  trying?(peer: string): void;
  /** That peer didn't take it, and the next one's turn has come. */
  passedOver?(peer: string, response: BranchResponse): void;
  /** 101 to 199; never 100. */
  provisional(response: BranchResponse): void;
  /** The first 2xx. */
  answered(response: BranchResponse): void;
  /** A final response of 300 or more, or its local stand-in. */
  failed(response: BranchResponse): void;
  /** It was sent, and the engine will not go on with it for another process, which can only cancel it by this name. */
  sent?(transaction: string): void;
}

/** One INVITE on its way to one device, or over a trunk. */
export interface Branch {
  /** What names it for ever; of a branch over a trunk that of the INVITE under way. */
  readonly id: string;
  /** CANCEL with this Reason header (RFC 3326); a 2xx that crosses it is ended with ACK and BYE. No event comes after this. */
  cancel(reason: string): void;
  /** Ends a branch that was answered after another one had won: ACK, then BYE with this Reason. */
  drop(reason: string): void;
}

/** Where a call over a trunk goes. */
export interface TrunkTarget {
  /** Name of the trunk. */
  readonly trunk: string;
  /** User part of the Request-URI, as on the wire. */
  readonly number: string;
  /** A Request-URI that names somebody else's domain: it is kept, the peer is only the next hop. */
  readonly uri?: string;
  /** The call was for somebody else before: told in History-Info (RFC 7044) and Diversion (RFC 5806). */
  readonly retargeted?: { readonly from: string; readonly status: number };
}

/**
 * How a call reaches its two sides, the caller and the devices. `calls/` decides when; an implementation knows how:
 * legs over drachtio-srf now, a forking proxy perhaps later.
 */
export interface CallPort {
  /** What another process needs to make this port again: plain data. Undefined when that can't be done. */
  readonly saved?: unknown;
  /** Answers the caller with 1xx. With `from`, what is not tied to the leg (headers, body) goes along. */
  provisional(status: number, reason: string, from?: BranchResponse): void;
  /**
   * Sends the INVITE to a device over one of its bindings. `id` names the branch for ever: one that a process before this one
   * began under that id goes on as this one, and the device sees no second INVITE, where the engine can do that. `forked`: the call
   * has other devices, and the caller, who sees one dialog for all of them, can't have each one's early media.
   */
  startBranch(
    device: Pick<Device, 'aor' | 'id'>,
    binding: Binding,
    events: BranchEvents,
    id: string,
    forked?: boolean,
  ): Branch;
  /**
   * Gives up a branch that a process before this one began, where it can't go on: a second INVITE would ring the phone twice for
   * one call. False: it can go on, by {@link startBranch} with its id.
   */
  cancelLeft?(transaction: string | undefined, reason: string): boolean;
  /** Sends the INVITE over a trunk, to one peer after the other until one takes it. */
  startTrunkBranch(target: TrunkTarget, events: BranchEvents): Branch;
  /** Answers the caller with the branch's 2xx and joins the two until one of them hangs up. */
  connect(branch: Branch, response: BranchResponse): void;
  /**
   * Answers the caller with a final response of 300 or more. With `from`, its headers go along. `sent` is called when it has left, or
   * when there is nobody to get it.
   */
  reject(status: number, reason: string, options?: RejectOptions, sent?: () => void): void;
}

export interface RejectOptions {
  readonly from?: BranchResponse;
  /** Seconds, for 503 and 480 (RFC 3261 20.33). */
  readonly retryAfter?: number;
  /** Why callwake itself refuses, in words for the Warning header (RFC 3261 20.43). */
  readonly warning?: string;
  /** It was for sips, and there is no way to go but in clear (RFC 5630). */
  readonly sips?: boolean;
  /** For 302: where the caller may try. */
  readonly contact?: string;
  /** Cause and text of a Reason header (RFC 3326, ITU-T Q.850), unless `from` has one of its own. */
  readonly q850?: { readonly cause: number; readonly text: string };
}

/** Reason header values (RFC 3326) that callwake itself gives to a CANCEL or BYE. */
export const REASONS = {
  completedElsewhere: 'SIP;cause=200;text="Call completed elsewhere"',
  declinedElsewhere: 'SIP;cause=603;text="Declined elsewhere"',
  cancelled: 'SIP;cause=487;text="Caller gave up"',
  noSignOfLife: 'SIP;cause=408;text="No answer from the device"',
  noAnswer: 'SIP;cause=480;text="No answer"',
  lost: 'SIP;cause=503;text="Call lost"',
  cleared: 'SIP;cause=480;text="Ended by an operator"',
  hungUp: 'Q.850;cause=16;text="Ended by an operator"',
  shutdown: 'SIP;cause=503;text="Shutting down"',
  fallback: 'SIP;cause=302;text="Call forwarded"',
} as const;
