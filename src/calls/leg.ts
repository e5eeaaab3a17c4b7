import { bestBinding } from '../devices/best-binding.js';
import type { Binding, Device, Writable } from '../devices/types.js';
import { saysNotReached } from './policy.js';
import type { Branch, BranchResponse } from './port.js';

/**
 * `waking`: pushed, waits for the REGISTER; `inviting`: INVITE sent, nothing heard; `ringing`: 18x heard;
 * `answered`: this leg won; `ended`: over, whatever the cause.
 */
export type LegState = 'waking' | 'inviting' | 'ringing' | 'answered' | 'ended';

const NEXT: Readonly<Record<LegState, readonly LegState[]>> = {
  waking: ['inviting', 'ended'],
  inviting: ['inviting', 'waking', 'ringing', 'answered', 'ended'],
  ringing: ['answered', 'ended'],
  answered: ['ended'],
  ended: [],
};

/** A leg as the journal keeps it. */
export interface LegRecord {
  readonly device: string;
  readonly state: LegState;
  /** Epoch milliseconds at which the push left. */
  readonly pushedAt?: number;
  /** The INVITE under way, or the last one. */
  readonly branch?: { readonly id: string; readonly binding: Binding; readonly transaction?: string };
  readonly final?: { readonly status: number; readonly reason: string };
}

/** One device's part of a call. At any time it has at most one INVITE under way. */
export class Leg {
  #state: LegState;
  /** The INVITE under way, or the last one. */
  branch: Branch | undefined;
  /** Where that INVITE went. */
  binding: Binding | undefined;
  /** The id of that INVITE. */
  branchId: string | undefined;
  /** The engine's name of it, where another process needs that. */
  transaction: string | undefined;
  /** A push for this call was asked for; there is never a second. */
  pushed = false;
  /** That push was refused for good, or could not be sent. */
  pushFailed = false;
  /** The device has shown a sign of life. */
  rang = false;
  /** Epoch milliseconds at which it was sent. */
  pushedAt: number | undefined;
  /** It has left the process: one that dies before that has pushed nobody. */
  pushHasLeft = false;
  /** Counts INVITEs: events of an earlier one are not this leg's any more. */
  attempt = 0;
  /** Its last INVITE has had no answer for longer than an awake phone takes; it may ring yet, until the hold ends. */
  silent = false;
  /** What the device, or the network in its stead, finally said. */
  final: BranchResponse | undefined;
  readonly #tried = new Set<string>();

  constructor(
    /** As of its last REGISTER. */
    public device: Device,
    state: LegState,
  ) {
    this.#state = state;
  }

  /** A leg as another process left it. An INVITE that rang is taken for one just sent: its responses come again. */
  static restore(device: Device, { state, pushedAt, branch, final }: LegRecord): Leg {
    const leg = new Leg(device, state === 'ringing' ? 'inviting' : state);
    leg.pushed = pushedAt !== undefined;
    leg.pushedAt = pushedAt;
    leg.pushHasLeft = leg.pushed;
    leg.final = final;
    if (branch !== undefined) leg.use(branch.binding, branch.id);
    return leg;
  }

  /** As the journal keeps it. */
  record(): LegRecord {
    const { branchId, binding, final, transaction } = this;
    const pushedAt = this.pushHasLeft ? this.pushedAt : undefined;
    const record: Writable<LegRecord> = { device: this.device.id, state: this.#state };
    if (pushedAt !== undefined) record.pushedAt = pushedAt;
    if (branchId !== undefined && binding !== undefined) {
      const branch = { id: branchId, binding };
      record.branch = transaction === undefined ? branch : { ...branch, transaction };
    }
    if (final !== undefined) record.final = { status: final.status, reason: final.reason };
    return record;
  }

  get state(): LegState {
    return this.#state;
  }

  /** An INVITE is out and unanswered. */
  get live(): boolean {
    return this.#state === 'inviting' || this.#state === 'ringing';
  }

  /** Name of the timer that waits for its sign of life. */
  get probe(): string {
    return `probe ${this.device.id}`;
  }

  /** It ended without the device having shown or said anything. */
  get missed(): boolean {
    return this.#state === 'ended' && !this.rang && (this.final === undefined || saysNotReached(this.final));
  }

  /** @throws Error when the state machine has no such transition: a defect, never a peer's doing. */
  to(next: LegState): void {
    if (!NEXT[this.#state].includes(next))
      throw new Error(`leg of ${this.device.id}: no way from ${this.#state} to ${next}`);
    this.#state = next;
  }

  /** Remembers that an INVITE of that id goes over this binding. */
  use(binding: Binding, id: string): void {
    this.silent = false;
    this.binding = binding;
    this.branchId = id;
    this.transaction = undefined;
    this.#tried.add(flowKey(binding));
  }

  /** The binding that the device has registered since its push left. */
  registeredSince(at: number): Binding | undefined {
    return bestBinding(this.device.bindings.filter((binding) => binding.registeredAt > at));
  }

  /** The best binding no INVITE of this leg has gone over yet: highest q, then latest (RFC 5626 section 5.3: an alternative flow). */
  untried(): Binding | undefined {
    return bestBinding(this.device.bindings.filter((binding) => !this.#tried.has(flowKey(binding))));
  }
}

function flowKey(binding: Binding): string {
  return [binding.uri, ...binding.path, binding.source].join(' ');
}
