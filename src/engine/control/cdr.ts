import type { Clock } from '../../clock/clock.js';
import type { CallRecords, CdrReason, CdrRole, RecordSource } from '../call-records.js';
import type { SipMessage } from '../message/index.js';
import type { RouteTable } from './routes.js';
import type { ControlSession } from './session.js';
import { cdrEvent } from './wire.js';

/** Sends call detail records: each to one of the apps that asked for `cdr:attempt`, `cdr:start` or `cdr:stop`. */
export class CdrSender implements CallRecords {
  readonly #routes: RouteTable<ControlSession>;
  readonly #clock: Clock;

  constructor(routes: RouteTable<ControlSession>, clock: Clock) {
    this.#routes = routes;
    this.#clock = clock;
  }

  attempt(source: RecordSource, message: SipMessage): void {
    this.#send('cdr:attempt', source, message);
  }

  start(source: RecordSource, role: CdrRole, message: SipMessage): void {
    this.#send('cdr:start', source, message, role);
  }

  stop(source: RecordSource, reason: CdrReason, message: SipMessage): void {
    this.#send('cdr:stop', source, message, reason);
  }

  #send(verb: string, source: RecordSource, message: SipMessage, ...fields: string[]): void {
    if (!this.#routes.has(verb)) return;
    const session = this.#routes.next(verb, (candidate) => candidate.ready);
    session?.send(cdrEvent(verb, source, this.#clock.now(), ...fields), message.toBuffer());
  }
}
