import { ipVersion } from '../../grammar/uri.js';
import type { SipRequest } from '../message/index.js';
import type { Endpoint, Protocol } from './types.js';

/** An IPv6 address in brackets, anything else as it is: the host of a URI or Via. */
export function uriHost(address: string): string {
  return address.includes(':') && !address.startsWith('[') ? `[${address}]` : address;
}

/** A URI's or Via's host without the brackets of IPv6. */
export function plainHost(host: string): string {
  return host.startsWith('[') ? host.slice(1, -1) : host;
}

/** 5061 with TLS, 80 and 443 with WebSocket (RFC 7118), else 5060. */
export function defaultPort(protocol: Protocol): number {
  if (protocol === 'tls') return 5061;
  if (protocol === 'ws') return 80;
  return protocol === 'wss' ? 443 : 5060;
}

/** Writes `received` and `rport` into the topmost Via: RFC 3261 section 18.2.1, RFC 3581 section 4. */
export function stampVia(request: SipRequest, source: Endpoint): void {
  const { via } = request;
  const rport = via.params.has('rport');
  const received = rport || via.host !== uriHost(source.address);
  if (!received && !via.params.has('received')) return;
  if (rport) via.params.set('rport', String(source.port));
  if (received) via.params.set('received', source.address);
  else via.params.delete('received');
  request.rewriteVia();
}

/** Whether a host text is an address that can be sent to without a lookup. */
export function isAddress(host: string): boolean {
  return ipVersion(host) !== 0;
}
