import type { Dialog } from '../../../src/engine/dialog/dialog.js';
import { createResponse, SipRequest } from '../../../src/engine/message/index.js';
import { settle } from '../../support/fake-clock.js';
import { request, type Setup, setup } from './support.js';
import type { Outcome } from './table.js';

const NOTHING = Buffer.alloc(0);

/** A subscription of this side (`subscribe`) or of the peer (`subscribed`), RFC 6665. */
export class Subscription {
  readonly world: Setup = setup();
  #dialog: Dialog | undefined;
  #cseq = 1;
  readonly #sent = new Map<string, SipRequest>();
  readonly #answers: string[] = [];
  readonly #user = {
    onResponse: (_: unknown, response: { status: number }, dialog?: Dialog) => {
      this.#answers.push(String(response.status));
      this.#dialog = dialog ?? this.#dialog;
    },
    onDialog: (_: unknown, dialog: Dialog) => {
      this.#answers.push('dialog');
      this.#dialog = dialog;
    },
  };

  /** This side asks; the subscription lasts a minute. */
  async subscribe(): Promise<this> {
    const headers: [string, string][] = [
      ['From', '<sip:bob@192.0.2.1>;tag=bob'],
      ['Call-ID', 'call-1'],
      ['Expires', '60'],
    ];
    const draft = { method: 'SUBSCRIBE', uri: 'sip:alice@192.0.2.2', headers, body: NOTHING };
    await this.world.layer.client.request(draft, undefined, this.#user);
    await settle();
    return this;
  }

  /** The peer asks, and the user answers. */
  subscribed(status: number): this {
    this.receive('SUBSCRIBE', 'Expires: 60\n');
    this.reply(status);
    return this;
  }

  receive(method: string, headers = ''): void {
    const toTag = this.#dialog?.localTag ?? (method === 'NOTIFY' ? 'bob' : undefined);
    const cseq = this.#cseq++;
    this.world.transport.receive(request(method, { cseq, headers, ...(toTag ? { toTag } : {}) }));
  }

  notify(state: string): void {
    this.receive('NOTIFY', `Event: presence\nSubscription-State: ${state}\n`);
  }

  reply(status: number): void {
    const incoming = this.world.user.requests.at(-1);
    incoming?.reject(status);
    this.#dialog ??= incoming?.dialog;
  }

  async send(method: string, headers: [string, string][] = []): Promise<void> {
    if (!this.#dialog) throw new Error('there is no dialog yet');
    this.world.layer.client.requestInDialog(this.#dialog, method, { headers, body: NOTHING }, this.#user);
    await settle();
  }

  answered(method: string, status: number): void {
    this.#remember();
    const sent = this.#sent.get(method);
    if (!sent) throw new Error(`no ${method} was sent`);
    this.world.transport.receive(createResponse(sent, status, undefined, 'alice').toString());
  }

  wait(ms: number): void {
    this.world.clock.advance(ms);
  }

  take(): Outcome {
    const { transport, user } = this.world;
    this.#remember();
    const told = [...user.log.splice(0), ...this.#answers.splice(0), ...user.ended.splice(0).map(() => 'end')];
    return { wire: transport.take().join(', '), told: told.join(', '), state: this.#dialog?.state ?? 'none' };
  }

  #remember(): void {
    for (const message of this.world.transport.sent)
      if (message instanceof SipRequest) this.#sent.set(message.method, message);
  }
}
