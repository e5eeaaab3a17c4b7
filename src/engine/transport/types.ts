import type { Buffer } from 'node:buffer';
import type { SipMessage, SipParseError, SipResponse } from '../message/index.js';

/** What carries SIP: RFC 3261 section 18, and RFC 7118 for WebSocket. */
export type Protocol = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss';

/** An IP address (IPv6 without brackets) and a port. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** One stream connection, whoever opened it. */
export interface Connection {
  readonly id: number;
  readonly protocol: Protocol;
  /** False from the moment it can't carry a message any more. */
  readonly alive: boolean;
  /** True when this side opened it. */
  readonly outbound: boolean;
  /** TLS only: the peer showed a certificate that was verified. */
  readonly verified: boolean;
  /** TLS only: the SIP domains (RFC 5922) of the peer's verified certificate. */
  readonly peerNames: readonly string[];
  /** TLS only: when the peer's verified certificate ends, epoch milliseconds. */
  readonly peerUntil?: number | undefined;
  close(): void;
}

/** Where a message came from: the two ends and, for streams, the connection. RFC 5626 section 3.1. */
export interface Flow {
  readonly protocol: Protocol;
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly connection?: Connection;
  /** It asked for new work and had to wait for too long: there is more than can be done. */
  readonly late?: boolean;
  /** Whether there is room for the new work that it asks for was asked already. */
  readonly admitted?: boolean;
  /** Where responses go when that is not `remote`: the request came over UDP and its Via has no rport. */
  readonly reply?: Endpoint;
}

/** Where a message shall go. */
export interface Target {
  readonly protocol: Protocol;
  /** An IP address (IPv6 without brackets) or a host name. */
  readonly host: string;
  readonly port: number;
  /** Go down this flow while it is alive, whatever host and port say. */
  readonly flow?: Flow;
  /** Send from this listener's address (UDP) instead of the first of the protocol. */
  readonly local?: Endpoint;
  /** TLS: the name that the peer's certificate must show, unless {@link PeerTrust} says another; `host` when missing. */
  readonly serverName?: string;
}

/** What the peers at some addresses have to show, in place of what others do. */
export interface PeerTrust {
  /** IP addresses, ranges, or (for connections to them) host names in lower case. */
  readonly addresses: readonly string[];
  /** SIP domains (RFC 5922) or IP addresses, one of which a certificate must show to a connection from here; empty: the name that it is for. */
  readonly names: readonly string[];
  /** Authorities that their certificates must come from. */
  readonly ca?: string | Buffer;
}

/** Key and certificates of a TLS listener or of outbound TLS connections, as PEM texts. */
export interface TlsSettings {
  readonly key?: string | Buffer;
  readonly cert?: string | Buffer;
  /** Authorities that peers' certificates must come from. Node's own list when missing. */
  readonly ca?: string | Buffer | readonly (string | Buffer)[];
  /** Lowest TLS version; TLSv1.2 when missing. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** Cipher suites of TLS 1.2 as OpenSSL lists them; those with forward secrecy and authenticated encryption when missing. */
  readonly ciphers?: string;
  /** Mutual TLS: ask clients for a certificate and refuse those without a good one. */
  readonly requireClientCertificate?: boolean;
  /** Ask clients for a certificate, but take those without one too (`Connection.verified` tells). */
  readonly requestClientCertificate?: boolean;
  /** Peers of which more is known; whoever connects from there is asked for a certificate. */
  readonly peers?: readonly PeerTrust[];
  /** Outbound only: take any certificate. For laboratories. */
  readonly insecure?: boolean;
  /** Certificates by server name (SNI), in place of `key` and `cert`; `*.example.com` for any name one level below. */
  readonly sni?: Readonly<Record<string, { readonly key: string | Buffer; readonly cert: string | Buffer }>>;
}

export interface ListenOptions {
  readonly protocol: Protocol;
  readonly address: string;
  /** 0 lets the system choose; see {@link Listener.local}. */
  readonly port: number;
  /** What Via and Contact show instead of the bound address: behind NAT or for a wildcard address. */
  readonly advertise?: { readonly host: string; readonly port?: number };
  /** Required for tls and wss. */
  readonly tls?: TlsSettings;
}

export interface Listener {
  readonly protocol: Protocol;
  readonly local: Endpoint;
  readonly advertise?: { readonly host: string; readonly port?: number };
  /** tls and wss: new connections use these keys from now on; open ones stay. Throws what Node throws for a bad key. */
  reload(tls: TlsSettings): void;
  close(): Promise<void>;
}

/** The sent-by that this side shows for a target: for Via and Contact. `host` has brackets if it is IPv6. */
export interface SentBy {
  readonly protocol: Protocol;
  readonly host: string;
  readonly port: number;
}

/**
 * Told once how the sending went: an error, or the flow that the message left over; before or after `send` returns. What becomes known
 * later (ICMP, a connection that closes) is told to `onUnreachable` and `onFlowClosed`.
 */
export type SendCallback = (error?: Error, flow?: Flow) => void;

/** What the transaction layer needs of a transport: {@link TransportLayer}, or a fake in tests. */
export interface MessageTransport {
  /** `fn` is asked about each message before it is parsed: undefined when that deals with it, else the flow that it goes on with. */
  onData(fn: (data: Buffer, flow: Flow) => Flow | undefined): void;
  onMessage(fn: (message: SipMessage, flow: Flow) => void): void;
  onParseError(fn: (error: SipParseError, flow: Flow) => void): void;
  onFlowClosed(fn: (flow: Flow) => void): void;
  onUnreachable(fn: (remote: Endpoint, error: Error) => void): void;
  send(message: SipMessage | Buffer, target: Target, callback: SendCallback): void;
  reply(response: SipResponse | Buffer, flow: Flow, callback?: SendCallback): void;
  localFor(target: Target): SentBy;
}
