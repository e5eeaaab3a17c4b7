import type { SipRequest } from '../message/index.js';
import type { Refusal } from './refusal.js';

/** Schemes that an application may route: those of RFC 3261, telephone numbers, emergency and other services, RFC 3859 and RFC 3860. */
const KNOWN: ReadonlySet<string> = new Set(['sip', 'sips', 'tel', 'urn', 'im', 'pres']);

const REFUSAL: Refusal = { status: 416 };

/** RFC 3261 section 8.2.2.1: 416 for a Request-URI whose scheme nobody here understands. */
export function refuseScheme(request: SipRequest): Refusal | undefined {
  return KNOWN.has(request.parsedUri.scheme) ? undefined : REFUSAL;
}
