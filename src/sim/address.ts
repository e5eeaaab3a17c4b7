/** Where a SIP peer listens. */
export interface SipAddress {
  readonly host: string;
  readonly port: number;
  readonly transport: 'udp' | 'tcp' | 'tls';
}

/**
 * Reads `udp:192.0.2.1:5060`, `tcp:[2001:db8::1]:5060`, `tls:192.0.2.1` (5061), `192.0.2.1:5060` (UDP) or `192.0.2.1` (UDP, 5060).
 * Throws an Error that says what is expected.
 */
export function parseSipAddress(text: string): SipAddress {
  const match = /^(?:(udp|tcp|tls)[:/])?(\[[0-9a-f:.]+\]|[^:[\]/]+)(?::(\d{1,5}))?$/i.exec(text.trim());
  const named = match?.[1]?.toLowerCase();
  const transport = named === 'tcp' || named === 'tls' ? named : 'udp';
  const port = Number(match?.[3] ?? (transport === 'tls' ? 5061 : 5060));
  if (!match?.[2] || port > 65535) throw new Error(`"${text}" is no SIP address such as udp:192.0.2.1:5060`);
  return {
    host: match[2].replace(/^\[|\]$/g, ''),
    port,
    transport,
  };
}

/** An IP address as it stands in a URI: IPv6 with brackets. */
export function uriHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
