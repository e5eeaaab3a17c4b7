import { Call, reasonOf } from './call.js';
import { Dialog } from './dialog.js';
import type { ClientTransaction, SipRequest, SipResponse, Target } from './stack.js';
import type { SeenResponse } from './types.js';
import type { UserAgent } from './user-agent.js';

/** A call that this side makes (RFC 3261 section 13.2). */
export class OutgoingCall extends Call {
  readonly direction = 'out';
  readonly callId: string;
  readonly localTag: string;
  readonly callUuid: string | undefined;
  #invite: SipRequest;
  readonly #target: Target | undefined;
  readonly #delayed: boolean;
  readonly #started: number;
  #tx: ClientTransaction | undefined;
  #early = new Map<string, { readonly dialog: Dialog; rseq: number }>();
  #winner: { readonly tag: string; readonly ack: SipRequest } | undefined;
  #cancelled: { readonly reason: string | undefined } | undefined;

  /** Sends `invite`, which has no body for a delayed offer; to `target` if given, whatever its Route and Request-URI say. */
  constructor(ua: UserAgent, invite: SipRequest, target?: Target) {
    super(ua);
    this.#invite = invite;
    this.callId = invite.callId;
    this.localTag = invite.fromTag ?? '';
    this.callUuid = invite.get('X-Callwake-Call-UUID');
    this.#delayed = invite.body.length === 0;
    this.#started = ua.clock.monotonic();
    const session = invite.get('Session-ID')?.split(';')[0]?.trim();
    if (session) this.session = { local: session, remote: '0'.repeat(32) };
    ua.add(this);
    this.#target = target;
    this.#start();
  }

  accept(): void {}

  cancel(reason?: string): void {
    if (this.state === 'ended' || this.state === 'answered' || this.#cancelled) return;
    this.#cancelled = { reason };
    this.#tx?.cancel(this.#cancelHeaders());
  }

  #cancelHeaders(): readonly (readonly [string, string])[] {
    const session: readonly [string, string][] = this.session
      ? [['Session-ID', `${this.session.local};remote=${this.session.remote}`]]
      : [];
    return this.#cancelled?.reason === undefined ? session : [...session, ['Reason', this.#cancelled.reason]];
  }

  override onLate2xx(response: SipResponse): void {
    this.#on2xx(response);
  }

  #start(): void {
    const target = this.#target ? Promise.resolve(this.#target) : this.ua.targetOf(this.#invite);
    target.then(
      (found) => this.#send(found),
      () => this.finish({ how: 'transport' }),
    );
  }

  #send(target: Target): void {
    if (this.state === 'ended') return;
    this.#tx = this.ua.transactions.request(this.#invite, target, {
      onResponse: (response) => this.#onResponse(response),
      onTimeout: () => this.finish({ how: 'timeout' }),
      onTransportError: () => this.finish({ how: 'transport' }),
    });
    if (this.#cancelled) this.#tx.cancel(this.#cancelHeaders());
  }

  #onResponse(response: SipResponse): void {
    this.#learnSession(response);
    if (response.status >= 200 && response.status < 300) {
      this.#on2xx(response);
      return;
    }
    if (response.status >= 300) {
      const again = this.ua.authorized(this.#invite, response);
      if (again && !this.#cancelled) {
        this.#invite = again;
        this.#start();
        return;
      }
      this.#see(response);
      const how = this.#cancelled && response.status === 487 ? 'cancelled' : 'failed';
      this.finish({ how, status: response.status, ...reasonOf(response) });
      return;
    }
    if (this.state === 'ended') return;
    this.#see(response);
    if (response.status >= 180 && response.status < 190) this.ringing();
    if (response.status > 100 && response.toTag !== undefined) this.#onProvisional(response, response.toTag);
  }

  #onProvisional(response: SipResponse, tag: string): void {
    let early = this.#early.get(tag);
    if (!early) {
      early = { dialog: Dialog.ofResponse(this.#invite, response), rseq: 0 };
      if (this.#early.size < 20) this.#early.set(tag, early);
    }
    const { dialog } = early;
    this.dialog = dialog;
    const rseq = Number(response.get('RSeq') ?? 0);
    const reliable = response.list('Require').some((option) => option.toLowerCase() === '100rel');
    if (!reliable) {
      if (!this.#delayed) this.takeSdp(response);
      return;
    }
    if (!(rseq > early.rseq)) return;
    early.rseq = rseq;
    const offered = this.#delayed && response.body.length > 0;
    const answer = offered ? { body: this.answer(response) } : {};
    if (!offered) this.takeSdp(response);
    const headers: [string, string][] = [['RAck', `${rseq} ${response.cseq.number} INVITE`]];
    const prack = this.inDialog(dialog, 'PRACK', { headers, ...answer });
    this.ua.send(prack).then(
      (ack) => {
        if (ack.status >= 300) this.ua.options.onFault(`PRACK of ${this.callId} was answered with ${ack.status}`);
      },
      () => {},
    );
  }

  #on2xx(response: SipResponse): void {
    const tag = response.toTag ?? '';
    if (this.#winner) {
      if (this.#winner.tag === tag) this.sendAck(this.#winner.ack);
      else this.#decline(response, 'second 2xx with another To tag');
      return;
    }
    if (this.state === 'ended') {
      this.#decline(response, undefined);
      return;
    }
    const seen = this.#see(response);
    const dialog = this.#confirm(response, tag);
    const delayed = this.#delayed && this.remoteSdp === undefined;
    if (response.body.length === 0 && this.remoteSdp === undefined) {
      this.ua.options.onFault(`2xx of ${this.callId} has no SDP`);
    }
    if (!delayed) this.takeSdp(response);
    const ack = this.ackFor(dialog, response.cseq.number, delayed && response.body.length > 0 ? response : undefined);
    this.#winner = { tag, ack };
    this.sendAck(ack);
    this.answer2xx(seen);
    if (this.#cancelled) void this.hangup(this.#cancelled.reason).catch(() => {});
  }

  /** The dialog of a 2xx: the early one with its sequence numbers, but the route set and target of the 2xx (RFC 3261 section 13.2.2.4). */
  #confirm(response: SipResponse, tag: string): Dialog {
    const early = this.#early.get(tag)?.dialog;
    const dialog = Dialog.ofResponse(this.#invite, response);
    if (early) dialog.continueFrom(early);
    this.dialog = dialog;
    return dialog;
  }

  #decline(response: SipResponse, fault: string | undefined): void {
    if (fault !== undefined) this.ua.options.onFault(`${fault}: ${this.callId}`);
    const dialog = Dialog.ofResponse(this.#invite, response);
    this.sendAck(this.ackFor(dialog, response.cseq.number, undefined));
    this.ua.send(this.inDialog(dialog, 'BYE', {})).catch(() => {});
  }

  #see(response: SipResponse): SeenResponse {
    return this.see(response, this.ua.clock.monotonic() - this.#started);
  }

  #learnSession(response: SipResponse): void {
    if (!this.session) return;
    const [local, ...params] = response.get('Session-ID')?.split(';') ?? [];
    if (local === undefined) return;
    const remote = params
      .map((param) => param.trim())
      .find((param) => param.startsWith('remote='))
      ?.slice(7);
    if (remote !== undefined && remote !== this.session.local) {
      this.ua.options.onFault(`Session-ID of ${this.callId}: remote is ${remote}, not ${this.session.local}`);
    }
    this.session.remote = local.trim();
  }
}
