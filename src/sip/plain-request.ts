import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { SrfRequest, SrfResponse } from './drachtio.js';
import { bodyOf, firstHeader, type HeaderLines, type HeaderRecord, headerLines } from './header-lines.js';

/** Requests of these methods that come outside a dialog begin and end with one answer: there is nothing of theirs that srf would keep track of. */
const PLAIN = /^(?:REGISTER|MESSAGE|OPTIONS|NOTIFY) (\S+) SIP\/2\.0$/;

/**
 * The request in what the engine tells over its control connection (drachtio's protocol), if it is one of those that have to do with
 * no dialog, and if all that concerns it is there. srf takes every message apart before anybody asks; this does when it is asked.
 */
export function plainRequest(frame: string, socket: Socket): PlainRequest | undefined {
  const kind = frame.indexOf('|');
  if (!frame.startsWith('|sip|network|', kind)) return undefined;
  const end = frame.indexOf('\r\n', kind);
  const start = end + 2;
  const startLine = PLAIN.exec(frame.slice(start, frame.indexOf('\r\n', start)));
  const uri = startLine?.[1];
  if (end < 0 || uri === undefined) return undefined;
  const [, , , , protocol, address, port, , transaction, dialog] = frame.slice(0, end).split('|');
  if (protocol === undefined || address === undefined || !transaction || dialog !== '') return undefined;
  const method = frame.slice(start, frame.indexOf(' ', start));
  const sender = { protocol, address, port: Number.parseInt(port ?? '', 10) || 5060 };
  return new PlainRequest(method, uri, frame.slice(start), sender, transaction, socket);
}

/** A message whose parts are read when they are asked for. */
class LazyMessage {
  #lines: HeaderLines | undefined;

  constructor(readonly raw: string) {}

  get lines(): HeaderLines {
    this.#lines ??= headerLines(this.raw);
    return this.#lines;
  }

  get body(): string {
    const body = bodyOf(this.raw);
    const told = Number.parseInt(firstHeader(this.lines, 'content-length') ?? '', 10);
    // Bytes are at least as many as characters.
    if (Number.isNaN(told) || told >= body.length * 4) return body;
    const bytes = Buffer.from(body);
    return told < bytes.length ? bytes.toString('utf8', 0, told) : body;
  }
}

/** A request that was received, with its answer-to-be. */
export class PlainRequest extends EventEmitter implements SrfRequest {
  readonly msg: LazyMessage;
  readonly source = 'network';
  readonly source_address: string;
  readonly source_port: number;
  readonly protocol: string;
  readonly res: SrfResponse;

  constructor(
    readonly method: string,
    readonly uri: string,
    raw: string,
    sender: { readonly protocol: string; readonly address: string; readonly port: number },
    readonly stackTxnId: string,
    public socket: Socket | undefined,
  ) {
    super();
    this.msg = new LazyMessage(raw);
    this.protocol = sender.protocol;
    this.source_address = sender.address;
    this.source_port = sender.port;
    this.res = new PlainResponse(this, socket);
  }
}

/** What a response takes over from its request, as srf has it. */
const OF_THE_REQUEST = ['call-id', 'cseq', 'from', 'to'];

class PlainResponse implements SrfResponse {
  readonly status = 0;
  readonly reason = '';
  finished = false;

  constructor(
    readonly req: PlainRequest,
    public socket: Socket | undefined,
  ) {}

  get msg(): SrfResponse['msg'] {
    const { lines } = this.req.msg;
    const headers: HeaderRecord = {};
    for (const name of OF_THE_REQUEST) {
      const value = firstHeader(lines, name);
      if (value !== undefined) headers[name] = value;
    }
    return { raw: '', headers };
  }
}
