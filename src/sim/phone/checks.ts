import { parseUri } from '../../grammar/uri.js';
import { describe, pushParameters } from '../ua/faults.js';
import type { SipMessage, SipRequest } from '../ua/stack.js';

/** What is wrong with a message that reached a phone, whatever it is for. Responses to REGISTER may show push parameters. */
export function messageFaults(message: SipMessage): string[] {
  if (message.cseq.method === 'REGISTER') return [];
  const faults: string[] = [];
  const leaked = pushParameters(message);
  if (leaked) faults.push(`push parameter ${leaked} in ${describe(message)}`);
  if (message.kind === 'request' && message.has('Route')) {
    faults.push(`Route that isn't in our Path: ${message.get('Route')} in ${describe(message)}`);
  }
  return faults;
}

/** Says so when the Request-URI isn't the Contact that was registered (RFC 3261 section 16.6 step 2). */
export function targetFault(request: SipRequest, contact: string): string | undefined {
  const ours = parseUri(contact);
  const theirs = parseUri(request.uri);
  if (theirs.user === ours.user && theirs.host === ours.host && theirs.port === ours.port) return undefined;
  return `Request-URI ${request.uri} isn't our Contact ${contact}`;
}
