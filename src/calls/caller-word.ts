import type { CallJournal } from './context.js';
import { type CodeMap, PHRASES } from './final.js';
import { type CallPolicy, type EndReason, FIRST_WORD, REPEAT_WORD, RINGBACK } from './policy.js';
import type { BranchResponse, CallPort, RejectOptions } from './port.js';
import type { Timeline } from './timeline.js';
import type { Timers } from './timers.js';

/** What the caller hears: what phones say, ringback if none says anything, a word every minute, and the final response that is no 2xx. */
export class CallerWord {
  readonly #port: CallPort;
  readonly #timers: Timers;
  readonly #timeline: Timeline;

  constructor(port: CallPort, timers: Timers, timeline: Timeline) {
    this.#port = port;
    this.#timers = timers;
    this.#timeline = timeline;
  }

  /** Starts the clocks; `elapsed` milliseconds of the call have gone by already. */
  start({ ringback, ringbackAfter }: CallPolicy, elapsed: number): void {
    this.#timers.set('word', FIRST_WORD, () => this.tell(182, RINGBACK[182]));
    if (ringback === 'none') return;
    this.#timers.set('ringback', ringbackAfter - elapsed, () => {
      this.#timeline.record('ringback', { status: ringback });
      this.tell(ringback, RINGBACK[ringback]);
    });
  }

  /** Passes a provisional response on, or makes one. */
  tell(status: number, reason: string, from?: BranchResponse): void {
    this.#timers.clear('ringback');
    this.#timers.set('word', REPEAT_WORD, () => this.tell(status, reason));
    this.#port.provisional(status, reason, from);
  }

  /** The final response, or what the trunk is to get in its place (`codes`); first it is written down. */
  reject(
    codes: CodeMap | undefined,
    { end, status, reason }: { readonly end: EndReason; readonly status: number; readonly reason: string },
    options: RejectOptions,
    journal: CallJournal,
  ): void {
    const sent = codes?.[String(status)] ?? status;
    const phrase = sent === options.from?.status && reason !== '' ? reason : (PHRASES[sent] ?? reason);
    this.#timeline.record('rejected-upstream', { status: sent, reason: phrase });
    const { from: _from, ...own } = options;
    journal.rejected({ status: sent, reason: phrase, options: own }, end);
    this.#port.reject(sent, phrase, options, () => journal.told());
  }
}
