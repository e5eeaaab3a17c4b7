import dns from 'node:dns';
import { isIP, type Socket } from 'node:net';
import tls from 'node:tls';
import { type ServerCertificate, serverCertificateOf } from '../../grammar/server-certificate.js';
import { type ProxyOptions, Tunnel } from './proxy.js';

/** Where one of Apple's services is: api.push.apple.com or api.sandbox.push.apple.com, port 443 or 2197. */
export interface ApnsEndpoint {
  readonly host: string;
  readonly port: number;
}

export interface ConnectOptions {
  readonly endpoint: ApnsEndpoint;
  /** PEM certificates to trust instead of the system's. */
  readonly ca?: string;
  readonly proxy?: ProxyOptions;
  /** Which of the host's addresses to try first: connections of different turn go to different machines. */
  readonly turn: number;
  /** Finds all addresses of a name; the system's resolver when missing. */
  readonly resolve?: Resolve;
  /** Told of the certificate that Apple has shown. */
  readonly onCertificate?: (certificate: ServerCertificate) => void;
}

/** As `dns.lookup` with `all`. */
export type Resolve = (
  host: string,
  options: dns.LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: dns.LookupAddress[]) => void,
) => void;

/** A connection attempt: its socket once TLS is up, and a way to give it up. */
export interface Dial {
  readonly socket: Promise<tls.TLSSocket>;
  abort(): void;
}

/**
 * Opens TLS to Apple with ALPN `h2`, through the proxy if there is one. Without a proxy the name is looked up afresh each time, as Apple
 * asks. The promise rejects with what went wrong, in words.
 */
export function dial(options: ConnectOptions): Dial {
  const { endpoint, proxy } = options;
  if (!proxy) {
    const socket = connectTls(options);
    return { socket: secured(socket, options), abort: () => socket.destroy() };
  }
  const tunnel = new Tunnel(
    proxy,
    `${endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host}:${endpoint.port}`,
  );
  return {
    socket: tunnel.open().then((socket) => secured(connectTls(options, socket), options)),
    abort: () => tunnel.abort(),
  };
}

function connectTls({ ca, endpoint, resolve, turn }: ConnectOptions, tunnel?: Socket): tls.TLSSocket {
  return tls.connect({
    host: endpoint.host,
    ...(tunnel ? { socket: tunnel } : { port: endpoint.port, lookup: rotated(turn, resolve) }),
    servername: isIP(endpoint.host) ? '' : endpoint.host,
    ALPNProtocols: ['h2'],
    minVersion: 'TLSv1.2',
    ...(ca === undefined ? {} : { ca }),
  });
}

function secured(socket: tls.TLSSocket, { endpoint, onCertificate }: ConnectOptions): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const onClose = () => reject(new Error('closed during the TLS handshake'));
    // Stays: between the handshake and HTTP/2 nobody else listens.
    socket.on('error', reject);
    socket.once('close', onClose);
    socket.once('secureConnect', () => {
      socket.off('close', onClose);
      // What is written is whole frames of a turn already.
      socket.setNoDelay(true);
      const certificate = serverCertificateOf(socket, `APNs ${endpoint.host}:${endpoint.port}`);
      if (certificate !== undefined) onCertificate?.(certificate);
      if (socket.alpnProtocol === 'h2') {
        resolve(socket);
        return;
      }
      socket.destroy();
      reject(new Error('the other side speaks no HTTP/2 (ALPN)'));
    });
  });
}

type Lookup = NonNullable<tls.ConnectionOptions['lookup']>;

function rotated(turn: number, resolve: Resolve = dns.lookup): Lookup {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      const first = addresses?.[turn % Math.max(addresses.length, 1)];
      if (error || !first) {
        callback(error ?? new Error(`${hostname} has no address`), []);
        return;
      }
      const at = addresses.indexOf(first);
      const order = [...addresses.slice(at), ...addresses.slice(0, at)];
      if (options.all) callback(null, order);
      else callback(null, first.address, first.family);
    });
  };
}
