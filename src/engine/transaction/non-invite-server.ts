import type { Buffer } from 'node:buffer';
import type { Timer } from '../../clock/clock.js';
import { type KeptBytes, keepBytes, keptBytes } from './kept.js';
import type { ServerHost } from './machine.js';
import type { EndReason } from './types.js';

/**
 * Non-INVITE server transaction: RFC 3261 section 17.2.2, figure 8, with RFC 4320: a 100 of its own when the client's Timer E has
 * reached T2, no other provisional, no 408. A user that never answers is given up when the client has: 64*T1 (Timer F).
 *
 *   Trying --100--> Proceeding --200-699--> Completed --Timer J--> Terminated
 *   Trying --200-699--> Completed
 */
export class NonInviteServerMachine {
  state: 'trying' | 'proceeding' | 'completed' | 'terminated' = 'trying';
  private lastResponse: KeptBytes | undefined;
  private timer: Timer | undefined;

  constructor(private readonly host: ServerHost) {
    const { clock, timers } = host;
    this.timer = clock.setTimeout(() => {
      this.timer = clock.setTimeout(() => this.enterTerminated('timeout'), timers.F - timers.trying);
      if (this.state === 'trying') this.host.sendTrying();
    }, timers.trying);
  }

  /** The request came again. */
  retransmission(): void {
    if (this.lastResponse && this.state !== 'terminated') this.host.sendResponse(keptBytes(this.lastResponse));
  }

  /** The user answers. Tells whether the response went out. */
  respond(status: number, data: Buffer): boolean {
    if (this.state !== 'trying' && this.state !== 'proceeding') return false;
    if ((status > 100 && status < 200) || status === 408) return false;
    const kept = keepBytes(data);
    if (status === 100) {
      this.state = 'proceeding';
      this.lastResponse = kept;
    } else this.enterCompleted(kept);
    this.host.sendResponse(data);
    return true;
  }

  transportError(error: Error): void {
    if (this.state === 'terminated') return;
    this.host.failed(error);
    this.enterTerminated('transport-error');
  }

  /** Stops all timers without a word. */
  stop(): void {
    this.state = 'terminated';
    this.timer?.cancel();
  }

  private enterCompleted(final: KeptBytes): void {
    const { clock, timers, reliable } = this.host;
    this.state = 'completed';
    this.timer?.cancel();
    if (this.host.retire(final)) return;
    this.lastResponse = final;
    this.timer = clock.setTimeout(() => this.enterTerminated('completed'), reliable ? 0 : timers.J);
  }

  private enterTerminated(why: EndReason): void {
    this.stop();
    this.host.ended(why);
  }
}
