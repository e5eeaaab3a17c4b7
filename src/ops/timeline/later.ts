import type { TimelineEvent, TimelineSink } from '../../calls/timeline.js';

/**
 * Tells of events, in order, once what they are about is on its way: a push and an INVITE leave before anybody counts, keeps or logs
 * them. Events know their own time.
 */
export class Later {
  readonly #sink: TimelineSink;
  readonly #onFault: (error: unknown, callUuid: string) => void;
  #waiting: (TimelineEvent | (() => void))[] = [];

  /** @param onFault told of what the sink, or what waits for its turn, throws. */
  constructor(sink: TimelineSink, onFault: (error: unknown, callUuid: string) => void) {
    this.#sink = sink;
    this.#onFault = onFault;
  }

  /** Takes an event. */
  readonly sink: TimelineSink = (event) => this.#add(event);

  /** Does something once what was sent before has left for the engine, and what was recorded before has been told. */
  readonly after = (fn: () => void): void => this.#add(fn);

  /** Does and tells now what waits. */
  flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const item of waiting) {
      try {
        if (typeof item === 'function') item();
        else this.#sink(item);
      } catch (error) {
        this.#onFault(error, typeof item === 'function' ? '' : item.callUuid);
      }
    }
  }

  #add(item: TimelineEvent | (() => void)): void {
    // What waits for the disk is prepared at the end of this turn of the event loop, so this is for the one after.
    if (this.#waiting.push(item) === 1) setImmediate(() => setImmediate(() => this.flush()));
  }
}
