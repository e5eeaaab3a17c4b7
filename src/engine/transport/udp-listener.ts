import { Buffer } from 'node:buffer';
import { createSocket, type Socket } from 'node:dgram';
import { ipVersion } from '../../grammar/uri.js';
import type { Endpoint, Flow, Listener, ListenOptions } from './types.js';

const PONG = Buffer.from('\r\n');

type Lookup = (
  host: string,
  options: unknown,
  callback: (error: Error | null, address: string, family: number) => void,
) => void;

/** Addresses only ever: Node's own lookup would cost a turn of the event loop for each datagram. */
const noLookup: Lookup = (host, _options, callback) => callback(null, host, ipVersion(host));

export interface UdpListenerParts {
  readonly receive: (data: Buffer, flow: Flow) => void;
  /** The listener is closed. */
  readonly stopped: (listener: Listener) => void;
  readonly log: (text: string) => void;
}

/** A UDP port. */
export class UdpListener implements Listener {
  readonly protocol = 'udp';
  readonly local: Endpoint;
  readonly advertise?: { readonly host: string; readonly port?: number };
  readonly family: 4 | 6;

  private constructor(
    private readonly socket: Socket,
    options: ListenOptions,
    private readonly parts: UdpListenerParts,
  ) {
    const { address, port } = socket.address();
    this.local = { address, port };
    this.family = ipVersion(address) === 6 ? 6 : 4;
    if (options.advertise) this.advertise = options.advertise;
    socket.on('message', (data, from) => {
      if (isKeepalive(data)) {
        if (data.length === 4) socket.send(PONG, from.port, from.address);
        return;
      }
      parts.receive(data, { protocol: 'udp', local: this.local, remote: { address: from.address, port: from.port } });
    });
  }

  /** Rejects when the address can't be bound. */
  static open(options: ListenOptions, parts: UdpListenerParts): Promise<UdpListener> {
    const v6 = ipVersion(options.address) === 6;
    const socket = createSocket({
      type: v6 ? 'udp6' : 'udp4',
      ipv6Only: v6,
      lookup: noLookup,
      recvBufferSize: 4 * 1024 * 1024,
    });
    return new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.bind({ address: options.address, port: options.port }, () => {
        socket.off('error', reject);
        socket.on('error', (error) => parts.log(`UDP socket: ${error.message}`));
        resolve(new UdpListener(socket, options, parts));
      });
    });
  }

  send(data: Buffer, remote: Endpoint, callback: (error?: Error) => void): void {
    try {
      this.socket.send(data, remote.port, remote.address, (error) => callback(error ?? undefined));
    } catch (error) {
      callback(error instanceof Error ? error : new Error(String(error)));
    }
  }

  reload(): void {
    throw new Error('A UDP listener has no certificates');
  }

  close(): Promise<void> {
    this.parts.stopped(this);
    return new Promise((resolve) => {
      try {
        this.socket.close(() => resolve());
      } catch {
        resolve();
      }
    });
  }
}

/** Only CRs and LFs (RFC 5626 section 3.5.1 has them on streams; phones send them over UDP too), or the lone NUL that some send. */
function isKeepalive(data: Buffer): boolean {
  if (data.length > 4) return false;
  for (const byte of data) if (byte !== 13 && byte !== 10 && byte !== 0) return false;
  return true;
}
