import type { Clock, Timer } from '../../clock/clock.js';
import type { OutgoingRequest } from '../dialog/outgoing.js';
import type { SipRequest, SipResponse } from '../message/index.js';
import type { LateSuccesses } from '../transaction/index.js';
import type { Flow } from '../transport/index.js';

type Header = readonly [name: string, value: string];

export interface BranchLimits {
  /** No sign of life in this time: given up. */
  provisional: number | undefined;
  /** No final response in this time: given up. */
  final: number | undefined;
  /** No final response in this time after the last provisional one (Timer C). */
  ringing: number;
}

export interface BranchUser {
  /** 101 to 199, as received. */
  provisional(branch: Branch, response: SipResponse): void;
  /** A 2xx, first or repeated, also of a branch that was given up. */
  success(branch: Branch, response: SipResponse): void;
  /** Who takes further 2xx once this branch's first one, which is about to be told, has gone upstream. */
  lateSuccesses(): LateSuccesses | undefined;
  /** It is over without a 2xx: {@link Branch.final} is set. Once. */
  failed(branch: Branch): void;
}

/** One destination of a proxied request. */
export class Branch {
  /** Its final response; undefined while it may still have one. Made here: 408, 487, 503; a 2xx that comes after all takes the place of these. */
  final: SipResponse | undefined;
  /** A final response came, and was not made here. */
  received = false;
  /** Its 3xx was followed: it doesn't count. */
  redirected = false;
  readonly destination: string;
  readonly #clock: Clock;
  readonly #user: BranchUser;
  readonly #limits: BranchLimits;
  #outgoing: OutgoingRequest | undefined;
  #heard = false;
  #provisional: Timer | undefined;
  #final: Timer | undefined;
  #ringing: Timer | undefined;

  constructor(destination: string, limits: BranchLimits, clock: Clock, user: BranchUser) {
    this.destination = destination;
    this.#limits = limits;
    this.#clock = clock;
    this.#user = user;
    if (limits.provisional !== undefined) {
      this.#provisional = clock.setTimeout(() => this.#giveUp('no provisional response in time'), limits.provisional);
    }
    if (limits.final !== undefined) {
      this.#final = clock.setTimeout(() => this.#giveUp('no final response in time'), limits.final);
    }
  }

  /** Where it was sent, as far as known. */
  get remote(): { protocol: string; address: string; port: number } {
    const target = this.#outgoing?.target;
    return { protocol: target?.protocol ?? 'udp', address: target?.host ?? '', port: target?.port ?? 0 };
  }

  /** As it was sent. */
  get request(): SipRequest | undefined {
    return this.#outgoing?.request;
  }

  /** A connection is gone: a branch that could only go down that one fails. */
  flowClosed(flow: Flow): void {
    const { connection } = flow;
    if (connection && this.#outgoing?.target?.flow?.connection === connection) this.#outgoing.lose();
  }

  sent(outgoing: OutgoingRequest): void {
    this.#outgoing = outgoing;
  }

  /** Nothing was sent, or nothing more is to be expected: over with a response made here. */
  fail(response: SipResponse): void {
    if (this.final) return;
    this.final = response;
    this.stop();
    this.#user.failed(this);
  }

  /** A 100 came: somebody is there. */
  onTrying(): void {
    if (this.final) return;
    this.#heard = true;
    this.#provisional?.cancel();
    if (this.#outgoing?.request.method === 'INVITE') this.#restartTimerC();
  }

  onResponse(response: SipResponse, flow: Flow | undefined): void {
    const { status } = response;
    this.#heard ||= flow !== undefined;
    if (status >= 200 && (!this.final || status < 300)) this.received = flow !== undefined;
    if (status >= 200 && status < 300) {
      this.stop();
      if (!this.final || this.final.status >= 300) this.final = response;
      this.#user.success(this, response);
    } else if (this.final) return;
    else if (status >= 300) this.fail(response);
    else {
      this.#provisional?.cancel();
      if (this.#outgoing?.request.method === 'INVITE') this.#restartTimerC();
      this.#user.provisional(this, response);
    }
  }

  lateSuccesses(): LateSuccesses | undefined {
    return this.#user.lateSuccesses();
  }

  /** Sends CANCEL as soon as that is allowed. A branch that never gave a sign of life is over at once. */
  cancel(headers: readonly Header[]): void {
    if (this.final) return;
    this.#outgoing?.cancel(headers);
    if (!this.#heard && this.#outgoing) this.fail(this.#outgoing.localResponse(487, 'cancelled'));
  }

  stop(): void {
    this.#provisional?.cancel();
    this.#final?.cancel();
    this.#ringing?.cancel();
  }

  #restartTimerC(): void {
    this.#ringing?.cancel();
    this.#ringing = this.#clock.setTimeout(() => this.#giveUp('Timer C'), this.#limits.ringing);
  }

  #giveUp(why: string): void {
    if (this.final || !this.#outgoing) return;
    this.#outgoing.cancel([['Reason', 'SIP;cause=408;text="Request Timeout"']]);
    this.fail(this.#outgoing.localResponse(408, why));
  }
}
