import type { WireNote } from '../calls/wire-note.js';
import type { Clock } from '../clock/clock.js';
import { parseNameAddr } from '../grammar/name-addr.js';
import { parseUri } from '../grammar/uri.js';
import { branchTag, type Dialogs, deviceDialogId } from './dialogs.js';
import type { Drachtio } from './drachtio.js';
import {
  endToEnd,
  firstHeader,
  type HeaderLines,
  type HeaderRecord,
  headerLines,
  linesOf,
  toRecord,
} from './header-lines.js';
import { type Hold, Joint, type Side } from './joint.js';
import type { JointSide, Joints, Party } from './joints.js';
import { type MidDialogHold, purrOf } from './mid-dialog.js';
import type { PendingAck } from './relay.js';
import { translateReferTo } from './replaces.js';
import { tagOf } from './tags.js';

/** The 2xx of a device, as far as the caller gets to see it. */
export interface Answer {
  readonly status: number;
  readonly reason: string;
  readonly lines: HeaderLines;
  readonly body: string;
}

/** Who calls. */
export interface CallerEnd {
  readonly dialogId: string;
  /** Header fields of the INVITE. */
  readonly lines: HeaderLines;
  readonly party: Party;
}

/** Who has answered. */
export interface AnsweringEnd {
  readonly branchId: string;
  readonly answer: Answer;
  readonly party: Party;
}

export interface JoinOptions {
  readonly drachtio: Drachtio;
  readonly dialogs: Dialogs;
  readonly joints: Joints;
  readonly isOwnAddress: (host: string) => boolean;
  readonly callUuid: string;
  readonly caller: CallerEnd;
  readonly device: AnsweringEnd;
  readonly initialAck?: PendingAck;
  readonly resumed?: boolean;
  /** The engine hands over nothing of the caller's dialog: ask both ends whether they are there. */
  readonly watch?: Clock;
  readonly midDialog?: MidDialogHold;
  readonly onHangUp: (by: Side | 'operator') => void;
  /** Told of each message inside the two dialogs, but of a BYE that comes. */
  readonly note?: (note: WireNote) => void;
}

/** Joins the caller's dialog to that of the device, or trunk peer, that answered. Gives what takes the caller's 2xx as it was sent. */
export function joinCall(options: JoinOptions): (sent: string | undefined) => void {
  const { drachtio, dialogs, joints, isOwnAddress, callUuid, caller, device, midDialog } = options;
  let callerTag: string | undefined;
  const { lines } = caller;
  const callerSide: JointSide = {
    dialogId: caller.dialogId,
    callId: firstHeader(lines, 'call-id') ?? '',
    ourTag: () => callerTag,
    peerTag: tagOf(firstHeader(lines, 'from') ?? ''),
    contact: uriOf(firstHeader(lines, 'contact')),
    party: caller.party,
  };
  const { branchId, answer } = device;
  const deviceSide: JointSide = {
    dialogId: deviceDialogId(branchId),
    callId: branchId,
    ourTag: () => branchTag(branchId),
    peerTag: tagOf(firstHeader(answer.lines, 'to') ?? ''),
    contact: uriOf(firstHeader(answer.lines, 'contact')),
    party: device.party,
  };
  const remove = joints.add(callerSide, deviceSide, { callUuid, hangUp: (reason) => joint.end(reason) });
  const ends = { caller: endOf(caller.party), device: endOf(device.party) };
  const joint: Joint = new Joint({
    drachtio,
    dialogs,
    callerDialogId: callerSide.dialogId,
    deviceDialogId: deviceSide.dialogId,
    initialAck: options.initialAck,
    resumed: options.resumed,
    watch: options.watch,
    isPhone: (side) => (side === 'caller' ? caller : device).party.kind === 'device',
    onHangUp: options.onHangUp,
    onOver: remove,
    note: (side, way, method, status) => options.note?.({ way, ...ends[side], method, status }),
    onRequest: (side, req) => {
      if (side === 'caller') callerTag ??= tagOf(firstHeader(linesOf(req.msg), 'to') ?? '') || undefined;
    },
    referTo: (value) => translated(value, joints, isOwnAddress),
    // RFC 8599 section 6.2.3, whichever side the phone is on: it may have made the call, or both ends may be phones.
    holdFor: { caller: holdFor(lines, callUuid, midDialog), device: holdFor(answer.lines, callUuid, midDialog) },
  });
  return (sent) => {
    if (sent !== undefined) callerTag = tagOf(firstHeader(headerLines(sent), 'to') ?? '') || callerTag;
  };
}

/** Who that is in a call's timeline. */
export function endOf(party: Party): Pick<WireNote, 'party' | 'device'> {
  return party.kind === 'trunk' ? { party: 'trunk' } : { party: 'phone', device: party.deviceId };
}

/** Holds requests toward the phone whose Contact this is, if it gave a PURR in it. */
function holdFor(lines: HeaderLines, callUuid: string, midDialog: MidDialogHold | undefined): Hold | undefined {
  const purr = purrOf(firstHeader(lines, 'contact'));
  if (purr === undefined || midDialog === undefined) return undefined;
  return (go, refuse) => midDialog.pass({ callUuid, purr, go, refuse });
}

/** What the caller is answered with for the 2xx of the device. */
export function callerAnswer({ status, reason, lines, body }: Answer): {
  status: number;
  reason: string;
  headers: HeaderRecord;
  body: string;
} {
  return { status, reason, headers: toRecord(endToEnd(lines, body)), body };
}

/**
 * A Refer-To whose Replaces names a dialog of callwake's own, as whoever is referred has to use it: the dialog on the other side of that
 * call, and, where the URI is callwake's own address, that of the party there.
 */
function translated(value: string, joints: Joints, isOwnAddress: (host: string) => boolean): string {
  return translateReferTo(value, (name, uri) => {
    const found = joints.find(name);
    if (found === undefined || found.asIs) return undefined;
    const { contact } = found.side;
    return { name: found.name, uri: contact !== undefined && isOwnAddress(hostOf(uri)) ? contact : uri };
  });
}

function uriOf(contact: string | undefined): string | undefined {
  if (contact === undefined) return undefined;
  try {
    return parseNameAddr(contact).uri;
  } catch {
    return undefined;
  }
}

function hostOf(uri: string): string {
  try {
    return parseUri(uri).host;
  } catch {
    return '';
  }
}
