import type { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../clock/clock.js';
import { randomTag } from '../../grammar/token.js';
import { addToTag, createResponse, type SipRequest, type SipResponse } from '../message/index.js';
import type { Flow, MessageTransport } from '../transport/index.js';
import { InviteServerMachine } from './invite-server.js';
import type { KeptBytes } from './kept.js';
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
  /** Goes on for an entry that is Completed (`final` is given) or Accepted, for Timer J or L, without it. */
  retire(entry: ServerEntry, final: KeptBytes | undefined): void;
}

/**
 * What the layer keeps of a server transaction. It holds on to the request and the user's view of it only as long as they can be
 * needed: an Accepted INVITE transaction lives for 32 s, so it must be small.
 */
export class ServerEntry implements ServerHost {
  readonly reliable: boolean;
  readonly machine: InviteServerMachine | NonInviteServerMachine;
  transaction: InboundTransaction | undefined;
  flow: Flow;
  private tag = '';

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

  get localTag(): string {
    return this.transaction?.localTag ?? this.tag;
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

  retire(final?: KeptBytes): boolean {
    if (this.transaction?.watched || (final !== undefined && this.reliable)) return false;
    this.parts.retire(this, final);
    this.tag = this.localTag;
    this.transaction = undefined;
    return true;
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

  /** A final response went out: lets go of the request if nobody waits for the end. */
  slim(): void {
    const { state } = this.machine;
    if ((state !== 'completed' && state !== 'accepted') || this.transaction?.watched) return;
    this.tag = this.localTag;
    this.transaction = undefined;
  }
}

/** The user's view of a server transaction. */
export class InboundTransaction implements ServerTransaction {
  private uuid: string | undefined;
  private tag: string | undefined;
  private over: EndReason | undefined;
  private unanswered: (() => void) | undefined;
  private endHandlers: ((why: EndReason) => void)[] | undefined;
  private errorHandlers: ((error: Error) => void)[] | undefined;

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
    return this.endHandlers !== undefined || this.errorHandlers !== undefined;
  }

  respond(response: SipResponse): void {
    if (response.status > 100) {
      if (response.toTag === undefined) addToTag(response, this.localTag);
      else this.tag = response.toTag;
    }
    if (mayComeAgain(this.request, response.status)) this.entry.release();
    this.entry.machine.respond(response.status, response.toBuffer());
    if (response.status < 200) return;
    this.unanswered = undefined;
    this.entry.slim();
  }

  onUnanswered(fn: () => void): void {
    this.unanswered = fn;
  }

  passOn(): void {
    this.entry.release();
  }

  onEnd(fn: (why: EndReason) => void): void {
    if (this.over) fn(this.over);
    else if (this.endHandlers) this.endHandlers.push(fn);
    else this.endHandlers = [fn];
  }

  onTransportError(fn: (error: Error) => void): void {
    if (this.errorHandlers) this.errorHandlers.push(fn);
    else this.errorHandlers = [fn];
  }

  tellError(error: Error): void {
    for (const handler of this.errorHandlers ?? []) handler(error);
  }

  tellEnd(why: EndReason): void {
    this.over = why;
    this.unanswered?.();
    for (const handler of this.endHandlers ?? []) handler(why);
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
