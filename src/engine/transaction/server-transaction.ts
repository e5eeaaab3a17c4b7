import type { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../clock/clock.js';
import { randomTag } from '../../grammar/token.js';
import { addToTag, createResponse, type SipRequest, type SipResponse } from '../message/index.js';
import type { Flow, MessageTransport } from '../transport/index.js';
import { InviteServerMachine } from './invite-server.js';
import type { ServerHost } from './machine.js';
import { NonInviteServerMachine } from './non-invite-server.js';
import type { TimerSettings } from './timers.js';
import type { EndReason, ServerTransaction, TransactionState } from './types.js';

export interface ServerParts {
  readonly clock: Clock;
  readonly timers: TimerSettings;
  readonly transport: MessageTransport;
  forget(entry: ServerEntry): void;
  /** Copies of the request are requests of their own from now on. */
  release(entry: ServerEntry): void;
}

/**
 * What the layer keeps of a server transaction. It holds on to the request and the user's view of it only as long as they can be
 * needed: a Completed non-INVITE transaction over UDP lives for 32 s, so it must be small.
 */
export class ServerEntry implements ServerHost {
  readonly reliable: boolean;
  readonly machine: InviteServerMachine | NonInviteServerMachine;
  transaction: InboundTransaction | undefined;
  flow: Flow;

  constructor(
    private readonly parts: ServerParts,
    readonly key: string,
    public mergeKey: string | undefined,
    request: SipRequest,
    flow: Flow,
  ) {
    this.flow = flow;
    this.reliable = flow.protocol !== 'udp';
    const invite = request.method === 'INVITE';
    this.machine = invite ? new InviteServerMachine(this) : new NonInviteServerMachine(this);
    this.transaction = new InboundTransaction(this, request, flow, invite);
  }

  get clock(): Clock {
    return this.parts.clock;
  }

  get timers(): TimerSettings {
    return this.parts.timers;
  }

  /** The request came again, maybe over another connection. */
  retransmission(flow: Flow): void {
    if (this.flow.connection && !this.flow.connection.alive) this.flow = flow;
    this.machine.retransmission();
  }

  sendResponse(data: Buffer): void {
    this.parts.transport.reply(data, this.flow, (error) => {
      if (error) this.machine.transportError(error);
    });
  }

  sendTrying(): void {
    if (this.transaction) this.transaction.respond(createResponse(this.transaction.request, 100));
  }

  failed(error: Error): void {
    this.transaction?.tellError(error);
  }

  ended(why: EndReason): void {
    this.parts.forget(this);
    this.transaction?.tellEnd(why);
    this.transaction = undefined;
  }

  release(): void {
    this.parts.release(this);
  }

  /** Nothing but retransmissions can come: lets go of the request if nobody waits for the end. */
  slim(): void {
    if (
      this.machine instanceof NonInviteServerMachine &&
      this.machine.state === 'completed' &&
      !this.transaction?.watched
    ) {
      this.transaction = undefined;
    }
  }
}

/** The user's view of a server transaction. */
export class InboundTransaction implements ServerTransaction {
  private uuid: string | undefined;
  private tag: string | undefined;
  private over: EndReason | undefined;
  private readonly endHandlers: ((why: EndReason) => void)[] = [];
  private readonly errorHandlers: ((error: Error) => void)[] = [];

  constructor(
    private readonly entry: ServerEntry,
    readonly request: SipRequest,
    readonly flow: Flow,
    readonly invite: boolean,
  ) {}

  get id(): string {
    this.uuid ??= randomUUID();
    return this.uuid;
  }

  get state(): TransactionState {
    return this.entry.machine.state;
  }

  get localTag(): string {
    this.tag ??= this.request.toTag ?? randomTag();
    return this.tag;
  }

  /** Somebody wants to hear of the end. */
  get watched(): boolean {
    return this.endHandlers.length > 0 || this.errorHandlers.length > 0;
  }

  respond(response: SipResponse): void {
    if (response.status > 100) {
      if (response.toTag === undefined) addToTag(response, this.localTag);
      else this.tag = response.toTag;
    }
    this.entry.machine.respond(response.status, response.toBuffer());
    if (mayComeAgain(this.request, response.status)) this.entry.release();
    if (!this.invite) this.entry.slim();
  }

  passOn(): void {
    this.entry.release();
  }

  onEnd(fn: (why: EndReason) => void): void {
    if (this.over) fn(this.over);
    else this.endHandlers.push(fn);
  }

  onTransportError(fn: (error: Error) => void): void {
    this.errorHandlers.push(fn);
  }

  tellError(error: Error): void {
    for (const handler of this.errorHandlers) handler(error);
  }

  tellEnd(why: EndReason): void {
    this.over = why;
    for (const handler of this.endHandlers) handler(why);
  }
}

/**
 * Whether the same request with another branch is welcome after this answer: a client goes to the next server after a 503 with nothing else changed (RFC 3263
 * section 4.3), some answer a challenge with the same CSeq; answering REGISTER or OPTIONS again costs less than remembering each for 32 s.
 */
function mayComeAgain({ method }: SipRequest, status: number): boolean {
  if (status < 200) return false;
  return status === 401 || status === 407 || status === 503 || method === 'REGISTER' || method === 'OPTIONS';
}
