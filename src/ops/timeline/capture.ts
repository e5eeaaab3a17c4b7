import { arrowsOf } from './arrows.js';
import type { CallMessage } from './call-messages.js';
import { pcapng } from './pcapng.js';
import type { RecordedCall } from './recorder.js';

/** A call as a capture file: its SIP messages, and as notes what else happened (pushes, REGISTERs, timers, states). */
export function captureOf({ summary, events }: RecordedCall, messages: readonly CallMessage[]): Buffer {
  const arrows = arrowsOf({ summary, events });
  const notes = events.map((event, index) => {
    const { from, to, label, device } = arrows[index] ?? { from: 'callwake', label: event.type };
    const way = to === undefined ? from : `${from} -> ${to}`;
    const details = Object.entries(event.fields).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}=${value}`],
    );
    return {
      at: event.at,
      text: [
        `${event.ms.toFixed(1)} ms`,
        `${way}: ${label}`,
        ...(device === undefined ? [] : [device]),
        ...details,
      ].join(', '),
    };
  });
  return pcapng(messages, notes);
}
