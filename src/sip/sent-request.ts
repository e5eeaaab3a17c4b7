import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { SrfRequest, SrfResponse } from './drachtio.js';
import { firstHeader, type HeaderRecord } from './header-lines.js';
import { LazyMessage } from './lazy-message.js';
import type { SipFrame } from './sip-frame.js';

/** A request that the engine has sent; its `response` event tells of each response. */
export class SentRequest extends EventEmitter implements SrfRequest {
  readonly msg: LazyMessage;
  readonly source = 'application';
  readonly source_address = '';
  readonly source_port = 0;
  readonly protocol = '';

  /** @param raw what the engine says of it */
  constructor(
    readonly method: string,
    readonly uri: string,
    raw: string,
    readonly stackTxnId: string,
    public socket: Socket | undefined,
  ) {
    super();
    this.msg = new LazyMessage(raw);
  }

  /** srf looks for the Call-ID of an UPDATE among the requests that were sent. */
  get(name: string): string | undefined {
    return firstHeader(this.msg.lines, name);
  }
}

/** A response that was received. */
export class ReceivedResponse implements SrfResponse {
  readonly msg: SrfResponse['msg'];
  readonly stackDialogId?: string;
  finished = false;

  constructor(
    readonly status: number,
    readonly reason: string,
    frame: SipFrame,
    readonly req: SrfRequest,
    public socket: Socket | undefined,
  ) {
    this.msg = new ReceivedMessage(frame.raw);
    if (frame.dialog !== '') this.stackDialogId = frame.dialog;
  }
}

class ReceivedMessage extends LazyMessage {
  readonly headers: HeaderRecord = {};
}

const STATUS_LINE = /^SIP\/2\.0\s+(\d{3})\s*(.*)$/;

/** The response in what came from the network, to that request; undefined when it is none. */
export function responseTo(req: SrfRequest, frame: SipFrame, socket: Socket): ReceivedResponse | undefined {
  const [, status, reason = ''] = STATUS_LINE.exec(frame.start) ?? [];
  return status === undefined ? undefined : new ReceivedResponse(Number(status), reason, frame, req, socket);
}

/** Why the engine did not send a request; a dialog that it doesn't know any more has a code, as with srf. */
export function notSent(why = 'request failed'): Error {
  const error = new Error(why);
  return /unable to find dialog/i.test(why) ? Object.assign(error, { code: 'ENODIALOG' }) : error;
}
