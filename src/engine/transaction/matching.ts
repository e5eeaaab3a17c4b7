import { formatVia, type Glance, type SipRequest, type SipResponse } from '../message/index.js';

const COOKIE = 'z9hG4bK';

/**
 * The text by which a request finds its server transaction: branch, sent-by and method (RFC 3261 section 17.2.3). `method` is the
 * transaction's: INVITE for an ACK, or for the INVITE that a CANCEL means. A Via without a branch of RFC 3261 (or with the bare cookie)
 * falls back to what RFC 2543 compares; the To tag isn't part of that, see {@link acknowledges}.
 */
export function serverKey(request: SipRequest, method: string): string {
  const { via } = request;
  const branch = via.branch;
  if (branch !== undefined && branch.length > COOKIE.length && branch.startsWith(COOKIE)) {
    return branchKey(branch, via.host, via.port, method);
  }
  const { number } = request.cseq;
  return `2543 ${request.uri} ${request.fromTag ?? ''} ${request.callId} ${number} ${method} ${formatVia(via)}`;
}

/** The same by a glance: no other than requests of RFC 3261 are seen by it. */
export function glanceKey({ via, method }: Glance): string {
  return branchKey(via.branch, via.host, via.port, method);
}

function branchKey(branch: string, host: string, port: number | undefined, method: string): string {
  return `${branch} ${host}:${port ?? ''} ${method}`;
}

/** Whether a request's Via follows RFC 3261. */
export function hasMagicCookie(request: SipRequest): boolean {
  const { branch } = request.via;
  return branch !== undefined && branch.length > COOKIE.length && branch.startsWith(COOKIE);
}

/** RFC 2543 matching: the ACK's To tag is the one that the response gave. */
export function acknowledges(ack: SipRequest, localTag: string): boolean {
  return hasMagicCookie(ack) || ack.toTag === undefined || ack.toTag === localTag;
}

/** The text by which a response finds its client transaction: RFC 3261 section 17.1.3. */
export function clientKey(response: SipResponse): string {
  return `${response.via.branch ?? ''} ${response.cseq.method}`;
}

/**
 * What two requests share when one of them is a merged copy (RFC 3261 section 8.2.2.2); undefined within a dialog. User and host of the Request-URI are
 * part of it: a fork toward two users of this engine is no copy, nor is what comes back with another target.
 */
export function mergeKey(request: SipRequest): string | undefined {
  if (request.toTag !== undefined) return undefined;
  const { number, method } = request.cseq;
  const { user, host } = request.parsedUri;
  return `${request.callId} ${number} ${method} ${request.fromTag ?? ''} ${user ?? ''}@${host}`;
}
