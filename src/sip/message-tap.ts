import { parseUri } from '../grammar/uri.js';
import { listenerFor } from './listeners.js';

/** A SIP message that the engine received or sent, as it was on the wire. */
export interface TappedMessage {
  /** What the engine says of it, for {@link endpointsOf}. */
  readonly meta: string;
  readonly raw: string;
}

/** Who sent a message to whom. An IPv6 address is without brackets. */
export interface Endpoints {
  /** `udp`, `tcp`, `tls`, `ws` or `wss`. */
  readonly protocol: string;
  readonly from: Endpoint;
  readonly to: Endpoint;
}

interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/**
 * The SIP message in what the engine tells over its control connection (drachtio's protocol): `sip` for one from the network, an `OK`
 * response for one that it was asked to send. Undefined for everything else. Reads no more than it has to: it is asked for each frame.
 */
export function tappedMessage(frame: string): TappedMessage | undefined {
  const end = frame.indexOf('\r\n');
  if (end < 0 || end + 2 === frame.length) return undefined;
  const kind = frame.indexOf('|') + 1;
  if (!frame.startsWith('sip|', kind)) {
    if (!frame.startsWith('response|', kind)) return undefined;
    const id = frame.indexOf('|', kind) + 1;
    if (!frame.startsWith('OK|', frame.indexOf('|', id) + 1)) return undefined;
  }
  return { meta: frame.slice(0, end), raw: frame.slice(end + 2) };
}

/** Who sent it to whom, this side as the engine's listener of that transport (`udp/192.0.2.1:5060,tcp/...`). */
export function endpointsOf({ meta, raw }: TappedMessage, hostports: string): Endpoints {
  const tokens = meta.split('|');
  const [source, , given = 'udp', address = '', port = ''] = tokens.slice(tokens[1] === 'sip' ? 2 : 4);
  const protocol = given.toLowerCase();
  const own = listenerFor(hostports, protocol) ?? '0.0.0.0:0';
  const colon = own.lastIndexOf(':');
  const here = { address: unbracketed(own.slice(0, colon)), port: Number(own.slice(colon + 1)) };
  const peer = /^\d{1,5}$/.test(port) ? { address: unbracketed(address), port: Number(port) } : NOWHERE;
  if (source === 'network') return { protocol, from: peer, to: here };
  // For a request that was sent the engine names its own side.
  return { protocol, from: here, to: raw.startsWith('SIP/2.0 ') ? peer : nextHop(raw) };
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
