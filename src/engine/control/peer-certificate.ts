import type { SipRequest } from '../message/index.js';
import type { Flow } from '../transport/index.js';

/**
 * Tells an app whose TLS certificate a request came with; the control protocol has no field for that. The SIP domains of the certificate
 * (RFC 5922 section 7.1) as quoted strings, one `""` for a certificate without any, and with `until` when it ends, in seconds since 1970. Only when it was asked for and is good; what a peer writes into
 * this header itself is dropped.
 */
export const TLS_PEER = 'X-TLS-Peer';

const KEY = TLS_PEER.toLowerCase();

/** The request with {@link TLS_PEER} as it is true for the connection it came over: itself, or a copy. */
export function withPeerCertificate(request: SipRequest, flow: Flow): SipRequest {
  if (request.has(KEY)) request.remove(KEY);
  const { connection } = flow;
  if (!connection?.verified || connection.outbound) return request;
  const names = connection.peerNames.length > 0 ? connection.peerNames : [''];
  const until = connection.peerUntil === undefined ? '' : `;until=${Math.floor(connection.peerUntil / 1000)}`;
  return request.clone().add(TLS_PEER, `${names.map((name) => `"${name}"`).join(', ')}${until}`);
}
