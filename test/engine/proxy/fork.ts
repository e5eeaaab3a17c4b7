import { createResponse, SipRequest, type SipResponse } from '../../../src/engine/message/index.js';
import type { ProxyOptions } from '../../../src/engine/proxy/proxy-call.js';
import { ProxyLayer } from '../../../src/engine/proxy/proxy-layer.js';
import type { Listener } from '../../../src/engine/transport/index.js';
import { settle } from '../../support/fake-clock.js';
import { request, type Setup, setup } from '../dialog/support.js';
import type { Outcome } from '../dialog/table.js';

export const PROVISIONAL_TIMEOUT = 10_000;
export const FINAL_TIMEOUT = 60_000;
export const TIMER_C = 40_000;

const LISTENER: Listener = {
  protocol: 'udp',
  local: { address: '192.0.2.1', port: 5060 },
  reload() {},
  close: () => Promise.resolve(),
};

/** An INVITE on its way through the proxy to two phones, `one` and `two`. */
export class Fork {
  readonly world: Setup = setup();
  readonly #proxy: ProxyLayer;
  readonly #invites = new Map<string, SipRequest>();
  readonly #told: string[] = [];

  constructor(options: Partial<ProxyOptions> = {}) {
    const { clock, layer, transport, user } = this.world;
    this.#proxy = new ProxyLayer({ clock, dialogs: layer, listeners: () => [LISTENER], secret: 's', timerC: TIMER_C });
    layer.bypass = this.#proxy;
    transport.receive(request('INVITE', { branch: 'z9hG4bKinvite' }));
    const [incoming] = user.requests;
    if (!incoming) throw new Error('no INVITE came');
    const wanted: ProxyOptions = {
      destinations: ['sip:one@192.0.2.11', 'sip:two@192.0.2.12'],
      headers: [],
      recordRoute: false,
      followRedirects: false,
      simultaneous: true,
      provisionalTimeout: PROVISIONAL_TIMEOUT,
      finalTimeout: FINAL_TIMEOUT,
      ...options,
    };
    const onDone = (results: readonly { response: SipResponse }[]): void =>
      void this.#told.push(`done ${results.map(({ response }) => response.status).join('+')}`);
    this.#proxy.start(incoming, wanted, { onDone });
  }

  /** What that phone answers to its INVITE. */
  async answered(phone: string, status: number, contact?: string): Promise<void> {
    this.#remember();
    const invite = this.#invites.get(phone);
    if (!invite) throw new Error(`no INVITE was sent to ${phone}`);
    const response = createResponse(invite, status, undefined, phone);
    if (contact !== undefined) response.set('Contact', `<${contact}>`);
    this.world.transport.receive(response.toString());
    await settle();
  }

  async cancel(): Promise<void> {
    this.world.transport.receive(request('CANCEL', { branch: 'z9hG4bKinvite' }));
    await settle();
  }

  wait(ms: number): Promise<void> {
    return this.world.clock.advanceAsync(ms);
  }

  /** What was sent since the last time (each message once, whatever its repetitions), what the app was told, and whether the proxy still has the call. */
  take(): Outcome {
    this.#remember();
    const wire = this.world.transport.sent.splice(0).map((message) => {
      if (message instanceof SipRequest) return `${message.method} ${message.parsedUri.user}`;
      return message.cseq.method === 'INVITE' ? String(message.status) : `${message.status} ${message.cseq.method}`;
    });
    const told = this.#told.splice(0).join(', ');
    return { wire: [...new Set(wire)].join(', '), told, state: this.#proxy.size > 0 ? 'under way' : 'over' };
  }

  #remember(): void {
    for (const message of this.world.transport.sent)
      if (message instanceof SipRequest && message.method === 'INVITE')
        this.#invites.set(message.parsedUri.user ?? '', message);
  }
}
