import type { TimelineEvent, TimelineSink } from '../../calls/timeline.js';

/**
 * Tells of events, in order, once what they are about is on its way: a push and an INVITE leave before anybody counts, keeps or logs
 * them. Events know their own time. `onFault` is told of what the sink throws.
 */
export function later(sink: TimelineSink, onFault: (error: unknown, callUuid: string) => void): TimelineSink {
  let waiting: TimelineEvent[] = [];
  const tell = (): void => {
    const events = waiting;
    waiting = [];
    for (const event of events) {
      try {
        sink(event);
      } catch (error) {
        onFault(error, event.callUuid);
      }
    }
  };
  return (event) => {
    // Messages to the engine leave with the next turn of the event loop, so this is for the one after.
    if (waiting.push(event) === 1) setImmediate(() => setImmediate(tell));
  };
}
