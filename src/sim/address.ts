/** Where a SIP peer listens. */
export interface SipAddress {
  readonly host: string;
  readonly port: number;
  readonly transport: 'udp' | 'tcp' | 'tls';
}

/** Where a phone sends everything. To a WebSocket server it can connect, and nobody can connect to it. */
export interface ServerAddress extends Omit<SipAddress, 'transport'> {
  readonly transport: SipAddress['transport'] | 'ws' | 'wss';
}

/**
 * Reads `udp:192.0.2.1:5060`, `tcp:[2001:db8::1]:5060`, `tls:192.0.2.1` (5061), `192.0.2.1:5060` (UDP) or `192.0.2.1` (UDP, 5060).
 * Throws an Error that says what is expected.
 */
export function parseSipAddress(text: string): SipAddress {
  const { transport, ...address } = parseServerAddress(text);
  if (transport === 'ws' || transport === 'wss') throw notAnAddress(text);
  return { ...address, transport };
}

const DEFAULT_PORT = { udp: 5060, tcp: 5060, tls: 5061, ws: 80, wss: 443 } as const;

/** As {@link parseSipAddress}, `ws:192.0.2.1` (80) and `wss:192.0.2.1` (443) too. */
export function parseServerAddress(text: string): ServerAddress {
  const match = /^(?:(udp|tcp|tls|wss?)[:/])?(\[[0-9a-f:.]+\]|[^:[\]/]+)(?::(\d{1,5}))?$/i.exec(text.trim());
  const named = match?.[1]?.toLowerCase() ?? 'udp';
  const transport = named in DEFAULT_PORT ? (named as keyof typeof DEFAULT_PORT) : 'udp';
  const port = Number(match?.[3] ?? DEFAULT_PORT[transport]);
  if (!match?.[2] || port > 65535) throw notAnAddress(text);
  return { host: match[2].replace(/^\[|\]$/g, ''), port, transport };
}

function notAnAddress(text: string): Error {
  return new Error(`"${text}" is no SIP address such as udp:192.0.2.1:5060`);
}

/** An IP address as it stands in a URI: IPv6 with brackets. */
export function uriHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
