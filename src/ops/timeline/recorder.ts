import { LRUCache } from 'lru-cache';
import type { TimelineEvent } from '../../calls/timeline.js';
import { type CallSummary, summaryOf } from './summary.js';

/** A call with all that happened to it, as far as it is kept. */
export interface RecordedCall {
  readonly summary: CallSummary;
  readonly events: readonly TimelineEvent[];
  /** Events that came when the call had too many to keep. */
  readonly dropped: number;
}

export interface RecorderOptions {
  /** How many calls that are over are kept. */
  readonly calls: number;
  /** And how many bytes of them, about; default 200 MB. The oldest go first. */
  readonly bytes?: number;
  /** Told of each event with the call before (undefined: this is its first) and after it. */
  readonly onEvent?: (event: TimelineEvent, before: CallSummary | undefined, call: CallSummary) => void;
  /** Told instead of a call that had a SIP message which changes nothing about it. */
  readonly onSip?: (callUuid: string) => void;
}

/** Which calls {@link TimelineRecorder.find} gives. All that is said must hold. */
export interface CallFilter {
  readonly state?: CallSummary['state'];
  readonly reason?: string;
  readonly trunk?: string;
  /** In called or calling number, Call-ID, Session-ID or call UUID; case doesn't matter. */
  readonly text?: string;
  /** Epoch milliseconds. */
  readonly since?: number;
  readonly until?: number;
}

const MAX_EVENTS = 300;
/** Messages inside a long call's dialogs leave room for how it ends. */
const MAX_SIP = 200;
const SIP = new Set(['sip-received', 'sip-sent']);
const ENTRY_SIZE = 1000;
const EVENT_SIZE = 250;

interface Entry {
  summary: CallSummary;
  readonly events: TimelineEvent[];
  dropped: number;
  /** About what it takes in memory. */
  size: number;
}

/** Keeps the events of all calls under way and of the last ones that are over, in memory. */
export class TimelineRecorder {
  readonly #live = new Map<string, Entry>();
  readonly #over: LRUCache<string, Entry>;
  readonly #onEvent: RecorderOptions['onEvent'];
  readonly #onSip: RecorderOptions['onSip'];

  constructor({ calls, bytes = 200_000_000, onEvent, onSip }: RecorderOptions) {
    this.#over = new LRUCache({ max: Math.max(1, calls), maxSize: bytes, sizeCalculation: ({ size }) => size });
    this.#onEvent = onEvent;
    this.#onSip = onSip;
  }

  /** Takes an event; made to be a call's sink. */
  record(event: TimelineEvent): void {
    const { callUuid } = event;
    const known = this.#live.get(callUuid) ?? this.#over.peek(callUuid);
    if (SIP.has(event.type)) {
      // There are as many of these as of all others, and they say nothing new of the call.
      if (known !== undefined) add(known, event, MAX_SIP);
      this.#onSip?.(callUuid);
      return;
    }
    const before = known?.summary;
    const entry = known ?? begin(event);
    add(entry, event, MAX_EVENTS);
    entry.summary = summaryOf(entry.summary, event);
    if (entry.summary.state === 'over') {
      this.#live.delete(callUuid);
      this.#over.set(callUuid, entry);
    } else {
      this.#live.set(callUuid, entry);
    }
    this.#onEvent?.(event, before, entry.summary);
  }

  /** Calls under way. */
  get live(): number {
    return this.#live.size;
  }

  /** The calls under way, the oldest first. */
  get underWay(): readonly CallSummary[] {
    return [...this.#live.values()].map(({ summary }) => summary);
  }

  /** A call by its UUID, or the latest one with that Call-ID or Session-ID. */
  get(id: string): RecordedCall | undefined {
    const wanted = id.toLowerCase();
    const entry = this.#live.get(id) ?? this.#over.peek(id) ?? this.#newest((call) => idsOf(call).includes(wanted));
    return entry && { summary: entry.summary, events: entry.events, dropped: entry.dropped };
  }

  /** The newest calls first, at most `limit`, after leaving out the first `offset`; `total` is how many there are in all. */
  find(
    filter: CallFilter,
    limit: number,
    offset = 0,
  ): { readonly calls: readonly CallSummary[]; readonly total: number } {
    const found = [...this.#live.values(), ...this.#over.values()]
      .map(({ summary }) => summary)
      .filter((call) => matchesCall(call, filter))
      .sort((a, b) => b.startedAt - a.startedAt);
    return { calls: found.slice(offset, offset + limit), total: found.length };
  }

  /** Forgets calls that are over. Gives them. */
  forget(wanted: (call: CallSummary) => boolean): readonly CallSummary[] {
    const gone = [...this.#over.values()].map(({ summary }) => summary).filter(wanted);
    for (const { callUuid } of gone) this.#over.delete(callUuid);
    return gone;
  }

  #newest(wanted: (call: CallSummary) => boolean): Entry | undefined {
    let best: Entry | undefined;
    for (const entry of [...this.#live.values(), ...this.#over.values()]) {
      if (wanted(entry.summary) && (best === undefined || entry.summary.startedAt > best.summary.startedAt))
        best = entry;
    }
    return best;
  }
}

function add(entry: Entry, event: TimelineEvent, most: number): void {
  if (entry.events.length >= most) {
    entry.dropped += 1;
    return;
  }
  entry.events.push(event);
  entry.size += sizeOf(event);
}

/** About what an event takes in memory. */
function sizeOf({ fields }: TimelineEvent): number {
  let size = EVENT_SIZE;
  for (const name in fields) {
    const value = fields[name];
    if (typeof value === 'string') size += value.length;
  }
  return size;
}

function begin({ callUuid, sessionId, at, ms }: TimelineEvent): Entry {
  return {
    summary: {
      callUuid,
      ...(sessionId === undefined ? {} : { sessionId }),
      startedAt: Math.round(at - ms),
      state: 'held',
      direction: 'to-phone',
      pushes: 0,
      devices: 0,
    },
    events: [],
    dropped: 0,
    size: ENTRY_SIZE,
  };
}

/** What a call may be asked for by, in lower case. */
export function idsOf({ callUuid, sessionId = '', callId = '' }: CallSummary): string[] {
  return [callUuid, callId, sessionId, sessionId.split(';', 1)[0] ?? ''].map((id) => id.toLowerCase());
}

/** Whether all holds that a filter says. */
export function matchesCall(call: CallSummary, filter: CallFilter): boolean {
  const { state, reason, trunk, since, until } = filter;
  if (state !== undefined && call.state !== state) return false;
  if (reason !== undefined && call.reason !== reason) return false;
  if (trunk !== undefined && call.trunk !== trunk) return false;
  if (since !== undefined && call.startedAt < since) return false;
  if (until !== undefined && call.startedAt > until) return false;
  const text = filter.text?.toLowerCase();
  if (text === undefined || text === '') return true;
  return [call.caller ?? '', call.called ?? '', ...idsOf(call)].some((value) => value.toLowerCase().includes(text));
}
