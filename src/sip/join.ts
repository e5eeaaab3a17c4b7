import type { Dialogs } from './dialogs.js';
import type { Drachtio, SrfResponse } from './drachtio.js';
import { endToEnd, firstHeader, type HeaderLines, toRecord } from './header-lines.js';
import { Joint, type Side } from './joint.js';
import { type MidDialogHold, purrOf } from './mid-dialog.js';
import type { PendingAck } from './relay.js';

/** The 2xx of a device, as far as the caller gets to see it. */
export interface Answer {
  readonly status: number;
  readonly reason: string;
  readonly lines: HeaderLines;
  readonly body: string;
}

export interface JoinOptions {
  readonly drachtio: Drachtio;
  readonly dialogs: Dialogs;
  readonly callUuid: string;
  readonly callerDialogId: string;
  readonly deviceDialogId: string;
  readonly answer: Answer;
  readonly initialAck?: PendingAck;
  readonly resumed?: boolean;
  readonly midDialog?: MidDialogHold;
  readonly onHangUp: (by: Side) => void;
}

/** Joins the caller's dialog to that of the device that answered. */
export function joinCall({ answer, callUuid, midDialog, ...options }: JoinOptions): Joint {
  const purr = purrOf(firstHeader(answer.lines, 'contact'));
  return new Joint({
    ...options,
    ...(purr !== undefined &&
      midDialog !== undefined && {
        holdForDevice: (go, refuse) => midDialog.pass({ callUuid, purr, go, refuse }),
      }),
  });
}

/** Answers the caller with the 2xx of the device. */
export function answerCaller(drachtio: Drachtio, res: SrfResponse, { status, reason, lines, body }: Answer): void {
  drachtio.respond(res, status, reason, toRecord(endToEnd(lines, body)), body);
}
