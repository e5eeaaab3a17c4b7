import type { Timer } from '../../clock/clock.js';
import type { SipResponse } from '../message/index.js';
import type { Flow } from '../transport/index.js';
import type { ClientHost } from './machine.js';

/**
 * Non-INVITE client transaction: RFC 3261 section 17.1.2, figure 6.
 *
 *   Trying --1xx--> Proceeding --200-699--> Completed --Timer K--> Terminated
 *   Trying --200-699--> Completed
 *   Trying, Proceeding --Timer F or transport error--> Terminated
 */
export class NonInviteClientMachine {
  state: 'trying' | 'proceeding' | 'completed' | 'terminated' = 'trying';
  private timerE: Timer | undefined;
  private timerFK: Timer | undefined;

  constructor(private readonly host: ClientHost) {}

  start(): void {
    const { clock, timers, reliable } = this.host;
    if (!reliable) this.startTimerE(timers.E);
    this.timerFK = clock.setTimeout(() => this.timeout(), timers.F);
    this.host.sendRequest();
  }

  response(response: SipResponse, flow: Flow): void {
    if (this.state !== 'trying' && this.state !== 'proceeding') return;
    if (response.status < 200) this.state = 'proceeding';
    else this.enterCompleted(response);
    this.host.deliver(response, flow);
  }

  /** Only an INVITE is given up before its time. */
  giveUpSoon(): void {}

  /** The connection that the request left over is closed: no answer will come. */
  flowClosed(error: Error): void {
    this.transportError(error);
  }

  transportError(error: Error): void {
    if (this.state !== 'trying' && this.state !== 'proceeding') return;
    this.stop();
    this.host.failed(error);
    this.host.ended();
  }

  /** Stops all timers without a word. */
  stop(): void {
    this.state = 'terminated';
    this.timerE?.cancel();
    this.timerFK?.cancel();
  }

  private startTimerE(interval: number): void {
    const { clock, timers } = this.host;
    this.timerE = clock.setTimeout(() => {
      this.startTimerE(this.state === 'proceeding' ? timers.T2 : Math.min(2 * interval, timers.T2));
      this.host.sendRequest();
    }, interval);
  }

  private enterCompleted(response: SipResponse): void {
    const { clock, timers, reliable } = this.host;
    this.state = 'completed';
    this.timerE?.cancel();
    this.timerFK?.cancel();
    if (this.host.retire(response)) return;
    this.timerFK = clock.setTimeout(() => this.enterTerminated(), reliable ? 0 : timers.K);
  }

  private timeout(): void {
    this.stop();
    this.host.timedOut();
    this.host.ended();
  }

  private enterTerminated(): void {
    this.stop();
    this.host.ended();
  }
}
