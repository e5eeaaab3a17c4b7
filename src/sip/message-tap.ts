import { parseUri } from '../grammar/uri.js';
import { listenerFor } from './listeners.js';

/** A SIP message that the engine received or sent, as it was on the wire. */
export interface TappedMessage {
  readonly direction: 'in' | 'out';
  /** `udp`, `tcp`, `tls`, `ws` or `wss`. */
  readonly protocol: string;
  /** Where it came from or went to; an IPv6 address is without brackets. For a request that was sent, where its Route or Request-URI leads. */
  readonly address: string;
  readonly port: number;
  readonly raw: string;
}

/**
 * The SIP message in what the engine tells over its control connection (drachtio's protocol): `sip` for one from the network, an `OK`
 * response for one that it was asked to send. Undefined for everything else.
 */
export function tappedMessage(frame: string): TappedMessage | undefined {
  const end = frame.indexOf('\r\n');
  if (end < 0) return undefined;
  const tokens = frame.slice(0, end).split('|');
  const [, kind] = tokens;
  const meta = kind === 'sip' ? tokens.slice(2) : kind === 'response' && tokens[3] === 'OK' ? tokens.slice(4) : [];
  const [source, , protocol, address, port] = meta;
  const raw = frame.slice(end + 2);
  if (protocol === undefined || address === undefined || !/^\d{1,5}$/.test(port ?? '') || raw === '') return undefined;
  const direction = source === 'network' ? 'in' : 'out';
  const peer = { address: unbracketed(address), port: Number(port) };
  const wire = { direction, protocol: protocol.toLowerCase(), raw } as const;
  // For a request that was sent the engine names its own side.
  return direction === 'in' || raw.startsWith('SIP/2.0 ') ? { ...wire, ...peer } : { ...wire, ...nextHop(raw) };
}

const NOWHERE: Endpoint = { address: '0.0.0.0', port: 0 };

/** Where a request goes: to its first Route, or else its Request-URI (RFC 3261 section 8.1.2). */
function nextHop(raw: string): Endpoint {
  const route = /^route[ \t]*:[^<\r\n]*<([^>\r\n]*)>/im.exec(raw)?.[1];
  try {
    const { scheme, host, port, params } = parseUri(route ?? raw.split(' ', 2)[1] ?? '');
    const secure = scheme === 'sips' || /^(tls|wss)$/i.test(params.get('transport') ?? '');
    return { address: unbracketed(host), port: port ?? (secure ? 5061 : 5060) };
  } catch {
    return NOWHERE;
  }
}

const unbracketed = (host: string): string => host.replace(/^\[|\]$/g, '');

/** Who sent it to whom, this side as the engine's listener of that transport (`udp/192.0.2.1:5060,tcp/...`). */
export function withEndpoints(
  { direction, protocol, address, port, raw }: TappedMessage,
  hostports: string,
): { readonly protocol: string; readonly from: Endpoint; readonly to: Endpoint; readonly text: string } {
  const own = listenerFor(hostports, protocol) ?? '0.0.0.0:0';
  const colon = own.lastIndexOf(':');
  const here = { address: unbracketed(own.slice(0, colon)), port: Number(own.slice(colon + 1)) };
  const there = { address, port };
  return { protocol, text: raw, ...(direction === 'in' ? { from: there, to: here } : { from: here, to: there }) };
}

interface Endpoint {
  readonly address: string;
  readonly port: number;
}
