import type { Dialog } from '../../../src/engine/dialog/dialog.js';
import type { OutgoingRequest } from '../../../src/engine/dialog/outgoing.js';
import { createResponse, SipRequest } from '../../../src/engine/message/index.js';
import { settle } from '../../support/fake-clock.js';
import { type Setup, setup } from './support.js';
import type { Outcome } from './table.js';

const NOTHING = Buffer.alloc(0);
const CALL = '<sip:alice@192.0.2.1>;tag=alice';

/** A call that this side makes to a number that may ring at several phones, each known by the To tag it answers with. */
export class Caller {
  readonly world: Setup = setup();
  #dialog: Dialog | undefined;
  #outgoing: OutgoingRequest | undefined;
  #invite = new SipRequest('INVITE', 'sip:none');
  #bye: SipRequest | undefined;
  #cseq = 100;
  readonly #answers: string[] = [];

  /** Sends the INVITE. */
  async start(): Promise<this> {
    const user = {
      onResponse: (_: unknown, response: { status: number }, dialog?: Dialog) => {
        this.#answers.push(dialog ? `${response.status} of ${dialog.remoteTag}` : String(response.status));
        this.#dialog = dialog ?? this.#dialog;
      },
    };
    const draft = {
      method: 'INVITE',
      uri: 'sip:bob@192.0.2.2',
      headers: [
        ['From', CALL],
        ['Call-ID', 'call-2'],
      ] as [string, string][],
      body: NOTHING,
    };
    this.#outgoing = await this.world.layer.client.request(draft, undefined, user);
    await settle();
    this.#remember();
    return this;
  }

  /** What the phone with that tag answers to the INVITE. */
  answered(status: number, tag = 'bob', headers: readonly (readonly [string, string])[] = []): void {
    this.#remember();
    const response = createResponse(this.#invite, status, undefined, tag).set('Contact', `<sip:${tag}@192.0.2.2>`);
    if (tag !== '') response.set('To', `<sip:bob@192.0.2.2>;tag=${tag}`);
    for (const [name, value] of headers) response.set(name, value);
    this.world.transport.receive(response.toString());
  }

  reliably(rseq: number, tag = 'bob'): void {
    this.answered(183, tag, [
      ['Require', '100rel'],
      ['RSeq', String(rseq)],
    ]);
  }

  byeAnswered(status: number): void {
    this.#remember();
    if (!this.#bye) throw new Error('no BYE was sent');
    this.world.transport.receive(createResponse(this.#bye, status).toString());
  }

  /** A request of the phone with that tag, in its dialog. */
  receive(method: string, tag = 'bob', cseq = ++this.#cseq): void {
    this.world.transport.receive(
      [
        `${method} sip:alice@192.0.2.1 SIP/2.0`,
        `Via: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK${tag}${method}${cseq}`,
        'Max-Forwards: 70',
        `From: <sip:bob@192.0.2.2>;tag=${tag}`,
        `To: ${CALL}`,
        'Call-ID: call-2',
        `CSeq: ${cseq} ${method}`,
        `Contact: <sip:${tag}@192.0.2.2>`,
        'Content-Length: 0',
        '',
        '',
      ].join('\r\n'),
    );
  }

  /** The user sends a request in the dialog that it heard of last. Throws DialogError. */
  async send(method: string): Promise<void> {
    const dialog = this.#knownDialog();
    const user = {
      onResponse: (_: unknown, { status }: { status: number }) => void this.#answers.push(`${method} ${status}`),
    };
    this.world.layer.client.requestInDialog(dialog, method, { headers: [], body: NOTHING }, user);
    await settle();
  }

  async ack(): Promise<void> {
    await this.world.layer.client.ack(this.#knownDialog(), { headers: [], body: NOTHING });
  }

  cancel(): void {
    this.world.layer.client.cancel(this.#outgoing?.id ?? '', []);
  }

  /** The connection that the INVITE could only go down is closed. */
  lose(): void {
    this.#outgoing?.lose();
  }

  wait(ms: number): void {
    this.world.clock.advance(ms);
  }

  /** What came of the events since the last time; the state is that of the dialog that the user heard of last. */
  take(): Outcome {
    const { transport, user } = this.world;
    this.#remember();
    const told = [
      ...user.log.splice(0),
      ...this.#answers.splice(0),
      ...user.ended.splice(0).map(({ remoteTag }) => `end of ${remoteTag}`),
    ];
    return { wire: transport.take().join(', '), told: told.join(', '), state: this.#dialog?.state ?? 'none' };
  }

  #knownDialog(): Dialog {
    if (!this.#dialog) throw new Error('there is no dialog yet');
    return this.#dialog;
  }

  #remember(): void {
    for (const message of this.world.transport.sent) {
      if (!(message instanceof SipRequest)) continue;
      if (message.method === 'INVITE') this.#invite = message;
      if (message.method === 'BYE') this.#bye = message;
    }
  }
}
