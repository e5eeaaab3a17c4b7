import { Buffer } from 'node:buffer';
import { createSocket, type Socket } from 'node:dgram';
import type { Clock } from '../../clock/clock.js';
import { ipVersion } from '../../grammar/uri.js';
import { RecentSet } from './recent-set.js';
import type { Endpoint } from './types.js';

const KEEPALIVE = Buffer.from('\r\n\r\n');
const WAIT = 1000;
const MAX_OPEN = 64;
const HEARD_FOR = 30_000;
const ASKED_FOR = 1_000;
/** A peer that was noted so lately needn't be noted again. */
const NOTED_FOR = 5_000;

/**
 * Finds out that nobody listens on a UDP port. The system tells of ICMP refusals only on connected sockets, which a server's socket is
 * not; so a keepalive goes to a peer that wasn't heard of lately from a connected socket of its own, next to the request.
 */
export class UdpProbe {
  private readonly heard: RecentSet;
  private readonly asked: RecentSet;
  /** By port who was noted last, and when: most datagrams come from few peers. */
  private readonly noted = new Map<number, { readonly address: string; readonly at: number }>();
  private readonly open = new Map<Socket, () => void>();

  constructor(
    private readonly clock: Clock,
    private readonly refused: (remote: Endpoint, error: Error) => void,
  ) {
    this.heard = new RecentSet(clock, HEARD_FOR);
    this.asked = new RecentSet(clock, ASKED_FOR);
  }

  /** A datagram came from there. */
  heardFrom(remote: Endpoint): void {
    if (this.isNoted(remote)) return;
    this.noted.set(remote.port, { address: remote.address, at: this.clock.monotonic() });
    this.heard.add(`${remote.address} ${remote.port}`);
  }

  /** A request goes there. */
  sendingTo(remote: Endpoint): void {
    if (this.isNoted(remote)) return;
    const key = `${remote.address} ${remote.port}`;
    if (this.open.size >= MAX_OPEN || this.heard.has(key) || this.asked.has(key)) return;
    this.asked.add(key);
    const socket = createSocket(ipVersion(remote.address) === 6 ? 'udp6' : 'udp4');
    const done = () => {
      timer.cancel();
      if (this.open.delete(socket)) socket.close();
    };
    const timer = this.clock.setTimeout(done, WAIT);
    this.open.set(socket, done);
    socket.unref();
    socket.on('message', done);
    socket.on('error', (error: NodeJS.ErrnoException) => {
      done();
      if (error.code !== 'ECONNREFUSED') return;
      this.asked.delete(key);
      this.refused(remote, new Error(`Nobody listens on UDP ${remote.address}:${remote.port}`));
    });
    socket.connect(remote.port, remote.address, () => {
      if (this.open.has(socket)) socket.send(KEEPALIVE);
    });
  }

  private isNoted({ address, port }: Endpoint): boolean {
    const noted = this.noted.get(port);
    return noted !== undefined && noted.address === address && this.clock.monotonic() - noted.at < NOTED_FOR;
  }

  close(): void {
    for (const done of [...this.open.values()]) done();
  }
}
