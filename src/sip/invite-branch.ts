import type { Branch, BranchEvents, BranchResponse } from '../calls/port.js';
import { withConnectedIdentity } from './caller-identity.js';
import { declined } from './declined-offer.js';
import type { Drachtio, SrfRequest, SrfResponse } from './drachtio.js';
import { firstHeader, type HeaderLines, type HeaderRecord, linesOf } from './header-lines.js';
import type { Party } from './joints.js';

/** An INVITE to be sent as a leg. */
export interface InviteSpec {
  /** The branch's id: its Call-ID. */
  readonly id: string;
  /** Whom it is for. */
  readonly party: Party;
  /** Request-URI, with the Route set as `?Route=` (see {@link routed}). */
  readonly uri: string;
  readonly proxy?: string;
  readonly headers: HeaderRecord;
  readonly body: string;
  readonly dialogId: string;
  /** The call has other branches: the caller sees none of this one's early media. */
  readonly forked?: boolean | undefined;
  /** Told of the messages that the branch's own events don't tell of. */
  readonly note?: (way: 'in' | 'out', method: string, status?: number) => void;
}

/** A response of a leg with all that may go on to the caller. */
export class LegResponse implements BranchResponse {
  readonly status: number;
  readonly reason: string;
  readonly local: boolean;
  readonly lines: HeaderLines;
  readonly body: string;
  /** The RSeq of a reliable provisional (RFC 3262). */
  readonly rseq: number | undefined;

  constructor(status: number, reason: string, res?: SrfResponse, from?: Party) {
    this.status = status;
    this.reason = reason;
    const lines = res === undefined ? [] : linesOf(res.msg);
    this.lines = from?.kind === 'device' ? withConnectedIdentity(lines, from.aor) : lines;
    this.body = res?.msg.body ?? '';
    this.local = res === undefined || MADE_HERE.test(firstHeader(this.lines, 'warning') ?? '');
    const rseq = Number(firstHeader(this.lines, 'rseq'));
    this.rseq = status < 200 && Number.isInteger(rseq) && rseq > 0 ? rseq : undefined;
  }
}

/** How the embedded engine marks a response that stands for no answer, or no connection. */
const MADE_HERE = /^399 callwake "/;

/** One INVITE as UAC over drachtio-srf: a leg's way to its device (RFC 3261 9.1, 13.2, 15). */
export class InviteBranch implements Branch {
  readonly #drachtio: Drachtio;
  readonly #events: BranchEvents;
  readonly #onEarlyRequest: (req: SrfRequest, res: SrfResponse) => void;
  #request: SrfRequest | undefined;
  /** The engine's name of the dialog whose 2xx waits for its ACK. */
  #unacknowledged: string | undefined;
  #cseq = 0;
  /** What the 2xx carries. */
  #offer = '';
  #over = false;
  #cancelReason: string | undefined;
  #cancelSent = false;

  constructor(
    drachtio: Drachtio,
    readonly spec: InviteSpec,
    events: BranchEvents,
    /** A request of the device inside the early dialog that srf gives to the INVITE itself (UPDATE). */
    onEarlyRequest: (req: SrfRequest, res: SrfResponse) => void,
    readonly onOver: () => void,
  ) {
    this.#drachtio = drachtio;
    this.#events = events;
    this.#onEarlyRequest = onEarlyRequest;
    this.#send();
  }

  get id(): string {
    return this.spec.id;
  }

  /** After a new connection to the engine: the same INVITE again, under the same Call-ID and From tag, is the one that is under way. */
  resend(): void {
    if (!this.#over && this.#unacknowledged === undefined) this.#send();
  }

  /** `<rseq> <cseq> INVITE`: the RAck of a PRACK for one of this INVITE's reliable provisionals (RFC 3262 7.2). */
  rack(rseq: number): string {
    return `${rseq} ${this.#cseq} INVITE`;
  }

  cancel(reason: string): void {
    if (this.#over || this.#cancelReason !== undefined) return;
    if (this.#unacknowledged !== undefined) {
      this.drop(reason);
      return;
    }
    this.#cancelReason = reason;
    if (this.#request !== undefined) this.#sendCancel(reason);
  }

  drop(reason: string): void {
    if (this.#unacknowledged === undefined) return;
    const answer = this.spec.body === '' ? declined(this.#offer) : '';
    const { dialogId, note } = this.spec;
    this.acknowledge(answer === '' ? {} : { 'content-type': 'application/sdp' }, answer);
    note?.('out', 'ACK');
    this.#drachtio.request({ method: 'BYE', dialogId, headers: { Reason: reason } }, (_error, bye) => {
      if (bye === undefined) return;
      note?.('out', 'BYE');
      bye.on('response', ({ status }: SrfResponse) => note?.('in', 'BYE', status));
    });
    this.#end();
  }

  /** Sends the ACK of the 2xx, once; further calls do nothing. */
  acknowledge(headers: HeaderRecord, body: string): void {
    const dialogId = this.#unacknowledged;
    this.#unacknowledged = undefined;
    if (dialogId !== undefined) this.#drachtio.ackInDialog(dialogId, headers, body);
  }

  #send(): void {
    const { uri, proxy, headers, body } = this.spec;
    this.#request = undefined;
    this.#drachtio.request(
      { method: 'INVITE', uri, headers, body, ...(proxy === undefined ? {} : { proxy }) },
      (error, req) => {
        if (error !== undefined || req === undefined) {
          queueMicrotask(() => this.#fail(new LegResponse(503, error?.message ?? 'Service Unavailable')));
          return;
        }
        this.#request = req;
        this.#cseq = Number.parseInt(firstHeader(linesOf(req.msg), 'cseq') ?? '', 10);
        req.on('response', (res: SrfResponse) => this.#onResponse(res));
        req.on('update', this.#onEarlyRequest);
        if (!this.#drachtio.keepsForSuccessor) this.#events.sent?.(req.stackTxnId);
        if (this.#cancelReason !== undefined) this.#sendCancel(this.#cancelReason);
      },
    );
  }

  #sendCancel(reason: string): void {
    if (this.#cancelSent || this.#request === undefined) return;
    this.#cancelSent = true;
    this.#drachtio.cancel(this.#request.stackTxnId, reason);
  }

  #onResponse(res: SrfResponse): void {
    const response = new LegResponse(res.status, res.reason, res, this.spec.party);
    const told = !this.#over && this.#cancelReason === undefined && res.status > 100;
    if (!told) this.spec.note?.('in', 'INVITE', res.status);
    if (res.status < 200) {
      if (told) this.#events.provisional(response);
      return;
    }
    if (res.status >= 300) {
      this.#fail(response);
      return;
    }
    this.#unacknowledged = res.stackDialogId ?? this.spec.dialogId;
    this.#offer = response.body;
    if (!told) {
      this.drop(this.#cancelReason ?? 'SIP;cause=200;text="Call completed elsewhere"');
      return;
    }
    this.#events.answered(response);
  }

  #fail(response: LegResponse): void {
    if (this.#over) return;
    const wanted = this.#cancelReason === undefined;
    this.#end();
    if (wanted) this.#events.failed(response);
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.onOver();
  }
}

/** A Request-URI that carries its Route set as a URI header: the one way that drachtio-server and the engine both take. */
export function routed(uri: string, path: readonly string[]): { uri: string; proxy?: string } {
  const first = path[0];
  if (first === undefined) return { uri };
  const bare = uri.split('?', 1)[0] ?? uri;
  return {
    uri: `${bare}?Route=${encodeURIComponent(path.join(','))}`,
    proxy: first.replace(/^[^<]*<([^>]*)>.*$/, '$1'),
  };
}
