import type { Clock } from '../../clock/clock.js';
import type { SipMessage } from '../message/index.js';
import type { RouteTable } from './routes.js';
import type { ControlSession } from './session.js';
import { cdrEvent } from './wire.js';

type Source = 'network' | 'application';
/** Which part a call was for this engine. */
export type CdrRole = 'uas' | 'uac' | 'proxy-uas' | 'proxy-uac';
export type CdrReason = 'normal-release' | 'call-rejected' | 'call-canceled' | 'ackTimeout' | 'system-initiated';

/** Call detail records: each to one of the apps that asked for `cdr:attempt`, `cdr:start` or `cdr:stop`. */
export class CdrSender {
  readonly #routes: RouteTable<ControlSession>;
  readonly #clock: Clock;

  constructor(routes: RouteTable<ControlSession>, clock: Clock) {
    this.#routes = routes;
    this.#clock = clock;
  }

  attempt(source: Source, message: SipMessage): void {
    this.#send('cdr:attempt', source, message);
  }

  start(source: Source, role: CdrRole, message: SipMessage): void {
    this.#send('cdr:start', source, message, role);
  }

  stop(source: Source, reason: CdrReason, message: SipMessage): void {
    this.#send('cdr:stop', source, message, reason);
  }

  #send(verb: string, source: Source, message: SipMessage, ...fields: string[]): void {
    if (!this.#routes.has(verb)) return;
    const session = this.#routes.next(verb, (candidate) => candidate.ready);
    session?.send(cdrEvent(verb, source, this.#clock.now(), ...fields), message.toBuffer());
  }
}
