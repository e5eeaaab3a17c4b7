import { randomBytes } from 'node:crypto';
import { randomTag } from '../../grammar/token.js';
import { Call, reasonOf } from './call.js';
import { Dialog } from './dialog.js';
import { Repeat } from './repeat.js';
import type { ServerTransaction, SipRequest } from './stack.js';
import type { RequestExtras } from './types.js';
import type { UserAgent } from './user-agent.js';

/** A call that came in (RFC 3261 section 13.3). Nothing but 100 is sent until {@link ring}, {@link accept} or {@link reject}. */
export class IncomingCall extends Call {
  readonly direction = 'in';
  readonly callId: string;
  readonly localTag = randomTag();
  readonly callUuid: string | undefined;
  readonly #tx: ServerTransaction;
  #finalSent = false;
  #provisional: Repeat | undefined;
  #afterPrack: (() => void) | undefined;
  /** Offer and answer went with a reliable provisional response and its PRACK, or the INVITE (RFC 3262 section 5). */
  #negotiated = false;
  #rseq = Math.floor(Math.random() * 1000) + 1;

  constructor(ua: UserAgent, tx: ServerTransaction) {
    super(ua);
    this.#tx = tx;
    const { request } = tx;
    this.callId = request.callId;
    this.callUuid = request.get('X-Callwake-Call-UUID')?.toLowerCase();
    this.dialog = Dialog.ofRequest(request, this.localTag);
    this.takeSdp(request);
    const session = request.get('Session-ID')?.split(';')[0]?.trim();
    if (session) this.session = { local: randomBytes(16).toString('hex'), remote: session };
    ua.add(this);
    ua.onCancel(tx, (cancel) => this.#onCancel(cancel));
    tx.onEnd((why) => {
      if (why !== 'completed' && this.state !== 'answered')
        this.finish({ how: why === 'timeout' ? 'timeout' : 'transport' });
    });
  }

  get invite(): SipRequest {
    return this.#tx.request;
  }

  /** Sends a provisional response: 180, or another; with 100rel (RFC 3262) if asked for and the caller supports it; `media`: with SDP. */
  ring(
    options: { readonly status?: number; readonly reliable?: boolean; readonly media?: boolean } & RequestExtras = {},
  ): void {
    if (this.state === 'ended' || this.#finalSent) return;
    const { status = 180 } = options;
    const tags = [...this.invite.list('Supported'), ...this.invite.list('Require')].map((tag) => tag.toLowerCase());
    const reliable = options.reliable === true && tags.includes('100rel');
    const response = this.reply(this.invite, status, options.media ? { ...options, body: this.#media() } : options);
    this.#negotiated ||= reliable && options.media === true;
    if (reliable) {
      response.add('Require', '100rel');
      response.set('RSeq', String(this.#rseq));
      this.#rseq += 1;
      this.#provisional?.stop();
      const again = (): void => this.#tx.respond(response);
      const onGiveUp = (): void => {
        this.ua.options.onFault(`no PRACK to the ${status} of ${this.callId}`);
        this.reject(500);
      };
      this.#provisional = new Repeat(this.ua.clock, again, onGiveUp);
    }
    this.#tx.respond(response);
    this.ringing();
  }

  /** Sends 200 with an SDP answer, or an offer when the INVITE had none. A reliable 180 is waited for to be acknowledged first. */
  accept(extras: RequestExtras = {}): void {
    if (this.state === 'ended' || this.#finalSent) return;
    if (this.#provisional) {
      this.#afterPrack = () => this.accept(extras);
      return;
    }
    this.#finalSent = true;
    const response = this.reply(this.invite, 200, this.#negotiated ? extras : { body: this.#media(), ...extras });
    const seen = this.see(response, 0);
    this.send2xx(this.#tx, response);
    this.answer2xx(seen);
  }

  /** Sends a final response that is no 2xx. */
  reject(status: number, extras: RequestExtras = {}): void {
    if (this.state === 'ended' || this.#finalSent) return;
    this.#finalSent = true;
    const response = this.reply(this.invite, status, extras);
    this.#tx.respond(response);
    this.finish({ how: 'failed', status, ...reasonOf(response) });
  }

  /** On an incoming call: 480. */
  cancel(reason?: string): void {
    this.reject(480, reason === undefined ? {} : { headers: [['Reason', reason]] });
  }

  protected override onPrack(prack: SipRequest): void {
    this.#provisional?.stop();
    this.#provisional = undefined;
    this.takeSdp(prack);
    this.#afterPrack?.();
  }

  protected override acknowledged(ack: SipRequest): void {
    if (this.#negotiated) return;
    if (this.invite.body.length === 0 && ack.cseq.number === this.invite.cseq.number && ack.body.length === 0) {
      this.ua.options.onFault(`ACK of ${this.callId} has no SDP answer to the offer in our 200`);
    }
  }

  protected override stop(): void {
    this.#provisional?.stop();
  }

  #media(): string {
    return this.invite.body.length > 0 ? this.answer(this.invite) : this.offer();
  }

  #onCancel(cancel: SipRequest): void {
    if (this.#finalSent || this.state === 'ended') return;
    this.#finalSent = true;
    this.#tx.respond(this.reply(this.invite, 487));
    const { reason } = reasonOf(cancel);
    this.finish({ how: 'cancelled', status: 487, ...(reason === undefined ? {} : { reason }) });
  }
}
