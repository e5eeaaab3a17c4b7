import { systemClock } from '../../../src/clock/clock.js';
import { formatNameAddr, parseNameAddr } from '../../../src/grammar/name-addr.js';
import { formatUri, parseUri } from '../../../src/grammar/uri.js';
import type { IncomingCall } from '../../../src/sim/ua/incoming-call.js';
import { MessageLog } from '../../../src/sim/ua/message-log.js';
import { OutgoingCall } from '../../../src/sim/ua/outgoing-call.js';
import { sdpOffer } from '../../../src/sim/ua/sdp.js';
import type { SipRequest } from '../../../src/sim/ua/stack.js';
import type { RecordedMessage } from '../../../src/sim/ua/types.js';
import { UserAgent } from '../../../src/sim/ua/user-agent.js';

export interface Registered {
  /** Contact value as it came. */
  readonly contact: string;
  /** Request-URI for calls: without push parameters. */
  readonly uri: string;
  readonly path: readonly string[];
}

/** As much of a registrar and home proxy as a phone needs: one binding, calls to it, calls from it. */
export class FakeRegistrar {
  readonly registers: SipRequest[] = [];
  readonly incoming: IncomingCall[] = [];
  readonly faults: string[] = [];
  /** Answers REGISTER with this status instead. */
  status = 200;
  /** Whether the 2xx repeats Path (RFC 3327 section 5.3). */
  echoesPath = true;
  /** Feature-Caps of the 2xx. */
  featureCaps: string[] = [];
  /** Seconds that it grants whatever is asked for; undefined: what is asked for. */
  grants: number | undefined;
  /** Other header fields of its 2xx. */
  extras: [string, string][] = [];
  /** Challenges every REGISTER without credentials. */
  challenge: string | undefined;
  binding: Registered | undefined;
  #ua: UserAgent | undefined;
  readonly #log = new MessageLog(systemClock);

  async start(): Promise<this> {
    this.#ua = await UserAgent.start({
      clock: systemClock,
      address: '127.0.0.1',
      port: 0,
      listen: ['tcp', 'udp'],
      log: this.#log,
      name: 'registrar',
      contact: (transport) => `<sip:127.0.0.1:${this.port};transport=${transport || 'udp'}>`,
      decorate: () => {},
      onInvite: (call) => {
        this.incoming.push(call);
        call.ring();
        call.accept();
      },
      onRequest: (request) => this.#onRequest(request),
      onFault: (text) => this.faults.push(text),
    });
    return this;
  }

  get port(): number {
    return this.ua.local.port;
  }

  get messages(): readonly RecordedMessage[] {
    return this.#log.entries;
  }

  get ua(): UserAgent {
    if (!this.#ua) throw new Error('not started');
    return this.#ua;
  }

  /** Calls the registered phone as callwake does: Contact without push parameters, Path as Route, the call UUID. */
  call(options: { uuid?: string; uri?: string; offer?: boolean; to?: Registered } = {}): OutgoingCall {
    const to = options.to ?? this.binding;
    if (!to) throw new Error('nobody registered');
    const { ua } = this;
    const invite = ua.newRequest('INVITE', options.uri ?? to.uri, '<sip:1001@127.0.0.1>', '<sip:2001@corp.example>');
    for (const route of to.path) invite.add('Route', route);
    invite.set('Contact', `<sip:1001@127.0.0.1:${this.port};transport=tcp>`);
    if (options.uuid !== undefined) invite.set('X-Callwake-Call-UUID', options.uuid);
    invite.set('Supported', '100rel');
    if (options.offer !== false) {
      invite.set('Content-Type', 'application/sdp');
      invite.body = Buffer.from(sdpOffer({ address: '127.0.0.1', port: 20000 }));
    }
    return new OutgoingCall(ua, invite);
  }

  async close(): Promise<void> {
    await this.#ua?.close();
  }

  #onRequest(request: SipRequest): { status: number; headers?: [string, string][] } {
    if (request.method !== 'REGISTER') return { status: request.method === 'MESSAGE' ? 200 : 405 };
    this.registers.push(request.clone());
    if (this.challenge !== undefined && !request.has('Authorization')) {
      return { status: 401, headers: [['WWW-Authenticate', this.challenge]] };
    }
    if (this.status !== 200) return { status: this.status };
    const contact = request.list('Contact')[0] ?? '';
    const parsed = parseNameAddr(contact);
    const path = request.list('Path');
    const headers: [string, string][] = this.echoesPath ? path.map((value) => ['Path', value]) : [];
    if (parsed.params.get('expires') === '0') {
      this.binding = undefined;
      return { status: 200, headers };
    }
    const uri = parseUri(parsed.uri);
    for (const name of ['pn-provider', 'pn-param', 'pn-prid']) uri.params.delete(name);
    this.binding = { contact, uri: formatUri(uri), path };
    const caps: [string, string][] = this.featureCaps.map((value) => ['Feature-Caps', value]);
    if (this.grants !== undefined) parsed.params.set('expires', String(this.grants));
    const granted: [string, string] = ['Contact', formatNameAddr(parsed)];
    return { status: 200, headers: [...headers, ...caps, ...this.extras, granted] };
  }
}
