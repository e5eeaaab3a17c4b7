import type { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../clock/clock.js';
import type { SipRequest, SipResponse } from '../message/index.js';
import type { Flow, MessageTransport, Target } from '../transport/index.js';
import { InviteClientMachine } from './invite-client.js';
import { type KeptBytes, keepBytes, keptBytes } from './kept.js';
import type { ClientHost } from './machine.js';
import { NonInviteClientMachine } from './non-invite-client.js';
import { createAck, createCancel } from './requests.js';
import type { TimerSettings } from './timers.js';
import type { ClientTransaction, ClientTransactionUser, LateSuccesses, TransactionState } from './types.js';

export interface ClientParts {
  readonly clock: Clock;
  readonly timers: TimerSettings;
  readonly transport: MessageTransport;
  readonly passTrying: boolean;
  /** Sends a CANCEL in a transaction of its own. */
  startCancel(cancel: SipRequest, branch: string, target: Target): void;
  /** Goes on for a transaction that is Completed or (then `late` is given) Accepted, for Timer K or M, without it. */
  retire(transaction: OutboundTransaction, late: LateSuccesses | undefined): void;
  /** The flow became known. */
  left(transaction: OutboundTransaction, flow: Flow): void;
  forget(transaction: OutboundTransaction): void;
  /** Runs the user's code so that its errors don't reach the machine. */
  tell(fn: () => void): void;
}

/** What to send instead when the first target can't be connected (RFC 3261 section 18.1.1). */
export interface Fallback {
  readonly data: Buffer;
  readonly target: Target;
  /** Makes the request what `data` says. */
  readonly apply: () => void;
}

/** A client transaction: its state machine, and the sending. */
export class OutboundTransaction implements ClientTransaction, ClientHost {
  readonly invite: boolean;
  readonly key: string;
  flow: Flow | undefined;
  private machine: InviteClientMachine | NonInviteClientMachine;
  private uuid: string | undefined;
  private ack: KeptBytes | undefined;
  private pendingCancel: readonly (readonly [string, string])[] | undefined;
  private cancelSent = false;
  private starting = false;
  /** Until it has gone out; over UDP for retransmissions, until a response came. */
  private sent: Buffer | undefined;

  constructor(
    private readonly parts: ClientParts,
    readonly request: SipRequest,
    readonly branch: string,
    data: Buffer,
    private target: Target,
    private readonly user: ClientTransactionUser,
    private fallback: Fallback | undefined,
  ) {
    this.invite = request.method === 'INVITE';
    this.key = `${branch} ${request.method}`;
    this.sent = data;
    this.machine = this.createMachine();
  }

  get id(): string {
    this.uuid ??= randomUUID();
    return this.uuid;
  }

  get state(): TransactionState {
    return this.machine.state;
  }

  get clock(): Clock {
    return this.parts.clock;
  }

  get timers(): TimerSettings {
    return this.parts.timers;
  }

  get reliable(): boolean {
    return this.target.protocol !== 'udp';
  }

  /** An error that is known at once is told in the next tick, when the caller has the transaction in hand. */
  start(): void {
    this.starting = true;
    this.machine.start();
    this.starting = false;
  }

  response(response: SipResponse, flow: Flow): void {
    const success = this.invite && response.status >= 200 && response.status < 300;
    if (success && this.user.accepts?.(response) === false) this.machine.giveUpSoon();
    else this.machine.response(response, flow);
  }

  cancel(headers: readonly (readonly [string, string])[] = []): void {
    if (!this.invite || this.cancelSent || this.pendingCancel) return;
    if (this.state === 'calling') this.pendingCancel = headers;
    else if (this.state === 'proceeding') this.sendCancel(headers);
  }

  /** The connection was closed, or the UDP port has no listener. */
  flowClosed(error: Error): void {
    this.machine.flowClosed(error);
  }

  stop(): void {
    this.machine.stop();
  }

  /** Whether it went, or goes, to that UDP endpoint. */
  isTo(address: string, port: number): boolean {
    if (this.target.protocol !== 'udp') return false;
    if (this.flow) return this.flow.remote.address === address && this.flow.remote.port === port;
    return this.target.host === address && this.target.port === port;
  }

  sendRequest(): void {
    const { machine } = this;
    this.parts.transport.send(this.takeBytes(), this.target, (error, flow) => {
      if (this.machine !== machine) return;
      if (error && this.starting) process.nextTick(() => this.sendingFailed(error));
      else if (error) this.sendingFailed(error);
      else if (flow && machine.state !== 'terminated') {
        this.flow = flow;
        this.parts.left(this, flow);
      }
    });
  }

  sendAck(response: SipResponse): void {
    this.ack ??= keepBytes(createAck(this.request, response).toBuffer());
    this.parts.transport.send(keptBytes(this.ack), this.sameWay(), (error) => {
      if (error) this.machine.transportError(error);
    });
  }

  deliver(response: SipResponse, flow: Flow): void {
    if (this.invite || response.status >= 200) this.sent = undefined;
    if (this.invite && response.status >= 200) this.request.compact();
    if (response.status < 200) {
      if (this.pendingCancel) this.sendCancel(this.pendingCancel);
      if (response.status === 100 && !this.parts.passTrying) return;
    }
    this.parts.tell(() => this.user.onResponse(response, flow));
  }

  retire(response: SipResponse): boolean {
    if (this.user.onEnd || (!this.invite && this.reliable)) return false;
    const late = this.invite ? this.user.lateSuccesses?.(response) : undefined;
    if (this.invite && !late) return false;
    this.parts.retire(this, late);
    return true;
  }

  timedOut(): void {
    this.parts.tell(() => this.user.onTimeout());
  }

  failed(error: Error): void {
    this.parts.tell(() => this.user.onTransportError(error));
  }

  ended(): void {
    this.parts.forget(this);
    this.parts.tell(() => this.user.onEnd?.());
  }

  private takeBytes(): Buffer {
    const data = this.sent ?? this.request.toBuffer();
    this.sent = this.reliable ? undefined : data;
    return data;
  }

  private createMachine(): InviteClientMachine | NonInviteClientMachine {
    return this.invite ? new InviteClientMachine(this) : new NonInviteClientMachine(this);
  }

  private sendingFailed(error: Error): void {
    const { fallback } = this;
    if (!fallback) {
      this.machine.transportError(error);
      return;
    }
    this.fallback = undefined;
    this.machine.stop();
    fallback.apply();
    this.sent = fallback.data;
    this.target = fallback.target;
    this.machine = this.createMachine();
    this.machine.start();
  }

  private sendCancel(headers: readonly (readonly [string, string])[]): void {
    this.pendingCancel = undefined;
    this.cancelSent = true;
    this.machine.giveUpSoon();
    this.parts.startCancel(createCancel(this.request, headers), this.branch, this.sameWay());
  }

  private sameWay(): Target {
    return this.flow ? { ...this.target, flow: this.flow } : this.target;
  }
}
