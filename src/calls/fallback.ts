import type { EndReason } from './policy.js';
import type { Branch, BranchResponse, CallPort, TrunkTarget } from './port.js';
import type { Timeline } from './timeline.js';

/** What the fallback leg tells its call; as {@link BranchEvents}, until it is cancelled. */
export interface FallbackEvents {
  provisional(response: BranchResponse): void;
  answered(branch: Branch, response: BranchResponse): void;
  failed(response: BranchResponse): void;
}

/** The leg to a number over the trunk that a call gets when nobody woke (Cisco: Mobility Identity). */
export class FallbackLeg {
  readonly #branch: Branch;
  #over = false;

  constructor(
    port: CallPort,
    timeline: Timeline,
    target: TrunkTarget,
    /** Why the call needed it, and what it ends for if this fails too. */
    readonly why: EndReason,
    events: FallbackEvents,
  ) {
    timeline.record('fallback-invited', { number: target.number, reason: why });
    this.#branch = port.startTrunkBranch(target, {
      trying: (peer) => timeline.record('fallback-trying', { peer }),
      passedOver: (peer, { status, reason }) => timeline.record('trunk-passed-over', { peer, status, reason }),
      provisional: (response) => {
        if (this.#over) return;
        timeline.record('fallback-provisional', { status: response.status });
        events.provisional(response);
      },
      answered: (response) => {
        if (this.#over) return;
        this.#over = true;
        timeline.record('fallback-answered', { status: response.status });
        events.answered(this.#branch, response);
      },
      failed: (response) => {
        if (this.#over) return;
        this.#over = true;
        timeline.record('fallback-failed', { status: response.status, reason: response.reason });
        events.failed(response);
      },
    });
  }

  /** Under way: neither answered nor failed nor cancelled. */
  get live(): boolean {
    return !this.#over;
  }

  cancel(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#branch.cancel(reason);
  }
}
