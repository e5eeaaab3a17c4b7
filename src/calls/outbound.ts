import type { Clock } from '../clock/clock.js';
import type { Admission, Ticket } from './admission.js';
import type { CallHandle } from './incoming.js';
import type { Journal, JournalEntry } from './journal.js';
import type { EndReason } from './policy.js';
import { type Branch, type BranchResponse, type CallPort, REASONS } from './port.js';
import type { Talking } from './talking.js';
import { Timeline, type TimelineSink } from './timeline.js';
import { Timers } from './timers.js';
import { CLEARED, ENDING, TRUNK_FULL, turnAway } from './turn-away.js';
import { recordCancel, recordWire, trying, type WireNote } from './wire-note.js';

/** A device's call to the trunk. */
export interface OutboundCall {
  readonly callUuid: string;
  readonly sessionId?: string;
  readonly callId: string;
  /** Who calls. */
  readonly aor: string;
  /** Which of that AOR's devices, when it is known. */
  readonly callerDevice?: string;
  readonly trunk: string;
  /** User part of the Request-URI. */
  readonly number: string;
  /** A Request-URI that names somebody else's domain. */
  readonly uri?: string;
  /** How long it may last from INVITE to answer, in milliseconds. */
  readonly ring: number;
}

export interface OutboundOptions {
  readonly clock: Clock;
  readonly sink: TimelineSink;
  readonly admission: Admission;
  readonly journal: Journal;
  readonly talking: Talking;
}

type State = 'calling' | 'ringing' | 'up' | 'over';

/** Calls from devices to the trunk. */
export class OutboundCalls {
  readonly #options: OutboundOptions;
  readonly #calls = new Set<Outbound>();
  #draining = false;
  #drained: (() => void) | undefined;

  constructor(options: OutboundOptions) {
    this.#options = options;
  }

  /** Calls under way, up or not. */
  get size(): number {
    return this.#calls.size;
  }

  /** Sends a device's call to the trunk. Undefined when it was refused on the spot (draining, too many), with the refusal sent. */
  start(info: OutboundCall, port: CallPort): CallHandle | undefined {
    const { clock, sink, admission, journal, talking } = this.#options;
    const timeline = new Timeline(info.callUuid, info.sessionId, clock, sink);
    const { aor, trunk, number, callId } = info;
    timeline.record('outbound-received', { aor, trunk, number, callId });
    recordWire(timeline, trying('phone'));
    const ticket = this.#draining ? undefined : admission.admit(trunk);
    if (ticket === undefined) {
      if (this.#draining) turnAway('shutdown', ENDING, port, timeline);
      else turnAway('overload', TRUNK_FULL, port, timeline);
      return undefined;
    }
    const { callUuid, sessionId, callerDevice } = info;
    const known = {
      callUuid,
      ...(sessionId === undefined ? {} : { sessionId }),
      callId,
      aor,
      ...(callerDevice === undefined ? {} : { callerDevice }),
      trunk,
    };
    const entry = journal.open(known, clock.now(), port.saved, timeline);
    const call = new Outbound({ info, port, timeline, clock, ticket, entry, talking }, () => {
      if (call.state === 'over') this.#calls.delete(call);
      this.#checkDrained();
    });
    this.#calls.add(call);
    call.start();
    return call;
  }

  /** Takes no new calls; settles when none waits for an answer any more. */
  drain(): Promise<void> {
    this.#draining = true;
    if (this.waiting === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#drained = resolve;
    });
  }

  /** Takes new calls again after {@link drain}. */
  undrain(): void {
    this.#draining = false;
    this.#drained = undefined;
  }

  /** Ends what is not answered. Calls that are up stay up, with whoever reads the journal. */
  close(): void {
    this.#draining = true;
    for (const call of [...this.#calls]) call.abort();
  }

  /** Ends a call that isn't answered. False when there is none. */
  clear(callUuid: string): boolean {
    return [...this.#calls].filter((call) => call.callUuid === callUuid && call.clear()).length > 0;
  }

  /** Calls that are not answered yet. */
  get waiting(): number {
    return [...this.#calls].filter(({ state }) => state !== 'up').length;
  }

  #checkDrained(): void {
    if (this.#drained !== undefined && this.waiting === 0) this.#drained();
  }
}

interface Parts {
  readonly info: OutboundCall;
  readonly port: CallPort;
  readonly timeline: Timeline;
  readonly clock: Clock;
  readonly ticket: Ticket;
  readonly entry: JournalEntry;
  readonly talking: Talking;
}

/** One call from a device to the trunk: its answers go back as they come, the trunk's own refusals too. */
class Outbound implements CallHandle {
  state: State = 'calling';
  readonly #parts: Parts;
  readonly #timers: Timers;
  readonly #onChange: () => void;
  #branch: Branch | undefined;
  #hush: () => void = () => {};

  constructor(parts: Parts, onChange: () => void) {
    this.#parts = parts;
    this.#timers = new Timers(parts.clock);
    this.#onChange = onChange;
  }

  start(): void {
    const { trunk, number, uri, ring } = this.#parts.info;
    this.#timers.set('ring', ring, () => this.#onRingOver());
    this.#branch = this.#parts.port.startTrunkBranch(
      { trunk, number, ...(uri === undefined ? {} : { uri }) },
      {
        trying: (peer) => this.#parts.timeline.record('trunk-invited', { peer }),
        passedOver: (peer, { status, reason }) =>
          this.#parts.timeline.record('trunk-passed-over', { peer, status, reason }),
        provisional: (response) => this.#onProvisional(response),
        answered: (response) => this.#onAnswered(response),
        failed: (response) => this.#onFailed(response),
      },
    );
  }

  cancelled(reason?: string, answers: readonly WireNote[] = []): void {
    if (!this.#waits()) return;
    recordCancel(this.#parts.timeline, reason, answers);
    this.#branch?.cancel(reason ?? REASONS.cancelled);
    this.#finish('cancelled');
  }

  hungUp(by: string): void {
    if (this.state !== 'up') return;
    this.#parts.timeline.record('hung-up', { by });
    this.#finish('answered');
  }

  wire(...notes: readonly WireNote[]): void {
    recordWire(this.#parts.timeline, notes);
  }

  /** Ends it unless it is up. */
  abort(): void {
    if (!this.#waits()) return;
    this.#branch?.cancel(REASONS.shutdown);
    this.#reject({ status: 503, reason: 'Service Unavailable' }, 5, ENDING);
    this.#finish('shutdown');
  }

  /** As an operator wants it, before it is answered. False when there is nothing to end any more. */
  clear(): boolean {
    if (!this.#waits()) return false;
    this.#branch?.cancel(REASONS.cleared);
    this.#reject({ status: 480, reason: 'Temporarily Unavailable' }, undefined, CLEARED);
    this.#finish('cleared');
    return true;
  }

  get callUuid(): string {
    return this.#parts.info.callUuid;
  }

  #onProvisional(response: BranchResponse): void {
    if (!this.#waits()) return;
    this.state = 'ringing';
    this.#parts.timeline.record('trunk-provisional', { status: response.status });
    this.#parts.port.provisional(response.status, response.reason, response);
  }

  #onAnswered(response: BranchResponse): void {
    if (!this.#waits() || this.#branch === undefined) return;
    this.state = 'up';
    this.#timers.clearAll();
    this.#parts.timeline.record('trunk-answered', { status: response.status });
    const { ticket, entry, clock, port, talking, info } = this.#parts;
    ticket.up();
    this.#hush = talking.begin(info.callerDevice);
    entry.up({ device: '', branch: this.#branch.id, answeredAt: clock.now(), answer: response });
    this.#onChange();
    port.connect(this.#branch, response);
  }

  #onFailed(response: BranchResponse): void {
    if (!this.#waits()) return;
    this.#parts.timeline.record('trunk-failed', { status: response.status, reason: response.reason });
    const unreachable = response.local === true || response.status === 503;
    this.#reject(response, unreachable ? 5 : undefined);
    this.#finish(unreachable ? 'unreachable' : 'rejected');
  }

  #onRingOver(): void {
    if (!this.#waits()) return;
    this.#parts.timeline.record('ring-over');
    this.#branch?.cancel(REASONS.noAnswer);
    this.#reject({ status: 408, reason: 'Request Timeout' });
    this.#finish('no-answer');
  }

  #waits(): boolean {
    return this.state === 'calling' || this.state === 'ringing';
  }

  #reject(response: BranchResponse, retryAfter?: number, warning?: string): void {
    this.#parts.timeline.record('rejected-upstream', { status: response.status, reason: response.reason });
    this.#parts.port.reject(response.status, response.reason, {
      from: response,
      ...(retryAfter === undefined ? {} : { retryAfter }),
      ...(warning === undefined ? {} : { warning }),
    });
  }

  #finish(reason: EndReason): void {
    this.state = 'over';
    this.#timers.clearAll();
    this.#parts.ticket.end();
    this.#hush();
    this.#parts.timeline.record('end', { reason });
    this.#parts.entry.over(reason);
    this.#onChange();
  }
}
