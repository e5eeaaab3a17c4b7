import { ipVersion, type SipUri } from '../../grammar/uri.js';
import type { Resolver } from './resolver.js';
import { defaultPort, plainHost } from './stamp.js';
import type { Protocol, Target } from './types.js';

/** The protocol that a URI names or implies (RFC 3263 section 4.1): its transport parameter, TLS for sips, else UDP. */
export function protocolOf(uri: SipUri): Protocol {
  const named = uri.params.get('transport')?.toLowerCase();
  const secure = uri.scheme === 'sips';
  if (named === 'tcp' || named === 'tls') return secure || named === 'tls' ? 'tls' : 'tcp';
  if (named === 'ws' || named === 'wss') return secure || named === 'wss' ? 'wss' : 'ws';
  return secure ? 'tls' : 'udp';
}

/** The target of a URI whose host is an IP address, else undefined. An maddr parameter takes the host's place. */
export function addressTarget(uri: SipUri): Target | undefined {
  const host = plainHost(uri.params.get('maddr') ?? uri.host);
  if (ipVersion(host) === 0) return undefined;
  const protocol = protocolOf(uri);
  return { protocol, host, port: uri.port ?? defaultPort(protocol) };
}

/** One address of a host name. Rejects when it has none. */
export async function resolveAddress(resolver: Resolver, host: string): Promise<string> {
  const [address] = await resolver.addresses(host);
  if (address === undefined) throw new Error(`No address for ${host}`);
  return address;
}

/** RFC 3263 section 4: where a request to `uri` goes, best first. Rejects when nothing is found. */
export async function resolveUri(uri: SipUri, resolver: Resolver): Promise<Target[]> {
  const direct = addressTarget(uri);
  if (direct) return [direct];
  const protocol = protocolOf(uri);
  const host = uri.params.get('maddr') ?? uri.host;
  const addresses = await resolver.addresses(host);
  if (addresses.length === 0) throw new Error(`No address for ${host}`);
  const port = uri.port ?? defaultPort(protocol);
  return addresses.map((address) => ({ protocol, host: address, port, serverName: host }));
}
