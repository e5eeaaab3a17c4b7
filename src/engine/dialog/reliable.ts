import { randomInt } from 'node:crypto';
import type { Clock, Timer } from '../../clock/clock.js';
import type { SipRequest, SipResponse } from '../message/index.js';

export interface ReliableOptions {
  clock: Clock;
  T1: number;
  send: (response: SipResponse) => void;
  /** No PRACK came in 64*T1. */
  expired: () => void;
}

/**
 * The reliable provisional responses of one INVITE, server's side (RFC 3262 section 3): sent one at a time, each repeated
 * until its PRACK comes.
 */
export class ReliableProvisionals {
  readonly #options: ReliableOptions;
  #rseq = randomInt(1, 2 ** 30);
  #current: { rseq: number; response: SipResponse } | undefined;
  #waiting: { rseq: number; response: SipResponse }[] = [];
  #retransmission: Timer | undefined;
  #expiry: Timer | undefined;
  #whenSettled: (() => void) | undefined;

  constructor(options: ReliableOptions) {
    this.#options = options;
  }

  /** Gives the response its RSeq and sends it when its turn comes. */
  send(response: SipResponse): void {
    const rseq = this.#rseq++;
    response.set('RSeq', String(rseq));
    if (!response.list('require').some((tag) => tag.toLowerCase() === '100rel')) response.add('Require', '100rel');
    const entry = { rseq, response };
    if (this.#current) this.#waiting.push(entry);
    else this.#start(entry);
  }

  /** Takes a PRACK; false when it matches nothing that was sent and not yet acknowledged (answer 481). */
  acknowledge(prack: SipRequest, inviteCSeq: number): boolean {
    const match = /^(\d+)\s+(\d+)\s+INVITE$/i.exec(prack.get('rack') ?? '');
    if (!match || !this.#current) return false;
    if (Number(match[1]) !== this.#current.rseq || Number(match[2]) !== inviteCSeq) return false;
    this.#stopTimers();
    this.#current = undefined;
    const next = this.#waiting.shift();
    if (next) this.#start(next);
    else this.#settled();
    return true;
  }

  /** Whether a session description is still to be acknowledged: a 2xx has to wait for that (RFC 3262 section 3). */
  get holdsAnswer(): boolean {
    const open = this.#current ? [this.#current, ...this.#waiting] : [];
    return open.some((entry) => entry.response.body.length > 0);
  }

  /** Calls `fn` once all are acknowledged. */
  whenSettled(fn: () => void): void {
    this.#whenSettled = fn;
  }

  /** A final response ends it. */
  stop(): void {
    this.#stopTimers();
    this.#current = undefined;
    this.#waiting = [];
    this.#whenSettled = undefined;
  }

  #start(entry: { rseq: number; response: SipResponse }): void {
    this.#current = entry;
    this.#options.send(entry.response);
    this.#repeat(this.#options.T1);
    this.#expiry = this.#options.clock.setTimeout(() => {
      this.stop();
      this.#options.expired();
    }, 64 * this.#options.T1);
  }

  #repeat(interval: number): void {
    this.#retransmission = this.#options.clock.setTimeout(() => {
      if (!this.#current) return;
      this.#options.send(this.#current.response);
      this.#repeat(interval * 2);
    }, interval);
  }

  #settled(): void {
    const fn = this.#whenSettled;
    this.#whenSettled = undefined;
    fn?.();
  }

  #stopTimers(): void {
    this.#retransmission?.cancel();
    this.#expiry?.cancel();
  }
}
