import type { CallHandle } from '../calls/calls.js';
import type { Branch, BranchEvents, BranchResponse, CallPort, RejectOptions } from '../calls/port.js';
import type { Binding, Device } from '../devices/types.js';
import { randomCallId, randomTag } from '../grammar/token.js';
import { type Dialogs, dialogIdOf } from './dialogs.js';
import type { Drachtio, SrfRequest, SrfResponse } from './drachtio.js';
import { endToEnd, firstHeader, type HeaderLines, headerLines, toRecord } from './header-lines.js';
import { InviteBranch, LegResponse, routed } from './invite-branch.js';
import { Joint } from './joint.js';
import { type MidDialogHold, purrOf } from './mid-dialog.js';
import { relay } from './relay.js';
import { tagOf, withoutTag, withTag } from './tags.js';

/** Header that carries the CallKit UUID in the INVITE of every leg; the push payload has the same. */
export const CALL_UUID_HEADER = 'X-Callwake-Call-UUID';

export interface TrunkCallOptions {
  readonly drachtio: Drachtio;
  readonly dialogs: Dialogs;
  readonly callUuid: string;
  readonly req: SrfRequest;
  readonly res: SrfResponse;
  /** Holds requests of the answered call for a device that sleeps. */
  readonly midDialog?: MidDialogHold;
}

/**
 * A call from the trunk on the wire: answers the caller as UAS and calls each device as UAC, yet looks like a proxy to both:
 * all that isn't tied to a leg goes through untouched.
 */
export class TrunkCall implements CallPort {
  readonly #options: TrunkCallOptions;
  readonly #lines: HeaderLines;
  readonly #body: string;
  readonly #dialogId: string;
  readonly #branches = new Set<InviteBranch>();
  /** Reliable provisionals that went upstream: our RSeq, and whose they are. */
  readonly #reliable = new Map<number, { branch: InviteBranch; rseq: number }>();
  #handle: CallHandle | undefined;
  #finalSent = false;

  constructor(options: TrunkCallOptions) {
    this.#options = options;
    this.#lines = headerLines(options.req.msg.raw);
    this.#body = options.req.msg.body ?? '';
    this.#dialogId = dialogIdOf(this.#first('call-id'), tagOf(this.#first('from')));
    options.dialogs.set(this.#dialogId, (req, res) => this.#onEarlyRequest(req, res));
    options.req.on('update', (req: SrfRequest, res: SrfResponse) => this.#onEarlyRequest(req, res));
    options.req.on('cancel', (cancel: { raw?: string }) => {
      this.#finalSent = true;
      options.dialogs.delete(this.#dialogId);
      this.#handle?.cancelled(firstHeader(headerLines(cancel.raw ?? ''), 'reason'));
    });
  }

  get callUuid(): string {
    return this.#options.callUuid;
  }

  /** The caller has sent CANCEL. */
  get cancelled(): boolean {
    return this.#finalSent;
  }

  /** Whom to tell what the caller does. */
  attach(handle: CallHandle): void {
    this.#handle = handle;
  }

  provisional(status: number, reason: string, from?: BranchResponse): void {
    if (this.#finalSent) return;
    const { drachtio, res } = this.#options;
    const leg = from instanceof LegResponse ? from : undefined;
    const branch = leg === undefined ? undefined : this.#branchOf(leg);
    const body = leg !== undefined && this.#branches.size === 1 ? leg.body : '';
    const headers = toRecord(endToEnd(withoutReliability(leg?.lines ?? [], leg?.rseq !== undefined), body));
    drachtio.respond(res, status, reason, headers, body, (sent) => {
      const rseq = Number(sent === undefined ? undefined : firstHeader(headerLines(sent), 'rseq'));
      if (branch !== undefined && leg?.rseq !== undefined && Number.isInteger(rseq)) {
        this.#reliable.set(rseq, { branch, rseq: leg.rseq });
      }
    });
  }

  startBranch(_device: Device, binding: Binding, events: BranchEvents): Branch {
    const { drachtio, dialogs } = this.#options;
    const callId = randomCallId();
    const fromTag = randomTag();
    const dialogId = dialogIdOf(callId, fromTag);
    const spec = {
      ...routed(binding.uri, binding.path),
      dialogId,
      body: this.#body,
      headers: this.#legHeaders(callId, fromTag),
    };
    const responses = this.#responses;
    const branch = new InviteBranch(
      drachtio,
      spec,
      {
        provisional: (response) => {
          responses.set(response, branch);
          events.provisional(response);
        },
        answered: (response) => events.answered(response),
        failed: (response) => events.failed(response),
      },
      (req, res) => this.#onDeviceEarly(branch, req, res),
      () => {
        this.#branches.delete(branch);
        dialogs.delete(dialogId);
      },
    );
    this.#branches.add(branch);
    dialogs.set(dialogId, (req, res) => this.#onDeviceEarly(branch, req, res));
    return branch;
  }

  connect(branch: Branch, response: BranchResponse): void {
    if (!(branch instanceof InviteBranch) || !(response instanceof LegResponse)) return;
    const { drachtio, dialogs, res, midDialog, callUuid } = this.#options;
    if (this.#finalSent) {
      branch.drop('SIP;cause=487;text="Caller gave up"');
      this.#handle?.hungUp('caller');
      return;
    }
    this.#finalSent = true;
    const purr = purrOf(firstHeader(response.lines, 'contact'));
    new Joint({
      drachtio,
      dialogs,
      callerDialogId: this.#dialogId,
      deviceDialogId: branch.spec.dialogId,
      initialAck: (headers, body) => branch.acknowledge(headers, body),
      onHangUp: (by) => this.#handle?.hungUp(by),
      ...(purr !== undefined &&
        midDialog !== undefined && {
          holdForDevice: (go, refuse) => midDialog.pass({ callUuid, purr, go, refuse }),
        }),
    });
    const headers = toRecord(endToEnd(response.lines, response.body));
    drachtio.respond(res, response.status, response.reason, headers, response.body);
  }

  reject(status: number, reason: string, options: RejectOptions = {}): void {
    if (this.#finalSent) return;
    this.#finalSent = true;
    const { drachtio, dialogs, res } = this.#options;
    dialogs.delete(this.#dialogId);
    const from = options.from instanceof LegResponse ? options.from : undefined;
    const headers = {
      ...toRecord(endToEnd(from?.lines ?? [], from?.body ?? '')),
      ...(options.retryAfter === undefined ? {} : { 'Retry-After': String(options.retryAfter) }),
      ...(options.contact === undefined ? {} : { Contact: `<${options.contact}>` }),
    };
    drachtio.respond(res, status, reason, headers, from?.body ?? '');
  }

  readonly #responses = new WeakMap<BranchResponse, InviteBranch>();

  #branchOf(response: LegResponse): InviteBranch | undefined {
    return this.#responses.get(response);
  }

  #legHeaders(callId: string, fromTag: string): Record<string, string> {
    const maxForwards = Number.parseInt(firstHeader(this.#lines, 'max-forwards') ?? '70', 10);
    return {
      ...toRecord(
        endToEnd(this.#lines, this.#body).filter(([name]) => name.toLowerCase() !== CALL_UUID_HEADER.toLowerCase()),
      ),
      from: withTag(this.#first('from'), fromTag),
      to: withoutTag(this.#first('to')),
      'call-id': callId,
      'max-forwards': String(Math.max(0, (Number.isNaN(maxForwards) ? 70 : maxForwards) - 1)),
      [CALL_UUID_HEADER]: this.#options.callUuid,
    };
  }

  /** PRACK, UPDATE, INFO ... of the caller before the call is answered: they go to the phone that they concern. */
  #onEarlyRequest(req: SrfRequest, res: SrfResponse): void {
    if (req.method === 'ACK') return;
    const { drachtio } = this.#options;
    if (req.method === 'BYE') {
      if (req.source === 'network') drachtio.respond(res, 200, 'OK');
      this.reject(487, 'Request Terminated');
      this.#handle?.cancelled(firstHeader(headerLines(req.msg.raw), 'reason'));
      return;
    }
    if (req.method === 'PRACK') {
      const rack = Number.parseInt(firstHeader(headerLines(req.msg.raw), 'rack') ?? '', 10);
      const reliable = this.#reliable.get(rack);
      this.#reliable.delete(rack);
      if (reliable === undefined) drachtio.respond(res, 481, 'Call/Transaction Does Not Exist');
      else
        relay(drachtio, req, res, reliable.branch.spec.dialogId, () => {}, {
          RAck: reliable.branch.rack(reliable.rseq),
        });
      return;
    }
    const [only, another] = this.#branches;
    if (only === undefined || another !== undefined) drachtio.respond(res, 491, 'Request Pending');
    else relay(drachtio, req, res, only.spec.dialogId, () => {});
  }

  /** UPDATE, INFO ... of a phone before the call is answered. */
  #onDeviceEarly(branch: InviteBranch, req: SrfRequest, res: SrfResponse): void {
    const { drachtio } = this.#options;
    if (req.method === 'ACK') return;
    if (this.#finalSent || this.#branches.size !== 1 || !this.#branches.has(branch)) {
      drachtio.respond(res, 491, 'Request Pending');
    } else {
      relay(drachtio, req, res, this.#dialogId, () => {});
    }
  }

  #first(name: string): string {
    return firstHeader(this.#lines, name) ?? '';
  }
}

/** A provisional that isn't passed on reliably must not say that it were. */
function withoutReliability(lines: HeaderLines, reliable: boolean): HeaderLines {
  return reliable
    ? lines
    : lines.filter(([name, value]) => name.toLowerCase() !== 'require' || !/\b100rel\b/i.test(value));
}
