import type { Branch, BranchEvents, BranchResponse } from '../calls/port.js';
import type { Clock, Timer } from '../clock/clock.js';
import type { Peer } from '../trunks/peer.js';
import { LegResponse } from './invite-branch.js';

export interface TrunkBranchOptions<B extends Branch> {
  readonly clock: Clock;
  /** In the order in which they are tried. */
  readonly peers: readonly Peer[];
  /** How long a peer may say nothing but 100 before the next one is tried, in milliseconds; 0: until the transaction times out. */
  readonly failoverAfter: number;
  /** Sends the INVITE to a peer. */
  readonly invite: (peer: Peer, events: BranchEvents) => B;
}

/**
 * An INVITE over a trunk: to one peer after the other until one takes it (RFC 3263 4.3). The next one's turn comes after 503, after a
 * transport error, and when a peer says nothing.
 */
export class TrunkBranch<B extends Branch = Branch> implements Branch {
  readonly #options: TrunkBranchOptions<B>;
  readonly #events: BranchEvents;
  readonly #left: Peer[];
  #invite: B | undefined;
  #timer: Timer | undefined;
  #attempt = 0;
  #over = false;

  constructor(options: TrunkBranchOptions<B>, events: BranchEvents) {
    this.#options = options;
    this.#events = events;
    this.#left = [...options.peers];
    this.#next(new LegResponse(503, 'No Peer In Service'));
  }

  /** The INVITE under way, or the last one. */
  get invite(): B | undefined {
    return this.#invite;
  }

  get id(): string {
    return this.#invite?.id ?? '';
  }

  cancel(reason: string): void {
    this.#end();
    this.#invite?.cancel(reason);
  }

  drop(reason: string): void {
    this.#end();
    this.#invite?.drop(reason);
  }

  #next(last: BranchResponse): void {
    const peer = this.#left.shift();
    if (peer === undefined) {
      queueMicrotask(() => this.#fail(last));
      return;
    }
    const attempt = ++this.#attempt;
    const mine = (): boolean => !this.#over && this.#attempt === attempt;
    let silent = true;
    this.#events.trying?.(peer.name);
    this.#invite = this.#options.invite(peer, {
      provisional: (response) => {
        if (!mine()) return;
        silent = false;
        this.#timer?.cancel();
        peer.answered();
        this.#events.provisional(response);
      },
      answered: (response) => {
        if (!mine()) return;
        peer.answered();
        this.#end();
        this.#events.answered(response);
      },
      failed: (response) => {
        if (!mine()) return;
        this.#timer?.cancel();
        const unheard = response.local === true || (response.status === 408 && silent);
        if (unheard) peer.failed(response.status === 408 ? 'no answer' : 'not reachable');
        else if (response.status !== 503) peer.answered();
        if (!unheard && response.status !== 503) return this.#fail(response);
        if (this.#left.length > 0) this.#events.passedOver?.(peer.name, response);
        this.#next(response);
      },
    });
    const { clock, failoverAfter } = this.#options;
    if (failoverAfter === 0 || this.#left.length === 0) return;
    this.#timer = clock.setTimeout(() => {
      if (!mine()) return;
      this.#invite?.cancel('SIP;cause=408;text="No answer from the trunk peer"');
      peer.failed('no answer');
      const response = new LegResponse(408, 'Request Timeout');
      this.#events.passedOver?.(peer.name, response);
      this.#next(response);
    }, failoverAfter);
  }

  #fail(response: BranchResponse): void {
    if (this.#over) return;
    this.#end();
    this.#events.failed(response);
  }

  #end(): void {
    this.#over = true;
    this.#timer?.cancel();
  }
}
