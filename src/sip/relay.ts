import type { Binding } from '../devices/types.js';
import { withoutAssertions } from './caller-identity.js';
import type { Drachtio, OutgoingRequest, SrfMessage, SrfRequest, SrfResponse } from './drachtio.js';
import { endToEnd, type HeaderLines, type HeaderRecord, linesOf, toRecord } from './header-lines.js';

/** An INVITE that was relayed inside a dialog and answered 2xx: its ACK is due from the side that sent it. */
export type PendingAck = (headers: HeaderRecord, body: string) => void;

/** The far end of a dialog. */
export interface DialogEnd {
  readonly dialogId: string;
  /** Where it has registered since; the dialog goes there from now on. */
  readonly moved?: Binding | undefined;
  /** Which ends are phones: what a phone asserts of identities does not go on (RFC 3325 section 5). */
  readonly phones?: { readonly here: boolean; readonly there: boolean } | undefined;
  /** Told of each message but the request that came: `here` is who sent that, `there` the far end. */
  readonly note?: RelayNote;
}

/** Takes a message that was relayed, or its answer (`status`). */
export type RelayNote = (end: 'here' | 'there', way: 'in' | 'out', method: string, status?: number) => void;

/** Where a request of a dialog goes: by the dialog, or, with `?Route=`, to the Contact and over the Path of a binding. */
export function inDialog({ dialogId, moved }: DialogEnd): Pick<OutgoingRequest, 'dialogId' | 'uri'> {
  if (moved === undefined) return { dialogId };
  return { dialogId, uri: `${moved.uri.split('?')[0]}?Route=${encodeURIComponent(moved.path.join(','))}` };
}

/**
 * Sends a request that came inside one dialog on inside another, and the answer back: headers and body untouched.
 * `onAckDue` gets the ACK of a re-INVITE's 2xx, to be sent when the other side's ACK has come, since that may carry the answer
 * (RFC 3264 section 4). `extra` header fields take the place of those of the same name. `onFinal` is told when the request has its final answer.
 */
export function relay(
  drachtio: Drachtio,
  req: SrfRequest,
  res: SrfResponse,
  to: DialogEnd,
  onAckDue: (ack: PendingAck) => void,
  extra: HeaderRecord = {},
  onFinal: () => void = () => {},
): void {
  const body = req.msg.body ?? '';
  const replaced = new Set(Object.keys(extra).map((name) => name.toLowerCase()));
  const lines = passable(req.msg, body, to.phones?.here).filter(([name]) => !replaced.has(name.toLowerCase()));
  const headers = { ...toRecord(lines), ...extra };
  const request: OutgoingRequest = { method: req.method, ...inDialog(to), headers, body };
  drachtio.request(request, (error, sent) => {
    if (error !== undefined || sent === undefined) {
      onFinal();
      const status = isGone(error) ? 481 : 503;
      drachtio.respond(res, status, status === 481 ? 'Call/Transaction Does Not Exist' : 'Service Unavailable');
      to.note?.('here', 'out', req.method, status);
      return;
    }
    to.note?.('there', 'out', req.method);
    if (req.method === 'INVITE')
      req.on('cancel', () => {
        drachtio.cancel(sent.stackTxnId, 'SIP;cause=487;text="Request Terminated"');
        to.note?.('there', 'out', 'CANCEL');
      });
    sent.on('response', (answer: SrfResponse) => {
      if (answer.status === 100) return;
      if (answer.status >= 200) onFinal();
      to.note?.('there', 'in', req.method, answer.status);
      if (req.method === 'INVITE' && answer.status >= 200 && answer.status < 300) {
        onAckDue((ackHeaders, ackBody) =>
          drachtio.ackInDialog(answer.stackDialogId ?? to.dialogId, ackHeaders, ackBody),
        );
      }
      passOn(drachtio, answer, res, to.phones?.there);
      to.note?.('here', 'out', req.method, answer.status);
    });
  });
}

/** Header fields of a message inside a dialog that go on. */
export function passable(msg: SrfMessage, body: string, fromPhone = false): HeaderLines {
  const lines = endToEnd(linesOf(msg), body);
  return fromPhone ? withoutAssertions(lines) : lines;
}

/** Answers with what the other side answered. */
export function passOn(drachtio: Drachtio, answer: SrfResponse, res: SrfResponse, fromPhone = false): void {
  const body = answer.msg.body ?? '';
  const headers = toRecord(passable(answer.msg, body, fromPhone));
  drachtio.respond(res, answer.status, answer.reason, headers, body);
}

function isGone(error: Error | undefined): boolean {
  return error !== undefined && 'code' in error && error.code === 'ENODIALOG';
}
