import type { CallDetail, CallMessage } from './model.js';

/** A message and the event that tells of it are written within this many milliseconds of each other. */
const APART = 1000;

/** The SIP message of each event that is one, as far as messages are kept: same leg, same method or status, nearest in time. */
export function messagesByEvent({ summary, events, messages }: CallDetail): readonly (CallMessage | undefined)[] {
  const free = new Set(messages);
  const caller = summary.direction === 'to-phone' ? 'trunk' : 'phone';
  return events.map(({ at, fields, arrow: { from, to, label } }) => {
    const party = from === 'callwake' ? to : from;
    const start = /^(?:[A-Z]+|\d{3})\b/.exec(label)?.[0];
    const word = start !== undefined && /\d/.test(start) ? `${start} ${fields.method ?? 'INVITE'}` : start;
    if (party === undefined || party === 'apns' || word === undefined || to === undefined) return undefined;
    let best: CallMessage | undefined;
    for (const message of free) {
      if (wordOf(message.text) !== word) continue;
      if ((callIdOf(message.text) === summary.callId) !== (party === caller)) continue;
      const apart = Math.abs(message.at - at);
      if (apart <= APART && (best === undefined || apart < Math.abs(best.at - at))) best = message;
    }
    if (best !== undefined) free.delete(best);
    return best;
  });
}

/** The method of a request, or the status of a response and what it answers: `200 BYE`. */
function wordOf(text: string): string | undefined {
  const status = /^SIP\/2\.0 (\d{3})/.exec(text)?.[1];
  if (status === undefined) return /^[A-Z]+/.exec(text)?.[0];
  return `${status} ${/^cseq[ \t]*:[ \t]*\d+[ \t]+([A-Z]+)/im.exec(text)?.[1] ?? 'INVITE'}`;
}

function callIdOf(text: string): string | undefined {
  return /^(?:call-id|i)[ \t]*:[ \t]*(\S+)/im.exec(text)?.[1];
}
