import type { Buffer } from 'node:buffer';
import type { Timer } from '../../clock/clock.js';
import { type KeptBytes, keepBytes, keptBytes } from './kept.js';
import type { ServerHost } from './machine.js';
import type { EndReason } from './types.js';

/**
 * INVITE server transaction: RFC 3261 section 17.2.1, figure 7, as changed by RFC 6026 section 8.7 (state Accepted, Timer L; a
 * transport error doesn't end it).
 *
 *   Proceeding --2xx--> Accepted --Timer L--> Terminated
 *   Proceeding --300-699--> Completed --ACK--> Confirmed --Timer I--> Terminated
 *                           Completed --Timer H--> Terminated
 */
export class InviteServerMachine {
  state: 'proceeding' | 'completed' | 'confirmed' | 'accepted' | 'terminated' = 'proceeding';
  private lastResponse: KeptBytes | undefined;
  private timerG: Timer | undefined;
  private timerHIL: Timer | undefined;
  private error: Error | undefined;

  constructor(private readonly host: ServerHost) {}

  /** The INVITE came again. */
  retransmission(): void {
    if (this.lastResponse && (this.state === 'proceeding' || this.state === 'completed')) {
      this.host.sendResponse(keptBytes(this.lastResponse));
    }
  }

  /** The user answers. Tells whether the response went out. */
  respond(status: number, data: Buffer): boolean {
    if (this.state === 'accepted' && status >= 200 && status < 300) {
      this.host.sendResponse(data);
      return true;
    }
    if (this.state !== 'proceeding') return false;
    if (status < 200) this.lastResponse = keepBytes(data);
    else if (status < 300) this.enterAccepted();
    else this.enterCompleted(data);
    this.host.sendResponse(data);
    return true;
  }

  /** An ACK came; true if it is one for a 2xx, which is the user's. */
  ack(): boolean {
    if (this.state === 'completed') this.enterConfirmed();
    return this.state === 'accepted';
  }

  transportError(error: Error): void {
    if (this.state === 'terminated') return;
    this.error = error;
    this.host.failed(error);
  }

  /** Stops all timers without a word. */
  stop(): void {
    this.state = 'terminated';
    this.timerG?.cancel();
    this.timerHIL?.cancel();
  }

  private enterAccepted(): void {
    const { clock, timers } = this.host;
    this.state = 'accepted';
    this.lastResponse = undefined;
    if (this.host.retire()) return;
    this.timerHIL = clock.setTimeout(() => this.enterTerminated('completed'), timers.L);
  }

  private enterCompleted(data: Buffer): void {
    const { clock, timers, reliable } = this.host;
    this.state = 'completed';
    this.lastResponse = keepBytes(data);
    if (!reliable) this.startTimerG(timers.G);
    this.timerHIL = clock.setTimeout(() => this.enterTerminated('timeout'), timers.H);
  }

  private startTimerG(interval: number): void {
    const { clock, timers } = this.host;
    this.timerG = clock.setTimeout(() => {
      if (this.lastResponse) this.host.sendResponse(keptBytes(this.lastResponse));
      if (this.state === 'completed') this.startTimerG(Math.min(2 * interval, timers.T2));
    }, interval);
  }

  private enterConfirmed(): void {
    const { clock, timers, reliable } = this.host;
    this.state = 'confirmed';
    this.lastResponse = undefined;
    this.timerG?.cancel();
    this.timerHIL?.cancel();
    if (reliable) this.enterTerminated('completed');
    else this.timerHIL = clock.setTimeout(() => this.enterTerminated('completed'), timers.I);
  }

  private enterTerminated(why: EndReason): void {
    this.stop();
    this.host.ended(why === 'timeout' && this.error ? 'transport-error' : why);
  }
}
