import type { SipMessage } from '../message/index.js';

/**
 * A tag that an app gives when it authenticates to be told of what it sends no more than what it can't know: of a request the
 * start line, Call-ID and CSeq, of a response the status line, To and RSeq. Otherwise it gets the whole message back, as drachtio's
 * protocol has it, which is a third of all that goes over the connection.
 */
export const BRIEF_REPLIES = 'brief-replies';

/** The id of a command whose fate the app doesn't want to hear of, if it gave that tag. */
export const UNHEARD = '-';

/** Whether the app is told what became of its command. */
export function isHeard(id: string, tags: readonly string[]): boolean {
  return id !== UNHEARD || !tags.includes(BRIEF_REPLIES);
}

const OF_REQUESTS = ['Call-ID', 'CSeq'];
const OF_RESPONSES = ['To', 'RSeq'];

/** A message that was sent for an app, as it is told of it. */
export function sentText(message: SipMessage, tags: readonly string[]): Buffer {
  if (!tags.includes(BRIEF_REPLIES)) return message.toBuffer();
  const request = message.kind === 'request';
  let text = request
    ? `${message.method} ${message.uri} SIP/2.0\r\n`
    : `SIP/2.0 ${message.status} ${message.reason}\r\n`;
  for (const name of request ? OF_REQUESTS : OF_RESPONSES) {
    const value = message.get(name);
    if (value !== undefined) text += `${name}: ${value}\r\n`;
  }
  return Buffer.from(`${text}\r\n`);
}
