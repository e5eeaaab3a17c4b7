import type { Timer } from '../../clock/clock.js';
import type { SipResponse } from '../message/index.js';
import type { Flow } from '../transport/index.js';
import type { ClientHost } from './machine.js';

/**
 * INVITE client transaction: RFC 3261 section 17.1.1, figure 5, as changed by RFC 6026 section 8.4 (state Accepted, Timer M).
 *
 *   Calling --1xx--> Proceeding --300-699, send ACK--> Completed --Timer D--> Terminated
 *   Calling, Proceeding --2xx--> Accepted --Timer M--> Terminated
 *   Calling --Timer B or transport error--> Terminated
 *   Proceeding --Timer C--> Terminated
 */
export class InviteClientMachine {
  state: 'calling' | 'proceeding' | 'completed' | 'accepted' | 'terminated' = 'calling';
  private timerA: Timer | undefined;
  private timerBC: Timer | undefined;
  private timerDM: Timer | undefined;
  private timerCancel: Timer | undefined;
  private onlyTrying = true;

  constructor(private readonly host: ClientHost) {}

  start(): void {
    const { clock, timers, reliable } = this.host;
    if (!reliable) this.startTimerA(timers.A);
    this.timerBC = clock.setTimeout(() => this.timeout(), timers.B);
    this.host.sendRequest();
  }

  response(response: SipResponse, flow: Flow): void {
    const { status } = response;
    if (this.state === 'calling' || this.state === 'proceeding') {
      if (status < 200) this.enterProceeding(status);
      else if (status < 300) this.enterAccepted(response);
      else {
        this.enterCompleted();
        this.host.sendAck(response);
      }
      this.host.deliver(response, flow);
    } else if (this.state === 'completed' && status >= 300) this.host.sendAck(response);
    else if (this.state === 'accepted' && status >= 200 && status < 300) this.host.deliver(response, flow);
  }

  /** A CANCEL was sent, or a stray 2xx came: without a final response after 64*T1 the INVITE is given up (RFC 3261 section 9.1). */
  giveUpSoon(): void {
    if (this.state === 'proceeding') {
      this.timerCancel ??= this.host.clock.setTimeout(() => this.timeout(), 64 * this.host.timers.T1);
    }
  }

  /** The connection that the request left over is closed: no answer will come, unless the phone already rings. */
  flowClosed(error: Error): void {
    if (this.state === 'calling' || (this.state === 'proceeding' && this.onlyTrying)) this.fail(error);
  }

  transportError(error: Error): void {
    if (this.state === 'calling') this.fail(error);
    else if (this.state === 'completed') this.enterTerminated();
  }

  /** Stops all timers without a word. */
  stop(): void {
    this.state = 'terminated';
    this.cancelTimers();
    this.timerDM?.cancel();
  }

  private startTimerA(interval: number): void {
    this.timerA = this.host.clock.setTimeout(() => {
      this.startTimerA(2 * interval);
      this.host.sendRequest();
    }, interval);
  }

  private enterProceeding(status: number): void {
    const { clock, timers } = this.host;
    if (status > 100) this.onlyTrying = false;
    if (this.state === 'calling') {
      this.state = 'proceeding';
      this.timerA?.cancel();
      this.timerBC?.cancel();
      this.timerBC = undefined;
    }
    if (timers.C === undefined || (status === 100 && this.timerBC)) return;
    this.timerBC?.cancel();
    this.timerBC = clock.setTimeout(() => this.timeout(), timers.C);
  }

  private enterAccepted(response: SipResponse): void {
    this.state = 'accepted';
    this.cancelTimers();
    if (this.host.retire(response)) return;
    this.timerDM = this.host.clock.setTimeout(() => this.enterTerminated(), this.host.timers.M);
  }

  private enterCompleted(): void {
    const { clock, timers, reliable } = this.host;
    this.state = 'completed';
    this.cancelTimers();
    this.timerDM = clock.setTimeout(() => this.enterTerminated(), reliable ? 0 : timers.D);
  }

  private cancelTimers(): void {
    this.timerA?.cancel();
    this.timerBC?.cancel();
    this.timerCancel?.cancel();
  }

  private timeout(): void {
    this.stop();
    this.host.timedOut();
    this.host.ended();
  }

  private fail(error: Error): void {
    this.stop();
    this.host.failed(error);
    this.host.ended();
  }

  private enterTerminated(): void {
    this.stop();
    this.host.ended();
  }
}
