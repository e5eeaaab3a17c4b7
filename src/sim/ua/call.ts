import { parseUri } from '../../grammar/uri.js';
import type { Dialog } from './dialog.js';
import { Repeat } from './repeat.js';
import { sdpAnswer, sdpOffer } from './sdp.js';
import type { ServerTransaction, SipMessage, SipRequest, SipResponse } from './stack.js';
import { type CallEnd, CallFailedError, type RequestExtras, type SeenResponse, type SimCall } from './types.js';
import type { UserAgent } from './user-agent.js';

/** What a simulator wants to hear of its calls. */
export interface CallListener {
  onState?(state: 'ringing' | 'answered' | 'ended', end?: CallEnd): void;
  onResponse?(response: SeenResponse): void;
  onRequest?(request: SipRequest): void;
}

interface Waiter {
  readonly matches: (status: number) => boolean;
  readonly resolve: (response: SeenResponse) => void;
  readonly reject: (error: Error) => void;
}

/** What calls of both directions share: the dialog, its requests, and the promises of {@link SimCall}. */
export abstract class Call implements SimCall {
  abstract readonly direction: 'out' | 'in';
  abstract readonly callId: string;
  abstract readonly localTag: string;
  abstract readonly callUuid: string | undefined;
  readonly answered: Promise<SeenResponse>;
  readonly ended: Promise<CallEnd>;
  /** Session-ID (RFC 7989) of both sides, once there is one. */
  session: { readonly local: string; remote: string } | undefined;
  listener: CallListener = {};
  protected readonly ua: UserAgent;
  protected dialog: Dialog | undefined;
  readonly #rtpPort: number;
  #sdpVersion = 0;
  #remoteSdp: string | undefined;
  #state: SimCall['state'] = 'calling';
  #responses: SeenResponse[] = [];
  #requests: { readonly method: string; readonly message: SipMessage; readonly at: number }[] = [];
  #waiters = new Set<Waiter>();
  #repeats = new Map<number, Repeat>();
  #settle: { answered(response: SeenResponse): void; failed(error: Error): void; ended(end: CallEnd): void };

  constructor(ua: UserAgent) {
    this.ua = ua;
    this.#rtpPort = 16384 + 2 * Math.floor(Math.random() * 8192);
    let answered: (response: SeenResponse) => void = () => {};
    let failed: (error: Error) => void = () => {};
    let ended: (end: CallEnd) => void = () => {};
    this.answered = new Promise((resolve, reject) => {
      answered = resolve;
      failed = reject;
    });
    this.answered.catch(() => {});
    this.ended = new Promise((resolve) => {
      ended = resolve;
    });
    this.#settle = { answered, failed, ended };
  }

  get state(): SimCall['state'] {
    return this.#state;
  }

  get responses(): readonly SeenResponse[] {
    return this.#responses;
  }

  get requests(): SimCall['requests'] {
    return this.#requests;
  }

  get remoteSdp(): string | undefined {
    return this.#remoteSdp;
  }

  abstract accept(): void;

  abstract cancel(reason?: string): void;

  response(status: number | '1xx' | '18x'): Promise<SeenResponse> {
    const matches = (value: number): boolean =>
      status === '1xx' ? value < 200 : status === '18x' ? value >= 180 && value < 190 : value === status;
    const seen = this.#responses.find((response) => matches(response.status));
    if (seen) return Promise.resolve(seen);
    if (this.#state === 'ended') return Promise.reject(new Error(`the call is over, without a ${status}`));
    return new Promise((resolve, reject) => this.#waiters.add({ matches, resolve, reject }));
  }

  async hangup(reason?: string): Promise<void> {
    if (this.#state === 'ended') return;
    if (this.#state !== 'answered') {
      this.cancel(reason);
      await this.ended;
      return;
    }
    const bye = this.request('BYE', reason === undefined ? {} : { headers: [['Reason', reason]] });
    this.finish({ how: 'local', ...(reason === undefined ? {} : { reason }) });
    const { status } = await bye;
    if (status >= 300 && status !== 481) this.ua.options.onFault(`BYE of ${this.callId} was answered with ${status}`);
  }

  async request(method: string, extras: RequestExtras = {}): Promise<SeenResponse> {
    const dialog = this.#confirmed();
    const started = this.ua.clock.monotonic();
    const request = this.inDialog(dialog, method, extras);
    const response = await this.ua.send(request, () => dialog.request(method).cseq.number);
    if (method === 'UPDATE' && response.status < 300) dialog.refresh(response.get('Contact'));
    return seenResponse(response, this.ua.clock.now(), this.ua.clock.monotonic() - started);
  }

  async reinvite(
    options: { readonly hold?: boolean; readonly offer?: 'early' | 'delayed' } & RequestExtras = {},
  ): Promise<SeenResponse> {
    const dialog = this.#confirmed();
    const delayed = options.offer === 'delayed';
    const body = delayed ? {} : { body: options.body ?? this.offer(options.hold ? 'sendonly' : 'sendrecv') };
    const request = this.inDialog(dialog, 'INVITE', { ...options, ...body });
    const target = await this.ua.targetOf(request);
    const started = this.ua.clock.monotonic();
    return new Promise((resolve, reject) => {
      let acked: SipRequest | undefined;
      this.ua.transactions.request(request, target, {
        onResponse: (response) => {
          if (response.status < 200) return;
          if (response.status < 300) {
            dialog.refresh(response.get('Contact'));
            acked ??= this.ackFor(dialog, request.cseq.number, delayed ? response : undefined);
            this.sendAck(acked);
          }
          resolve(seenResponse(response, this.ua.clock.now(), this.ua.clock.monotonic() - started));
        },
        onTimeout: () => reject(new Error('no answer to re-INVITE')),
        onTransportError: reject,
      });
    });
  }

  /** A request of the other side within this call's dialog. */
  onRequest(tx: ServerTransaction): void {
    const { request } = tx;
    const seen = { method: request.method, message: request, at: this.ua.clock.now() };
    this.#requests.push(seen);
    if (this.#requests.length > 500) this.#requests.shift();
    this.listener.onRequest?.(request);
    if (this.dialog && !this.dialog.accepts(request.cseq.number)) {
      this.ua.options.onFault(`CSeq of ${request.method} went back in ${this.callId}`);
      tx.respond(this.ua.response(request, 500));
      return;
    }
    switch (request.method) {
      case 'BYE':
        tx.respond(this.reply(request, 200));
        this.finish({ how: 'remote', ...reasonOf(request) });
        return;
      case 'INVITE':
        this.#onReinvite(tx);
        return;
      case 'UPDATE':
        this.dialog?.refresh(request.get('Contact'));
        tx.respond(this.reply(request, 200, request.body.length > 0 ? { body: this.answer(request) } : {}));
        return;
      case 'PRACK':
        tx.respond(this.reply(request, 200));
        this.onPrack(request);
        return;
      case 'INFO':
      case 'MESSAGE':
      case 'NOTIFY':
      case 'OPTIONS':
        tx.respond(this.reply(request, 200));
        return;
      case 'REFER':
        tx.respond(this.reply(request, 202));
        return;
      default:
        tx.respond(this.reply(request, 405));
    }
  }

  /** An ACK to a 2xx of ours. */
  onAck(ack: SipRequest): void {
    const repeat = this.#repeats.get(ack.cseq.number);
    if (!repeat) return;
    repeat.stop();
    this.#repeats.delete(ack.cseq.number);
    if (ack.body.length > 0) this.#remoteSdp = ack.body.toString();
    this.acknowledged(ack);
  }

  onLate2xx(_response: SipResponse): void {}

  /** Ends it without a message: the sockets are going away. */
  drop(): void {
    this.finish({ how: 'dropped' });
  }

  protected onPrack(_prack: SipRequest): void {}

  protected acknowledged(_ack: SipRequest): void {}

  /** Stops whatever the subclass has running. */
  protected stop(): void {}

  protected see(response: SipResponse, afterMs: number): SeenResponse {
    const seen = seenResponse(response, this.ua.clock.now(), afterMs);
    this.#responses.push(seen);
    for (const waiter of this.#waiters) {
      if (!waiter.matches(seen.status)) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(seen);
    }
    this.listener.onResponse?.(seen);
    return seen;
  }

  protected ringing(): void {
    if (this.#state !== 'calling') return;
    this.#state = 'ringing';
    this.listener.onState?.('ringing');
  }

  protected answer2xx(response: SeenResponse): void {
    if (this.#state === 'ended' || this.#state === 'answered') return;
    this.#state = 'answered';
    this.#settle.answered(response);
    this.listener.onState?.('answered');
  }

  protected finish(how: Omit<CallEnd, 'at'>): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    const end: CallEnd = { ...how, at: this.ua.clock.now() };
    for (const repeat of this.#repeats.values()) repeat.stop();
    this.#repeats.clear();
    this.stop();
    const error = new CallFailedError(end);
    for (const waiter of this.#waiters) waiter.reject(error);
    this.#waiters.clear();
    this.#settle.failed(error);
    this.#settle.ended(end);
    this.ua.remove(this);
    this.listener.onState?.('ended', end);
  }

  /** A response within the call, with its Session-ID. */
  protected reply(request: SipRequest, status: number, extras: RequestExtras = {}): SipResponse {
    const response = this.ua.response(request, status, this.localTag, extras);
    this.stampSession(response);
    return response;
  }

  /** Sends a 2xx to INVITE and repeats it until the ACK comes. */
  protected send2xx(tx: ServerTransaction, response: SipResponse): void {
    const { number } = tx.request.cseq;
    this.#repeats.get(number)?.stop();
    tx.respond(response);
    const onGiveUp = (): void => {
      this.#repeats.delete(number);
      this.ua.options.onFault(`no ACK to the ${response.status} of ${this.callId}`);
      if (this.#state === 'answered') this.hangup('SIP;cause=408;text="no ACK"').catch(() => {});
    };
    this.#repeats.set(number, new Repeat(this.ua.clock, () => tx.respond(response), onGiveUp));
  }

  protected offer(direction: 'sendrecv' | 'sendonly' = 'sendrecv'): string {
    return sdpOffer({ ...this.#sdp(), direction });
  }

  protected answer(message: SipMessage): string {
    this.#remoteSdp = message.body.toString();
    return sdpAnswer(this.#remoteSdp, this.#sdp());
  }

  /** Takes the other side's SDP without answering it. */
  protected takeSdp(message: SipMessage): void {
    if (message.body.length > 0) this.#remoteSdp = message.body.toString();
  }

  protected ackFor(dialog: Dialog, cseq: number, offer: SipResponse | undefined): SipRequest {
    const ack = dialog.ack(cseq);
    this.stampSession(ack);
    this.ua.options.decorate(ack, { method: 'ACK', inDialog: true });
    if (offer) {
      ack.set('Content-Type', 'application/sdp');
      ack.body = Buffer.from(this.answer(offer));
    }
    return ack;
  }

  protected sendAck(ack: SipRequest): void {
    void this.ua.targetOf(ack).then(
      (target) => this.ua.transactions.send(ack.clone(), target),
      (error: Error) => this.ua.options.onFault(`ACK of ${this.callId} can't be sent: ${error.message}`),
    );
  }

  protected inDialog(dialog: Dialog, method: string, extras: RequestExtras): SipRequest {
    const request = dialog.request(method);
    this.stampSession(request);
    if (method === 'INVITE' || method === 'UPDATE') {
      request.set('Contact', this.ua.options.contact(transportOf(dialog)));
    }
    this.ua.options.decorate(request, { method, inDialog: true });
    for (const [name, value] of extras.headers ?? []) request.set(name, value);
    if (extras.body !== undefined) {
      request.set('Content-Type', extras.contentType ?? 'application/sdp');
      request.body = Buffer.from(extras.body);
    }
    return request;
  }

  protected stampSession(message: SipMessage): void {
    if (this.session) message.set('Session-ID', `${this.session.local};remote=${this.session.remote}`);
  }

  #onReinvite(tx: ServerTransaction): void {
    const { request } = tx;
    if (this.#state !== 'answered') {
      tx.respond(this.reply(request, 491));
      return;
    }
    this.dialog?.refresh(request.get('Contact'));
    this.send2xx(tx, this.reply(request, 200, { body: request.body.length > 0 ? this.answer(request) : this.offer() }));
  }

  #confirmed(): Dialog {
    if (!this.dialog || this.#state === 'ended') throw new Error(`call ${this.callId} has no dialog`);
    return this.dialog;
  }

  #sdp(): { address: string; port: number; version: number; name: string } {
    this.#sdpVersion += 1;
    const { address, name } = this.ua.options;
    return { address, port: this.#rtpPort, version: this.#sdpVersion, name };
  }
}

/** The Reason header as {@link CallEnd} has it. */
export function reasonOf(message: SipMessage): { reason?: string } {
  const reason = message.get('Reason');
  return reason === undefined ? {} : { reason };
}

function transportOf(dialog: Dialog): string {
  try {
    return parseUri(dialog.target).params.get('transport')?.toLowerCase() ?? 'udp';
  } catch {
    return 'udp';
  }
}

function seenResponse(response: SipResponse, at: number, afterMs: number): SeenResponse {
  const copy = response.clone();
  return {
    status: response.status,
    reason: response.reason,
    headers: [...response.headers()],
    body: response.body.toString(),
    at,
    afterMs,
    header: (name) => copy.get(name),
  };
}
