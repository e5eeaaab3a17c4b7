import type { CallHandle } from '../calls/incoming.js';
import type { Branch, BranchEvents, BranchResponse, CallPort, RejectOptions, TrunkTarget } from '../calls/port.js';
import type { WireNote } from '../calls/wire-note.js';
import type { Clock } from '../clock/clock.js';
import type { Binding, Device } from '../devices/types.js';
import { splitList } from '../grammar/list.js';
import type { Peer } from '../trunks/peer.js';
import type { Trunk } from '../trunks/trunk.js';
import { withPrivacy } from './caller-identity.js';
import { branchTag, callerDialogId, type Dialogs, deviceDialogId } from './dialogs.js';
import { type Drachtio, type SavedInvite, type SrfRequest, type SrfResponse, slim } from './drachtio.js';
import { finalHeaders } from './final-headers.js';
import {
  bodyOf,
  endToEnd,
  firstHeader,
  type HeaderLines,
  type HeaderRecord,
  headerLines,
  linesOf,
  toRecord,
} from './header-lines.js';
import { InviteBranch, LegResponse, routed } from './invite-branch.js';
import { callerAnswer, endOf, joinCall } from './join.js';
import type { Joints, Party } from './joints.js';
import type { MidDialogHold } from './mid-dialog.js';
import { type DialogEnd, type RelayNote, relay } from './relay.js';
import { retargeted } from './retarget.js';
import { asksForSips, takesSips } from './sips.js';
import { withoutTag, withTag } from './tags.js';
import { TrunkBranch } from './trunk-branch.js';
import { addressOf, branchIdFor, drawFor } from './trunk-leg.js';

/** Header that carries the CallKit UUID in the INVITE of every leg; the push payload has the same. */
export const CALL_UUID_HEADER = 'X-Callwake-Call-UUID';

/** What all calls on the wire share. */
export interface Wire {
  readonly drachtio: Drachtio;
  readonly dialogs: Dialogs;
  readonly clock: Clock;
  readonly trunks: ReadonlyMap<string, Trunk>;
  /** How long a peer of that trunk may stay silent before the next one is tried. */
  readonly failoverAfterOf: (trunk: string) => number;
  /** Holds requests of an answered call for a device that sleeps. */
  readonly midDialog?: MidDialogHold;
  readonly joints: Joints;
  /** Whether callwake itself listens at that host. */
  readonly isOwnAddress: (host: string) => boolean;
}

export interface TrunkCallOptions {
  readonly wire: Wire;
  readonly callUuid: string;
  readonly invite: SavedInvite;
  /** Who calls. */
  readonly party: Party;
  /** The INVITE's header fields as they may go on, if not as they came. */
  readonly lines?: HeaderLines;
  readonly req?: SrfRequest;
  /** Its answer; without one the INVITE is over, and only late devices are left to be told. */
  readonly res?: SrfResponse;
  /** It came to a process before this one, over an engine that won't hand over what comes in the caller's dialog. */
  readonly adopted?: boolean;
  /** The caller gets its final response, or has cancelled and got it from the engine. */
  readonly onFinal?: (call: TrunkCall, final?: FinalResponse) => void;
  /** The engine has sent that response. */
  readonly onConfirmed?: (call: TrunkCall) => void;
}

/** The final response to an INVITE. */
export interface FinalResponse {
  readonly status: number;
  readonly reason: string;
  readonly headers: HeaderRecord;
  readonly body: string;
  /** Gets it as it left. */
  readonly sent?: (raw: string) => void;
}

/**
 * A call on the wire, from the trunk or from a device: answers the caller as UAS and calls each device, or the trunk, as UAC, yet looks
 * like a proxy to both: all that isn't tied to a leg goes through untouched.
 */
export class TrunkCall implements CallPort {
  readonly #options: TrunkCallOptions;
  readonly #dialogId: string;
  readonly #branches = new Set<InviteBranch>();
  /** Reliable provisionals that went upstream: our RSeq, and whose they are. */
  readonly #reliable = new Map<number, { branch: InviteBranch; rseq: number }>();
  #handle: CallHandle | undefined;
  #res: SrfResponse | undefined;

  constructor(options: TrunkCallOptions) {
    this.#options = options;
    this.#dialogId = callerDialogId(options.req === undefined ? this.#lines : linesOf(options.req.msg));
    if (options.req !== undefined && options.res !== undefined) this.serve(options.req, options.res);
  }

  /** Read again each time: a call is held for long, and asks for this twice. */
  get #lines(): HeaderLines {
    return this.#options.lines ?? headerLines(this.#options.invite.raw);
  }

  /** Every hop has to be over TLS. */
  get #sips(): boolean {
    return asksForSips(this.#options.invite.raw);
  }

  get #body(): string {
    return bodyOf(this.#options.invite.raw);
  }

  /** The INVITE came, or came again over a new connection to the engine. */
  serve(req: SrfRequest, res: SrfResponse): void {
    const { dialogs } = this.#options.wire;
    this.#res = res;
    slim(req);
    dialogs.set(this.#dialogId, (early, answer) => this.#onEarlyRequest(early, answer));
    req.on('update', (update: SrfRequest, answer: SrfResponse) => this.#onEarlyRequest(update, answer));
    req.on('cancel', (cancel: { raw?: string }) => {
      if (this.#res === res) this.callerGone(firstHeader(headerLines(cancel.raw ?? ''), 'reason'));
    });
  }

  /** The caller has sent CANCEL, with that Reason. Nothing happens when the INVITE has its final response. */
  callerGone(reason?: string): void {
    if (this.#res === undefined) return;
    this.#res = undefined;
    this.#options.onFinal?.(this);
    this.#options.wire.dialogs.delete(this.#dialogId);
    const party = endOf(this.#options.party);
    this.#handle?.cancelled(reason, [
      { way: 'out', ...party, method: 'CANCEL', status: 200, by: 'engine' },
      { way: 'out', ...party, method: 'INVITE', status: 487, by: 'engine' },
    ]);
  }

  /** The connection to the engine is a new one. */
  reconnected(): void {
    for (const branch of this.#branches) branch.resend();
  }

  get saved(): SavedInvite {
    return this.#options.invite;
  }

  get dialogId(): string {
    return this.#dialogId;
  }

  get callUuid(): string {
    return this.#options.callUuid;
  }

  /** The caller has sent CANCEL. */
  get cancelled(): boolean {
    return this.#res === undefined;
  }

  /** Whom to tell what the caller does. */
  attach(handle: CallHandle): void {
    this.#handle = handle;
  }

  provisional(status: number, reason: string, from?: BranchResponse): void {
    const res = this.#res;
    if (res === undefined) return;
    const { drachtio } = this.#options.wire;
    const leg = from instanceof LegResponse ? from : undefined;
    const branch = leg === undefined ? undefined : this.#branchOf(leg);
    const body = leg !== undefined && this.#branches.size === 1 && !branch?.spec.forked ? leg.body : '';
    const headers = toRecord(endToEnd(withoutReliability(leg?.lines ?? [], leg?.rseq !== undefined), body));
    const theirs = leg?.rseq;
    const note = (sent: string | undefined): void => {
      const rseq = Number(sent === undefined ? undefined : firstHeader(headerLines(sent), 'rseq'));
      if (branch !== undefined && theirs !== undefined && Number.isInteger(rseq)) {
        this.#reliable.set(rseq, { branch, rseq: theirs });
      }
    };
    drachtio.respond(res, status, reason, headers, body, theirs === undefined ? undefined : note);
    this.#tell('out', 'INVITE', status);
  }

  startBranch(
    { aor, id: deviceId }: Pick<Device, 'aor' | 'id'>,
    binding: Binding,
    events: BranchEvents,
    id: string,
    forked?: boolean,
  ): Branch {
    const { drachtio } = this.#options.wire;
    if (this.#sips && !takesSips(binding)) return refusedBranch(id, events);
    const party: Party = { kind: 'device', aor, deviceId };
    const lines = forked ? withoutOption(this.#lines, '100rel') : this.#lines;
    return this.#invite({ id, party, forked, ...routed(binding.uri, drachtio.flows.pathTo(binding)) }, lines, events);
  }

  cancelLeft(transaction: string | undefined, reason: string): boolean {
    const { drachtio } = this.#options.wire;
    if (drachtio.keepsForSuccessor) return false;
    if (transaction !== undefined) drachtio.cancel(transaction, reason);
    return true;
  }

  startTrunkBranch(target: TrunkTarget, events: BranchEvents): Branch {
    const { clock, trunks, failoverAfterOf } = this.#options.wire;
    const inService = trunks.get(target.trunk)?.route(drawFor(this.#dialogId)) ?? [];
    const peers = this.#sips ? inService.filter(({ options }) => options.transport === 'tls') : inService;
    if (peers.length === 0 && this.#sips) return refusedBranch('', events);
    const invite = (peer: Peer, peerEvents: BranchEvents): InviteBranch => {
      const { retargeted: before } = target;
      const where = addressOf(target, peer.options, this.#sips);
      const lines = before === undefined ? this.#lines : retargeted(this.#lines, { ...before, to: where.uri });
      const party: Party = { kind: 'trunk', trunk: target.trunk };
      return this.#invite({ id: branchIdFor(this.#dialogId, peer.name), party, ...where }, lines, peerEvents);
    };
    return new TrunkBranch({ clock, peers, failoverAfter: failoverAfterOf(target.trunk), invite }, events);
  }

  connect(branch: Branch, response: BranchResponse): void {
    const invite = branch instanceof TrunkBranch ? branch.invite : branch;
    if (!(invite instanceof InviteBranch) || !(response instanceof LegResponse)) return;
    const { callUuid, party, wire, adopted } = this.#options;
    const res = this.#res;
    if (res === undefined) {
      invite.drop('SIP;cause=487;text="Caller gave up"');
      this.#handle?.hungUp('caller');
      return;
    }
    const onSent = joinCall({
      ...wire,
      callUuid,
      caller: { dialogId: this.#dialogId, lines: headerLines(this.#options.invite.raw), party },
      device: { branchId: invite.id, answer: response, party: invite.spec.party },
      ...(adopted
        ? { watch: wire.clock }
        : { initialAck: (headers: HeaderRecord, body: string) => invite.acknowledge(headers, body) }),
      onHangUp: (by) => this.#handle?.hungUp(by),
      note: (note) => this.#handle?.wire(note),
    });
    if (adopted) {
      invite.acknowledge({}, '');
      invite.spec.note?.('out', 'ACK');
    }
    this.#sendFinal(res, { ...callerAnswer(response), sent: onSent });
    this.#tell('out', 'INVITE', response.status);
  }

  reject(status: number, reason: string, options: RejectOptions = {}, sent: () => void = () => {}): void {
    const res = this.#res;
    if (res === undefined) {
      sent();
      return;
    }
    this.#options.wire.dialogs.delete(this.#dialogId);
    const from = options.from instanceof LegResponse ? options.from : undefined;
    const headers = finalHeaders(status, options, from);
    this.#sendFinal(res, { status, reason, headers, body: from?.body ?? '', sent });
  }

  /** The one final response. */
  #sendFinal(res: SrfResponse, final: FinalResponse): void {
    const { wire, onFinal, onConfirmed } = this.#options;
    this.#res = undefined;
    onFinal?.(this, final);
    sendFinal(wire.drachtio, res, final, () => onConfirmed?.(this));
  }

  readonly #responses = new WeakMap<BranchResponse, InviteBranch>();

  #branchOf(response: LegResponse): InviteBranch | undefined {
    return this.#responses.get(response);
  }

  /** Sends the INVITE as a leg. */
  #invite(
    where: { id: string; party: Party; uri: string; proxy?: string; forked?: boolean | undefined },
    lines: HeaderLines,
    events: BranchEvents,
  ): InviteBranch {
    const { id } = where;
    const { drachtio, dialogs } = this.#options.wire;
    const dialogId = deviceDialogId(id);
    const seen = where.party.kind === 'device' ? withPrivacy(lines) : lines;
    const end = endOf(where.party);
    const body = this.#body;
    const spec = {
      ...where,
      dialogId,
      body,
      headers: this.#legHeaders(seen, body, id, branchTag(id)),
      note: (way: WireNote['way'], method: string, status?: number) =>
        this.#handle?.wire({ way, ...end, method, status }),
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
        sent: (transaction) => events.sent?.(transaction),
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

  #legHeaders(lines: HeaderLines, body: string, callId: string, fromTag: string): HeaderRecord {
    const own = this.#lines;
    const maxForwards = Number.parseInt(firstHeader(own, 'max-forwards') ?? '70', 10);
    const headers = toRecord(
      endToEnd(lines, body).filter(([name]) => name.toLowerCase() !== CALL_UUID_HEADER.toLowerCase()),
    );
    headers.from = withTag(firstHeader(own, 'from') ?? '', fromTag);
    headers.to = withoutTag(firstHeader(own, 'to') ?? '');
    headers['call-id'] = callId;
    headers['max-forwards'] = String(Math.max(0, (Number.isNaN(maxForwards) ? 70 : maxForwards) - 1));
    headers[CALL_UUID_HEADER] = this.#options.callUuid;
    return headers;
  }

  /** PRACK, UPDATE, INFO ... of the caller before the call is answered: they go to the phone that they concern. */
  #onEarlyRequest(req: SrfRequest, res: SrfResponse): void {
    if (req.method === 'ACK') return;
    const { drachtio } = this.#options.wire;
    if (req.method === 'BYE') {
      if (req.source === 'network') drachtio.respond(res, 200, 'OK');
      this.reject(487, 'Request Terminated');
      const party = endOf(this.#options.party);
      this.#handle?.cancelled(firstHeader(headerLines(req.msg.raw), 'reason'), [
        { way: 'out', ...party, method: 'BYE', status: 200 },
        { way: 'out', ...party, method: 'INVITE', status: 487 },
      ]);
      return;
    }
    this.#tell('in', req.method);
    if (req.method === 'PRACK') {
      const rack = Number.parseInt(firstHeader(headerLines(req.msg.raw), 'rack') ?? '', 10);
      const reliable = this.#reliable.get(rack);
      this.#reliable.delete(rack);
      if (reliable === undefined) this.#refuse(req, res, 481, 'Call/Transaction Does Not Exist');
      else
        relay(drachtio, req, res, this.#farEnd(reliable.branch), () => {}, {
          RAck: reliable.branch.rack(reliable.rseq),
        });
      return;
    }
    const [only, another] = this.#branches;
    if (only === undefined || another !== undefined) this.#refuse(req, res, 491, 'Request Pending');
    else relay(drachtio, req, res, this.#farEnd(only), () => {});
  }

  #refuse(req: SrfRequest, res: SrfResponse, status: number, reason: string): void {
    this.#options.wire.drachtio.respond(res, status, reason);
    this.#tell('out', req.method, status);
  }

  /** A message between callwake and the caller, for the timeline. */
  #tell(way: WireNote['way'], method: string, status?: number): void {
    this.#handle?.wire({ way, ...endOf(this.#options.party), method, status });
  }

  #farEnd({ spec }: InviteBranch): DialogEnd & { readonly phones: { here: boolean; there: boolean } } {
    const phones = { here: this.#options.party.kind === 'device', there: spec.party.kind === 'device' };
    const note: RelayNote = (end, ...message) => (end === 'here' ? this.#tell(...message) : spec.note?.(...message));
    return { dialogId: spec.dialogId, phones, note };
  }

  /** UPDATE, INFO ... of a phone before the call is answered. */
  #onDeviceEarly(branch: InviteBranch, req: SrfRequest, res: SrfResponse): void {
    const { drachtio } = this.#options.wire;
    if (req.method === 'ACK') return;
    const { note: tell } = branch.spec;
    tell?.('in', req.method);
    if (this.#res === undefined || this.#branches.size !== 1 || !this.#branches.has(branch)) {
      drachtio.respond(res, 491, 'Request Pending');
      tell?.('out', req.method, 491);
    } else {
      const { here, there } = this.#farEnd(branch).phones;
      const note: RelayNote = (end, ...message) => (end === 'here' ? tell?.(...message) : this.#tell(...message));
      const caller = { dialogId: this.#dialogId, phones: { here: there, there: here }, note };
      relay(drachtio, req, res, caller, () => {});
    }
  }
}

/** A branch that can't go out, as what it is for must not go in clear: as if its end had said so. */
function refusedBranch(id: string, events: BranchEvents): Branch {
  let over = false;
  const end = (): void => {
    over = true;
  };
  queueMicrotask(() => {
    if (!over) events.failed({ status: 416, reason: 'Unsupported URI Scheme' });
  });
  return { id, cancel: end, drop: end };
}

/** Answers an INVITE; `confirmed` is told when the engine has sent it. */
export function sendFinal(drachtio: Drachtio, res: SrfResponse, final: FinalResponse, confirmed: () => void): void {
  const { status, reason, headers, body, sent } = final;
  drachtio.respond(res, status, reason, headers, body, (raw) => {
    if (raw === undefined) return;
    confirmed();
    sent?.(raw);
  });
}

/** A provisional that isn't passed on reliably must not say that it were. */
function withoutReliability(lines: HeaderLines, reliable: boolean): HeaderLines {
  return reliable
    ? lines
    : lines.filter(([name, value]) => name.toLowerCase() !== 'require' || !/\b100rel\b/i.test(value));
}

/** Without that option tag in Supported: a fork's several offers and answers can't all reach a caller that sees one dialog (RFC 3262). */
function withoutOption(lines: HeaderLines, option: string): HeaderLines {
  return lines.flatMap(([name, value]) => {
    if (!/^supported$/i.test(name)) return [[name, value] as const];
    const left = splitList(value).filter((tag) => tag.toLowerCase() !== option);
    return left.length === 0 ? [] : [[name, left.join(', ')] as const];
  });
}
