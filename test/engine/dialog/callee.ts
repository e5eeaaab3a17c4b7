import type { Dialog } from '../../../src/engine/dialog/dialog.js';
import type { Incoming } from '../../../src/engine/dialog/incoming.js';
import { createResponse, SipRequest } from '../../../src/engine/message/index.js';
import { settle } from '../../support/fake-clock.js';
import { request, type Setup, setup } from './support.js';
import type { Outcome } from './table.js';

const NOTHING = Buffer.alloc(0);

/** A call that came in, and what can happen to it: what the peer sends, what the user of the layer sends, and time. */
export class Callee {
  readonly world: Setup = setup();
  dialog: Dialog | undefined;
  #cseq = 1;
  #inviteCSeq = 1;
  #invite: Incoming | undefined;
  #rseq = '';
  #branch = 'z9hG4bKinvite';
  readonly #sent = new Map<string, SipRequest>();
  readonly #answers: string[] = [];

  constructor(headers = '') {
    this.world.transport.receive(request('INVITE', { headers, branch: this.#branch }));
    this.#invite = this.world.user.requests.at(-1);
  }

  /** The user's answer to the INVITE that came last. Throws DialogError. */
  answer(status: number, reliable = false): void {
    const headers: [string, string][] = reliable ? [['Require', '100rel']] : [];
    const response = this.#invite?.respond({
      status,
      reason: '',
      headers,
      body: reliable ? Buffer.from('v=0') : NOTHING,
    });
    this.#rseq = response?.get('rseq') ?? this.#rseq;
    this.dialog ??= this.#invite?.dialog;
  }

  /** The user's answer to the request that came last. Throws DialogError. */
  reply(status: number): void {
    this.world.user.requests.at(-1)?.reject(status);
  }

  receive(method: string, cseq = ++this.#cseq, headers = ''): void {
    const toTag = this.dialog?.localTag;
    const branch = `z9hG4bK${method}${cseq}`;
    this.world.transport.receive(request(method, { headers, cseq, branch, ...(toTag ? { toTag } : {}) }));
    if (method !== 'INVITE') return;
    this.#branch = branch;
    this.#inviteCSeq = cseq;
    this.#invite = this.world.user.requests.at(-1);
  }

  ack(): void {
    this.receive('ACK', this.#inviteCSeq);
  }

  cancel(): void {
    this.world.transport.receive(request('CANCEL', { branch: this.#branch, cseq: this.#inviteCSeq }));
  }

  prack(rseq = this.#rseq): void {
    this.receive('PRACK', undefined, `RAck: ${rseq} ${this.#inviteCSeq} INVITE\n`);
  }

  /** The user sends a request in the dialog. Throws DialogError. */
  async send(method: string): Promise<void> {
    if (!this.dialog) throw new Error('there is no dialog yet');
    const user = {
      onResponse: (_: unknown, { status }: { status: number }) => void this.#answers.push(String(status)),
    };
    const sent = this.world.layer.client.requestInDialog(this.dialog, method, { headers: [], body: NOTHING }, user);
    if (sent instanceof Promise) sent.catch(({ name }: Error) => this.#answers.push(name));
    await settle();
  }

  /** The peer's answer to the request of that method which was sent to it last. */
  answered(method: string, status: number): void {
    this.#remember();
    const sent = this.#sent.get(method);
    if (!sent) throw new Error(`no ${method} was sent`);
    this.world.transport.receive(createResponse(sent, status).toString());
  }

  wait(ms: number): void {
    this.world.clock.advance(ms);
  }

  /** What came of the events since the last time. */
  take(): Outcome {
    const { transport, user } = this.world;
    this.#remember();
    const told = [...user.log.splice(0), ...this.#answers.splice(0), ...user.ended.splice(0).map(() => 'end')];
    return { wire: transport.take().join(', '), told: told.join(', '), state: this.dialog?.state ?? 'none' };
  }

  #remember(): void {
    for (const message of this.world.transport.sent)
      if (message instanceof SipRequest) this.#sent.set(message.method, message);
  }
}
