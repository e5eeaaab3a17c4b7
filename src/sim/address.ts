/** Where a SIP peer listens. */
export interface SipAddress {
  readonly host: string;
  readonly port: number;
  readonly transport: 'udp' | 'tcp';
}

/**
 * Reads `udp:192.0.2.1:5060`, `tcp:[2001:db8::1]:5060`, `192.0.2.1:5060` (UDP) or `192.0.2.1` (UDP, 5060).
 * Throws an Error that says what is expected.
 */
export function parseSipAddress(text: string): SipAddress {
  const match = /^(?:(udp|tcp)[:/])?(\[[0-9a-f:.]+\]|[^:[\]/]+)(?::(\d{1,5}))?$/i.exec(text.trim());
  const port = Number(match?.[3] ?? 5060);
  if (!match?.[2] || port > 65535) throw new Error(`"${text}" is no SIP address such as udp:192.0.2.1:5060`);
  return {
    host: match[2].replace(/^\[|\]$/g, ''),
    port,
    transport: match[1]?.toLowerCase() === 'tcp' ? 'tcp' : 'udp',
  };
}

/** An IP address as it stands in a URI: IPv6 with brackets. */
export function uriHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
