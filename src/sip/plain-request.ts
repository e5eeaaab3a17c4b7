import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { SrfRequest, SrfResponse } from './drachtio.js';
import { firstHeader, type HeaderRecord } from './header-lines.js';
import { LazyMessage } from './lazy-message.js';
import type { SipFrame } from './sip-frame.js';

/** Requests of these methods concern nothing of what srf keeps track of: CANCEL, PRACK and UPDATE have to do with an INVITE before them. */
const PLAIN = /^(INVITE|ACK|BYE|INFO|REGISTER|MESSAGE|OPTIONS|NOTIFY) (\S+) SIP\/2\.0$/;

/**
 * The request in what came from the network, if it is one of those that srf need not see. srf takes every message apart before anybody asks;
 * this does when it is asked.
 */
export function plainRequest(frame: SipFrame, socket: Socket): PlainRequest | undefined {
  const [, method, uri] = PLAIN.exec(frame.start) ?? [];
  return method === undefined || uri === undefined ? undefined : new PlainRequest(method, uri, frame, socket);
}

/** A request that was received, with its answer-to-be. */
export class PlainRequest extends EventEmitter implements SrfRequest {
  readonly msg: LazyMessage;
  readonly source = 'network';
  readonly source_address: string;
  readonly source_port: number;
  readonly protocol: string;
  readonly stackTxnId: string;
  readonly stackDialogId?: string;
  readonly res: SrfResponse;

  constructor(
    readonly method: string,
    readonly uri: string,
    frame: SipFrame,
    public socket: Socket | undefined,
  ) {
    super();
    this.msg = new LazyMessage(frame.raw);
    this.protocol = frame.protocol;
    this.source_address = frame.address;
    this.source_port = frame.port;
    this.stackTxnId = frame.transaction;
    if (frame.dialog !== '') this.stackDialogId = frame.dialog;
    this.res = new PlainResponse(this, socket);
  }
}

/** What a response takes over from its request, as srf has it. */
const OF_THE_REQUEST = ['call-id', 'cseq', 'from', 'to'];

class PlainResponse implements SrfResponse {
  readonly status = 0;
  readonly reason = '';
  finished = false;
  #msg: SrfResponse['msg'] | undefined;

  constructor(
    readonly req: PlainRequest,
    public socket: Socket | undefined,
  ) {}

  get msg(): SrfResponse['msg'] {
    this.#msg ??= { raw: '', headers: this.#headers() };
    return this.#msg;
  }

  #headers(): HeaderRecord {
    const { lines } = this.req.msg;
    const headers: HeaderRecord = {};
    for (const name of OF_THE_REQUEST) {
      const value = firstHeader(lines, name);
      if (value !== undefined) headers[name] = value;
    }
    return headers;
  }
}
