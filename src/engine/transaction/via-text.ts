import type { MessageTransport, Target } from '../transport/index.js';

/** The Via that this side puts on a request: RFC 3261 section 8.1.1.7, over UDP with rport (RFC 3581). */
export function viaText(transport: MessageTransport, target: Target, branch: string): string {
  const { protocol, host, port } = transport.localFor(target);
  const rport = protocol === 'udp' ? ';rport' : '';
  return `SIP/2.0/${protocol.toUpperCase()} ${host}:${port};branch=${branch}${rport}`;
}
