import type { SipMessage } from './stack.js';

/**
 * The first push parameter of a message, anywhere in its headers or body: RFC 8599's (pn-purr, which may travel, left out) and
 * Linphone's older ones. Undefined when there is none.
 */
export function pushParameters(message: SipMessage): string | undefined {
  return /[;?&]\s*(pn-(?!purr)[a-z]+)/i.exec(message.toString())?.[1];
}

/** `INVITE`, or `180 to INVITE`. */
export function describe(message: SipMessage): string {
  return message.kind === 'request' ? message.method : `${message.status} to ${message.cseq.method}`;
}
