import type { Calls } from '../calls/calls.js';
import type { CallPolicy } from '../calls/policy.js';
import type { CallPort } from '../calls/port.js';
import type { CallRecord, FinalRecord } from '../calls/records.js';
import { callerDialogId, deviceDialogId } from './dialogs.js';
import type { SavedInvite, SrfRequest, SrfResponse } from './drachtio.js';
import { finalHeaders } from './final-headers.js';
import { bodyOf, headerLines, linesOf } from './header-lines.js';
import { type Answer, callerAnswer, joinCall } from './join.js';
import type { Party } from './joints.js';
import { type FinalResponse, sendFinal, TrunkCall, type Wire } from './trunk-call.js';

export interface TakeoverOptions {
  readonly wire: Wire;
  readonly calls: Calls;
  readonly policyOf: (trunk: string, aor: string) => CallPolicy;
  readonly onFault: (error: unknown) => void;
}

/** Goes on with the calls of a process that is gone, and with those of this one after a new connection to the engine. */
export class Takeover {
  readonly #options: TakeoverOptions;
  /** Calls whose INVITE has no final response, by the caller's dialog. */
  readonly #live = new Map<string, TrunkCall>();
  /** Final responses that the engine has not confirmed, by transaction: it may have lost its connection before it got one. */
  readonly #unconfirmed = new Map<string, { readonly invite: SavedInvite; readonly final: FinalResponse }>();
  /** What the caller of a call that is up was answered with, or was about to be. */
  readonly #answers = new Map<string, Answer>();
  /** Final responses that a process before this one may not have sent, by transaction. */
  readonly #rejected = new Map<string, Rejected>();
  /** Transactions of INVITEs that the engine doesn't hand over by itself, while they are. */
  readonly #adopted = new Set<string>();
  /** Those among them that can't be gone on with. */
  readonly #hopeless = new Set<string>();
  #connections = 0;

  constructor(options: TakeoverOptions) {
    this.#options = options;
  }

  /** Takes the journal in. To be called before the engine is connected. */
  begin(records: readonly CallRecord[]): void {
    const { calls, onFault } = this.#options;
    calls.expect(records);
    for (const record of records) {
      try {
        if ((record.up ?? record.late ?? record.final ?? record.end) !== undefined) this.#resume(record);
      } catch (error) {
        onFault(error);
      }
    }
  }

  /** Takes in a call of another process that had the same engine, and is gone now. Its INVITE may have come here before its record. */
  adopt(record: CallRecord): void {
    if (!this.#options.calls.isUnderWay(record.info)) this.begin([record]);
  }

  /** All of {@link adopt} are here. */
  adopted(): void {
    if (this.#connections > 0) this.#claimRestWhenDue();
  }

  /**
   * There is a connection to the engine. The embedded engine hands INVITEs over again by itself; with drachtio-server, which
   * doesn't, they are found by the transactions that the journal names.
   */
  connected(): void {
    const { drachtio, clock } = this.#options.wire;
    const redelivers = drachtio.keepsForSuccessor;
    if (this.#connections++ > 0) {
      if (redelivers) for (const call of this.#live.values()) this.#goOn(call);
      else for (const { invite } of this.#unconfirmed.values()) drachtio.redeliver(invite);
      const left = [...this.#unconfirmed.keys()];
      clock.setTimeout(() => {
        for (const transaction of left) {
          const { final } = this.#unconfirmed.get(transaction) ?? {};
          if (final !== undefined && final.status >= 300) final.sent?.('');
          this.confirmed(transaction);
        }
      }, REDELIVERY_PATIENCE);
      return;
    }
    for (const [id, { body }] of this.#unacknowledged) if (body) drachtio.ackInDialog(id, {}, '');
    this.#unacknowledged.clear();
    this.#claimRestWhenDue();
  }

  /** An engine that hands INVITEs over by itself may have given them to another process, or be about to. */
  #claimRestWhenDue(): void {
    const { drachtio, clock } = this.#options.wire;
    if (drachtio.keepsForSuccessor) clock.setTimeout(() => this.#claimRest(), REDELIVERY_PATIENCE);
    else this.#claimRest();
  }

  /** The caller may have sent CANCEL while nobody was there to hear it. */
  #goOn(call: TrunkCall): void {
    call.reconnected();
    this.#options.wire.drachtio.isWaiting(call.saved.transaction, (waiting) => {
      if (!waiting) call.callerGone();
    });
  }

  /** A call begins here. */
  add(call: TrunkCall): void {
    this.#live.set(call.dialogId, call);
  }

  /** Its caller gets this final response, or got one from the engine. */
  remove(call: TrunkCall, final?: FinalResponse): void {
    if (this.#live.get(call.dialogId) === call) this.#live.delete(call.dialogId);
    if (final !== undefined) this.#unconfirmed.set(call.saved.transaction, { invite: call.saved, final });
  }

  /** The engine has sent the final response of this transaction. */
  confirmed(transaction: string): void {
    this.#unconfirmed.delete(transaction);
  }

  /** Whether the INVITE of this transaction came to a process before this one, over an engine that keeps nothing for it. */
  isAdopted(transaction: string): boolean {
    return this.#adopted.delete(transaction);
  }

  /** True if this INVITE has come before, to this process or as that of a call that is up; then it has been seen to. */
  handle(req: SrfRequest, res: SrfResponse): boolean {
    const { drachtio } = this.#options.wire;
    if (this.#hopeless.delete(req.stackTxnId)) {
      drachtio.respond(res, 503, 'Service Unavailable', FORSAKEN);
      return true;
    }
    const rejected = this.#rejected.get(req.stackTxnId);
    if (rejected !== undefined) {
      const { status, reason, options } = rejected.final;
      const headers = finalHeaders(status, options, undefined);
      sendFinal(drachtio, res, { status, reason, headers, body: '' }, () => this.#told(req.stackTxnId));
      return true;
    }
    const unconfirmed = this.#unconfirmed.get(req.stackTxnId);
    if (unconfirmed !== undefined) {
      sendFinal(drachtio, res, unconfirmed.final, () => this.confirmed(req.stackTxnId));
      return true;
    }
    const id = callerDialogId(linesOf(req.msg));
    const live = this.#live.get(id);
    if (live !== undefined && live.saved.transaction === req.stackTxnId) {
      live.serve(req, res);
      return true;
    }
    const answer = this.#answers.get(id);
    if (answer !== undefined) sendFinal(drachtio, res, callerAnswer(answer), () => {});
    return answer !== undefined;
  }

  /**
   * An engine that hands nothing over keeps the ACK, too, from a process that didn't get the INVITE from it: with the offer in the 2xx
   * and the answer in the ACK such a call could not be joined.
   */
  #claimRest(): void {
    const { calls, onFault } = this.#options;
    const { drachtio } = this.#options.wire;
    for (const [transaction, { invite }] of this.#rejected) {
      drachtio.isWaiting(transaction, (waiting) => {
        if (waiting) drachtio.redeliver(invite);
        else this.#told(transaction);
      });
    }
    calls.unclaimed().then((records) => {
      for (const record of records) this.#claim(record);
    }, onFault);
  }

  #claim(record: CallRecord): void {
    const { calls, onFault } = this.#options;
    const { drachtio } = this.#options.wire;
    const forsake = (): void => void calls.forsake(record, this.#spentPort(record)).catch(onFault);
    const invite = savedInvite(record.port);
    if (invite === undefined) {
      forsake();
      return;
    }
    drachtio.isWaiting(invite.transaction, (waiting) => {
      if (!waiting) return forsake();
      if (drachtio.keepsForSuccessor) calls.expect([record]);
      else if (bodyOf(invite.raw) === '') {
        this.#hopeless.add(invite.transaction);
        forsake();
      } else {
        this.#adopted.add(invite.transaction);
        calls.expect([record]);
      }
      drachtio.redeliver(invite);
    });
  }

  #resume(record: CallRecord): void {
    const { calls, policyOf } = this.#options;
    const { wire } = this.#options;
    const { up, info } = record;
    const { handle, told } = calls.resume(record, policyOf(info.trunk, info.aor), this.#spentPort(record));
    const invite = savedInvite(record.port);
    if (invite !== undefined && record.final !== undefined && told !== undefined) {
      this.#rejected.set(invite.transaction, { invite, final: record.final, told });
    }
    if (up === undefined || handle === undefined || invite === undefined) return;
    const lines = headerLines(invite.raw);
    const dialogId = callerDialogId(lines);
    const answer = answerOf(up.answer);
    this.#answers.set(dialogId, answer);
    const trunk: Party = { kind: 'trunk', trunk: info.trunk };
    const device: Party = { kind: 'device', aor: info.aor, ...(up.device !== '' && { deviceId: up.device }) };
    const outbound = up.device === '';
    joinCall({
      ...wire,
      callUuid: info.callUuid,
      caller: { dialogId, lines, party: outbound ? device : trunk },
      device: { branchId: up.branch, answer, party: outbound ? trunk : device },
      resumed: true,
      watch: wire.clock,
      onHangUp: (by) => {
        this.#answers.delete(dialogId);
        handle.hungUp(by);
      },
      note: (note) => handle.wire(note),
    });
    if (wire.clock.now() - up.answeredAt < ACK_DUE) {
      this.#unacknowledged.set(deviceDialogId(up.branch), { body: bodyOf(invite.raw) });
    }
  }

  /** Answers of devices whose ACK may not have left, with the body of the INVITE: with an offer in it the ACK has none of its own. */
  readonly #unacknowledged = new Map<string, { readonly body: string }>();

  #told(transaction: string): void {
    this.#rejected.get(transaction)?.told();
    this.#rejected.delete(transaction);
  }

  #spentPort(record: CallRecord): CallPort {
    const invite = savedInvite(record.port);
    if (invite === undefined) throw new Error(`the journal has no INVITE of call ${record.info.callUuid}`);
    const { callUuid, trunk } = record.info;
    return new TrunkCall({ wire: this.#options.wire, callUuid, invite, party: { kind: 'trunk', trunk } });
  }
}

interface Rejected {
  readonly invite: SavedInvite;
  readonly final: FinalRecord;
  readonly told: () => void;
}

/** Held by a process that is gone, with no way to go on. */
const FORSAKEN = { 'Retry-After': '1', Warning: '399 callwake "restarted: the call can not go on"' };

/** An engine that hands INVITEs over again does that at once. */
const REDELIVERY_PATIENCE = 2_000;

/** A 2xx is repeated for 64*T1 (RFC 3261 13.3.1.4). */
const ACK_DUE = 32_000;

function savedInvite(value: unknown): SavedInvite | undefined {
  const invite = value as SavedInvite | null | undefined;
  return typeof invite?.raw === 'string' && typeof invite.transaction === 'string' ? invite : undefined;
}

function answerOf(response: object): Answer {
  const { status = 200, reason = 'OK', lines = [], body = '' } = response as Partial<Answer>;
  return { status, reason, lines, body };
}
