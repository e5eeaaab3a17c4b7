import type { Clock } from '../../clock/clock.js';
import type { Endpoint } from './types.js';

/** A verified certificate that a SIP server has shown to a connection from here. */
export interface ShownCertificate {
  /** The name that was asked for: of the server, or its address. */
  readonly host: string;
  readonly address: string;
  readonly port: number;
  /** When it ends, epoch milliseconds. */
  readonly until: number;
}

/** Servers that are remembered. */
const MAX_SERVERS = 100;
/** How long after its last connection, in milliseconds. */
const KEPT = 86_400_000;

interface Seen extends ShownCertificate {
  /** Of the monotonic clock. */
  at: number;
}

/** The certificates that servers have shown: of each the last one, until a day after its last connection. */
export class ServerCertificates {
  private readonly seen = new Map<string, Seen>();

  constructor(
    private readonly clock: Clock,
    /** Whether there is a connection to that server. */
    private readonly isConnected: (host: string, remote: Endpoint) => boolean,
  ) {}

  get list(): readonly ShownCertificate[] {
    const now = this.clock.monotonic();
    for (const [key, seen] of this.seen) {
      if (this.isConnected(seen.host, seen)) seen.at = now;
      else if (now - seen.at > KEPT) this.seen.delete(key);
    }
    return [...this.seen.values()].map(({ at: _, ...shown }) => shown);
  }

  add(host: string, { address, port }: Endpoint, until: number): void {
    const key = `${host} ${address} ${port}`;
    this.seen.delete(key);
    this.seen.set(key, { host, address, port, until, at: this.clock.monotonic() });
    const [oldest] = this.seen.keys();
    if (this.seen.size > MAX_SERVERS && oldest !== undefined) this.seen.delete(oldest);
  }
}
