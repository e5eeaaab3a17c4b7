import type { LogLine } from '../callwake-process.js';

/** A call as its caller saw it. */
export interface MadeCall {
  readonly kind: string;
  readonly callId: string;
  /** Epoch milliseconds. */
  readonly from: number;
  readonly to: number;
  /** `answered`, the final status that refused it, `dropped` when the caller's own connection ended, or `none`. */
  readonly outcome: string;
  /** Outcomes that it should have had without faults. */
  readonly expected: readonly string[];
  /** A fault that was meant for this call. */
  readonly fault?: string;
}

/** Trouble that was made between two moments, for all who were about. */
export interface FaultWindow {
  readonly fault: string;
  /** The app ended at `from` without a word of what it had just done. */
  readonly silent?: boolean;
  readonly from: number;
  readonly to: number;
}

/** Both sides of the books: what callers saw, and what callwake says of it. */
export interface Sums {
  readonly invites: number;
  /** How many calls ended how, as callers saw it. Their sum is `invites` when each INVITE got its final response. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** The same as callwake's timeline tells: reasons of calls, and statuses of INVITEs that became none. */
  readonly told: Readonly<Record<string, number>>;
  /** Calls that ended otherwise than planned, by the fault that explains it. */
  readonly explained: Readonly<Record<string, number>>;
  /** What nothing explains, in words. */
  readonly unexplained: readonly string[];
}

/** What a timeline may say of a call that its caller saw end so. */
const REASONS: Readonly<Record<string, readonly string[]>> = {
  answered: ['answered'],
  // Of a CANCEL and a refusal that cross each side may see its own.
  487: ['cancelled', 'rejected', 'unreachable', 'push-failed', 'not-woken'],
  486: ['rejected'],
  603: ['rejected'],
  480: ['not-woken', 'push-failed', 'unreachable', 'no-answer', 'rejected', 'cleared'],
  503: ['overload', 'shutdown', 'failed'],
};
const MOST_TOLD = 50;
/** How near to its app's death a call that this app ended must have ended for its caller, milliseconds. */
const LAST_MOMENT = 1_000;
const UNTOLD = 'ended as its app was killed';

interface ToldCall {
  begun: number;
  readonly ends: string[];
}

/** Keeps the books of a run. */
export class Ledger {
  readonly #made: MadeCall[] = [];
  readonly #told = new Map<string, ToldCall>();
  readonly #callIds = new Map<string, string>();
  readonly #windows: FaultWindow[] = [];
  readonly #refused = new Map<string, number>();
  readonly #oddities: { readonly text: string; readonly from: number; readonly to: number }[] = [];

  /** What callwake writes to its log. */
  read(line: LogLine): void {
    const { event, callUuid, callId, reason } = line;
    if (event === 'call refused') this.#refuse(line);
    if (typeof callUuid !== 'string') return;
    if ((event === 'invite-received' || event === 'outbound-received') && typeof callId === 'string') {
      this.#callIds.set(callUuid, callId);
      this.#tellOf(callId).begun++;
    }
    const known = this.#callIds.get(callUuid);
    if (event === 'end' && known !== undefined) this.#tellOf(known).ends.push(String(reason));
  }

  made(call: MadeCall): void {
    this.#made.push(call);
  }

  trouble(window: FaultWindow): void {
    this.#windows.push(window);
  }

  /** Something other than a call that did not go as planned, and when. */
  odd(text: string, from: number, to: number): void {
    this.#oddities.push({ text, from, to });
  }

  /** How many calls were made and are over. */
  get calls(): number {
    return this.#made.length;
  }

  /** Calls whose end the timeline has not told yet, and will. */
  get open(): number {
    const lost = new Set(this.#made.filter((call) => this.#diedWithApp(call)).map(({ callId }) => callId));
    return [...this.#told].filter(([callId, { ends }]) => ends.length === 0 && !lost.has(callId)).length;
  }

  sums(): Sums {
    const outcomes: Record<string, number> = {};
    const told: Record<string, number> = {};
    const explained: Record<string, number> = {};
    const unexplained: string[] = [];
    const count = (of: Record<string, number>, key: string): void => {
      of[key] = (of[key] ?? 0) + 1;
    };
    const judge = (text: string, fault: string | undefined): void => {
      if (fault !== undefined) count(explained, fault);
      else if (unexplained.length < MOST_TOLD) unexplained.push(text);
    };
    let quietlyRefused = 0;
    for (const call of this.#made) {
      const { kind, callId, outcome, expected } = call;
      count(outcomes, outcome);
      const seen = this.#told.get(callId);
      for (const reason of seen?.ends.slice(0, 1) ?? []) count(told, reason);
      if (this.#diedWithApp(call)) count(told, UNTOLD);
      if (outcome === 'none')
        unexplained.push(`${kind} ${callId} at ${new Date(call.from).toISOString()}: no final response`);
      const name = `${kind} ${callId} at ${new Date(call.from).toISOString()}`;
      const fault = call.fault ?? this.#faultDuring(call.from, call.to);
      if (!expected.includes(outcome)) judge(`${name}: ${outcome} instead of ${expected.join(' or ')}`, fault);
      if (seen === undefined) quietlyRefused++;
      else if (!agrees(outcome, seen)) {
        judge(`${name}: ${outcome}, but its timeline began ${seen.begun} time(s), ends ${seen.ends.join()}`, fault);
      }
    }
    const refused = [...this.#refused].map(([status, times]) => [`refused ${status}`, times] as const);
    const refusals = refused.reduce((sum, [, times]) => sum + times, 0);
    for (const [status, times] of refused) told[status] = times;
    // An INVITE that came while no app was there is refused by the engine, which has no timeline.
    if (quietlyRefused > refusals) told['never came, or refused by the engine'] = quietlyRefused - refusals;
    for (const { text, from, to } of this.#oddities) judge(text, this.#faultDuring(from, to));
    return { invites: this.#made.length, outcomes, told, explained, unexplained };
  }

  #tellOf(callId: string): ToldCall {
    const call = this.#told.get(callId) ?? { begun: 0, ends: [] };
    this.#told.set(callId, call);
    return call;
  }

  /** The app answered the caller's last message, and was killed before it wrote of the call's end. */
  #diedWithApp({ callId, to, outcome }: MadeCall): boolean {
    const seen = this.#told.get(callId);
    if (outcome === 'none' || seen === undefined || seen.ends.length > 0) return false;
    return this.#windows.some(({ silent, from }) => silent === true && Math.abs(from - to) <= LAST_MOMENT);
  }

  #refuse({ status, untold }: LogLine): void {
    const key = String(status);
    const more = typeof untold === 'number' ? untold : 0;
    this.#refused.set(key, (this.#refused.get(key) ?? 0) + 1 + more);
  }

  #faultDuring(from: number, to: number): string | undefined {
    const about = this.#windows.filter((window) => window.from <= to && window.to >= from).map(({ fault }) => fault);
    return about.find((fault) => !fault.startsWith('Apple')) ?? about[0];
  }
}

function agrees(outcome: string, { begun, ends }: ToldCall): boolean {
  const [reason = ''] = ends;
  return begun === 1 && ends.length === 1 && (REASONS[outcome] ?? []).includes(reason);
}
