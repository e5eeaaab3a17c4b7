import type { Socket } from 'node:net';
import type { TransportLimits } from './limits.js';
import { plainAddress } from './stream-connection.js';

/** Counts inbound sockets, in all and by address, from accept to close; handshakes count too. */
export class Admission {
  private total = 0;
  private readonly perAddress = new Map<string, number>();

  constructor(private readonly limits: TransportLimits) {}

  /** False when the socket is one too many: it was destroyed. */
  admit(socket: Socket): boolean {
    const address = plainAddress(socket.remoteAddress);
    const count = this.perAddress.get(address) ?? 0;
    if (this.total >= this.limits.connections || count >= this.limits.connectionsPerAddress) {
      socket.destroy();
      return false;
    }
    this.total++;
    this.perAddress.set(address, count + 1);
    socket.once('close', () => this.release(address));
    return true;
  }

  private release(address: string): void {
    this.total--;
    const left = (this.perAddress.get(address) ?? 1) - 1;
    if (left > 0) this.perAddress.set(address, left);
    else this.perAddress.delete(address);
  }
}
