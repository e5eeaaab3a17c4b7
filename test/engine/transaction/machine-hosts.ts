import type { Buffer } from 'node:buffer';
import { createResponse, type SipResponse } from '../../../src/engine/message/index.js';
import type { ClientHost, ServerHost } from '../../../src/engine/transaction/machine.js';
import { type TimerSettings, timerSettings } from '../../../src/engine/transaction/timers.js';
import type { EndReason } from '../../../src/engine/transaction/types.js';
import type { Flow } from '../../../src/engine/transport/index.js';
import { FakeClock } from '../../support/fake-clock.js';
import { inbound } from './fake-transport.js';

export const FLOW: Flow = {
  protocol: 'udp',
  local: { address: '192.0.2.1', port: 5060 },
  remote: { address: '192.0.2.2', port: 5060 },
};

/** Writes down, with the time in milliseconds since the start, what a server machine does. */
export class RecordingServerHost implements ServerHost {
  readonly clock = new FakeClock();
  readonly timers: TimerSettings;
  readonly events: string[] = [];

  constructor(
    readonly reliable = false,
    timers: Partial<TimerSettings> = {},
  ) {
    this.timers = timerSettings(timers);
  }

  sendResponse(data: Buffer): void {
    this.note(`send ${data.toString()}`);
  }

  retire(): boolean {
    return false;
  }

  sendTrying(): void {
    this.note('trying');
  }

  failed(error: Error): void {
    this.note(`failed ${error.message}`);
  }

  ended(why: EndReason): void {
    this.note(`ended ${why}`);
  }

  /** What happened since the last call. */
  take(): string[] {
    return this.events.splice(0);
  }

  private note(text: string): void {
    this.events.push(`${this.clock.monotonic()} ${text}`);
  }
}

/** Writes down, with the time in milliseconds since the start, what a client machine does. */
export class RecordingClientHost implements ClientHost {
  readonly clock = new FakeClock();
  readonly timers: TimerSettings;
  readonly events: string[] = [];

  constructor(
    readonly reliable = false,
    timers: Partial<TimerSettings> = {},
  ) {
    this.timers = timerSettings(timers);
  }

  sendRequest(): void {
    this.note('send');
  }

  sendAck(response: SipResponse): void {
    this.note(`ack ${response.status}`);
  }

  deliver(response: SipResponse): void {
    this.note(`deliver ${response.status}`);
  }

  retire(): boolean {
    return false;
  }

  timedOut(): void {
    this.note('timed out');
  }

  failed(error: Error): void {
    this.note(`failed ${error.message}`);
  }

  ended(): void {
    this.note('ended');
  }

  take(): string[] {
    return this.events.splice(0);
  }

  private note(text: string): void {
    this.events.push(`${this.clock.monotonic()} ${text}`);
  }
}

export function response(status: number, method = 'INVITE'): SipResponse {
  return createResponse(inbound(method), status, undefined, 'peer');
}
