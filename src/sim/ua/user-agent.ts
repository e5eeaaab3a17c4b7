import type { Clock } from '../../clock/clock.js';
import { formatNameAddr, parseNameAddr } from '../../grammar/name-addr.js';
import { randomCallId, randomTag } from '../../grammar/token.js';
import { parseUri } from '../../grammar/uri.js';
import type { ServerAddress } from '../address.js';
import type { Call } from './call.js';
import { answerChallenge, type Credentials } from './digest.js';
import { IncomingCall } from './incoming-call.js';
import { listenOnSamePort } from './listen.js';
import { type MessageLog, RecordingTransport } from './message-log.js';
import {
  createResponse,
  type Endpoint,
  type Flow,
  type ServerTransaction,
  type SipMessage,
  SipRequest,
  type SipResponse,
  type Target,
  type TlsSettings,
  TransactionLayer,
  TransportLayer,
} from './stack.js';
import type { RequestExtras } from './types.js';

/** What a simulator gives its user agent. */
export interface UserAgentOptions {
  readonly clock: Clock;
  readonly address: string;
  /** The same for every transport; 0 for any. */
  readonly port: number;
  /** Which transports to listen on; none for a client that only connects. */
  readonly listen: readonly ('udp' | 'tcp' | 'tls')[];
  /** Key, certificate and authorities, for TLS in both directions. */
  readonly tls?: TlsSettings | undefined;
  readonly log: MessageLog;
  /** Every request goes here, and over the same flow as long as it lives (an outbound proxy). Without it: Route, else Request-URI. */
  readonly outbound?: ServerAddress;
  readonly credentials?: Credentials;
  /** Contact of dialogs; `transport` is the one that the message goes over. */
  readonly contact: (transport: string) => string;
  /** Puts the simulator's own headers on a message before it is sent: User-Agent, Allow, Session-Expires, ... */
  readonly decorate: (message: SipMessage, context: { readonly method: string; readonly inDialog: boolean }) => void;
  /** Name in SDP. */
  readonly name: string;
  readonly onInvite: (call: IncomingCall) => void;
  /** A request outside of any dialog that isn't INVITE. */
  readonly onRequest: (request: SipRequest, flow: Flow) => Answer;
  readonly onFault: (text: string) => void;
  /** Every message that comes in, before anything else is done with it. */
  readonly onMessage?: (message: SipMessage, flow: Flow) => void;
}

export interface Answer {
  readonly status: number;
  readonly headers?: readonly (readonly [string, string])[];
}

/** What the user agents of CUCM and phone have in common: transactions, dialogs, digest answers, on real sockets. */
export class UserAgent {
  readonly options: UserAgentOptions;
  readonly clock: Clock;
  readonly #transport: TransportLayer;
  readonly #transactions: TransactionLayer;
  readonly #calls = new Map<string, Call>();
  readonly #cancels = new WeakMap<ServerTransaction, (cancel: SipRequest) => void>();
  #flow: Flow | undefined;
  #local: Endpoint;
  #closed = false;

  private constructor(options: UserAgentOptions) {
    this.options = options;
    this.clock = options.clock;
    this.#local = { address: options.address, port: 0 };
    this.#transport = new TransportLayer({ clock: options.clock, ...(options.tls ? { tls: options.tls } : {}) });
    const transport = new RecordingTransport(this.#transport, options.log);
    if (options.onMessage) transport.onMessage(options.onMessage);
    transport.onParseError((error) => options.onFault(`unreadable message: ${error.message}`));
    this.#transactions = new TransactionLayer({
      transport,
      clock: options.clock,
      passTrying: true,
      detectMerged: false,
      user: {
        onRequest: (tx) => this.#onRequest(tx),
        onAck: (ack) => this.#calls.get(keyOf(ack.callId, ack.toTag))?.onAck(ack),
        onCancel: (invite, cancel) => this.#cancels.get(invite)?.(cancel),
        onStrayResponse: (response) => this.#onStrayResponse(response),
      },
    });
  }

  /** Opens the sockets. Throws when the port is taken. */
  static async start(options: UserAgentOptions): Promise<UserAgent> {
    const ua = new UserAgent(options);
    try {
      if (options.listen.length === 0) return ua;
      ua.#local = await listenOnSamePort(ua.#transport, options.address, options.port, options.listen, options.tls);
    } catch (error) {
      await ua.close();
      throw error;
    }
    return ua;
  }

  get local(): Endpoint {
    return this.#local;
  }

  /** The flow of the latest request that was sent, its own source port included. */
  get flow(): Flow | undefined {
    return this.#flow;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get calls(): readonly Call[] {
    return [...this.#calls.values()];
  }

  /** A new request outside of a dialog, decorated. */
  newRequest(method: string, uri: string, from: string, to: string, extras: RequestExtras = {}): SipRequest {
    const request = new SipRequest(method, uri);
    const sender = parseNameAddr(from);
    if (!sender.params.has('tag')) sender.params.set('tag', randomTag());
    request.set('From', formatNameAddr(sender));
    request.set('To', to);
    request.set('Call-ID', randomCallId());
    request.set('CSeq', `101 ${method}`);
    request.set('Max-Forwards', '70');
    this.options.decorate(request, { method, inDialog: false });
    addExtras(request, extras);
    return request;
  }

  /**
   * Sends a request other than INVITE and gives its final response; answers one digest challenge when there are credentials.
   * Rejects on timeout and transport errors. `to`: send it there, whatever Route and Request-URI say.
   */
  async send(request: SipRequest, nextCseq?: () => number, to?: Target): Promise<SipResponse> {
    const response = await this.#once(request, to);
    const retry = this.authorized(request, response, nextCseq);
    return retry ? this.#once(retry, to) : response;
  }

  /** The request again with credentials, if the response is a challenge that can be answered. */
  authorized(request: SipRequest, response: SipResponse, nextCseq?: () => number): SipRequest | undefined {
    const { credentials } = this.options;
    if (!credentials || (response.status !== 401 && response.status !== 407)) return undefined;
    const proxy = response.status === 407;
    const name = proxy ? 'Proxy-Authorization' : 'Authorization';
    if (request.has(name)) return undefined;
    for (const challenge of response.all(proxy ? 'Proxy-Authenticate' : 'WWW-Authenticate')) {
      const answer = answerChallenge(challenge, request.method, request.uri, credentials);
      if (!answer) continue;
      const again = request.clone();
      if (!(again instanceof SipRequest)) return undefined;
      again.remove('Via');
      again.set('CSeq', `${nextCseq?.() ?? request.cseq.number + 1} ${request.method}`);
      again.set(name, answer);
      return again;
    }
    return undefined;
  }

  async #once(request: SipRequest, to: Target | undefined): Promise<SipResponse> {
    const target = to ?? (await this.targetOf(request));
    return new Promise((resolve, reject) => {
      this.#transactions.request(request, target, {
        onResponse: (response, flow) => {
          this.#flow = flow ?? this.#flow;
          if (response.status >= 200) resolve(response);
        },
        onTimeout: () => reject(new Error(`no answer to ${request.method} from ${target.host}:${target.port}`)),
        onTransportError: reject,
      });
    });
  }

  /** The layer below, for the INVITEs that calls send themselves. */
  get transactions(): TransactionLayer {
    return this.#transactions;
  }

  /** Where a request goes: outbound proxy, else first Route, else Request-URI. */
  async targetOf(request: SipRequest): Promise<Target> {
    const { outbound } = this.options;
    if (outbound) {
      const target: Target = { protocol: outbound.transport, host: outbound.host, port: outbound.port };
      return this.#flow ? { ...target, flow: this.#flow } : target;
    }
    const route = request.list('Route')[0];
    const uri = parseUri(route === undefined ? request.uri : parseNameAddr(route).uri);
    const target = this.#transport.resolveNow(uri) ?? (await this.#transport.resolve(uri))[0];
    if (!target) throw new Error(`nowhere to send ${request.method} ${request.uri}`);
    return target;
  }

  /** Adds a call, so that requests of its dialog and CANCEL find it. */
  add(call: Call): void {
    this.#calls.set(keyOf(call.callId, call.localTag), call);
  }

  remove(call: Call): void {
    this.#calls.delete(keyOf(call.callId, call.localTag));
  }

  /** Calls `fn` when the INVITE is cancelled; its 200 was sent by then. */
  onCancel(tx: ServerTransaction, fn: (cancel: SipRequest) => void): void {
    this.#cancels.set(tx, fn);
  }

  /** A response with Server, Allow and so on. */
  response(request: SipRequest, status: number, toTag?: string, extras: RequestExtras = {}): SipResponse {
    const response = createResponse(request, status, undefined, toTag ?? (status > 100 ? randomTag() : undefined));
    const inDialog = request.toTag !== undefined;
    if (status < 300 && (request.method === 'INVITE' || request.method === 'UPDATE') && status > 100) {
      for (const route of request.all('Record-Route')) response.add('Record-Route', route);
      response.set('Contact', this.options.contact(request.via.protocol.toLowerCase()));
    }
    this.options.decorate(response, { method: request.method, inDialog });
    addExtras(response, extras);
    return response;
  }

  /** Ends every call without a word, closes the sockets. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const call of this.calls) call.drop();
    this.#transactions.close();
    await this.#transport.close();
  }

  #onRequest(tx: ServerTransaction): void {
    const { request } = tx;
    if (request.toTag !== undefined) {
      const call = this.#calls.get(keyOf(request.callId, request.toTag));
      if (call) call.onRequest(tx);
      else tx.respond(this.response(request, 481, request.toTag));
      return;
    }
    if (request.method === 'INVITE') {
      if (this.calls.some((call) => call.callId === request.callId && call.direction === 'in')) {
        this.options.onFault(`second INVITE for the same call: ${request.callId}`);
        tx.respond(this.response(request, 482));
        return;
      }
      const call = new IncomingCall(this, tx);
      this.options.onInvite(call);
      return;
    }
    const answer = this.options.onRequest(request, tx.flow);
    tx.respond(this.response(request, answer.status, undefined, answer.headers ? { headers: answer.headers } : {}));
  }

  /** A 2xx retransmission that came after its transaction's end. */
  #onStrayResponse(response: SipResponse): void {
    if (response.cseq.method === 'INVITE' && response.status >= 200 && response.status < 300) {
      this.#calls.get(keyOf(response.callId, response.fromTag))?.onLate2xx(response);
    }
  }
}

function keyOf(callId: string, tag: string | undefined): string {
  return `${callId}\n${tag ?? ''}`;
}

function addExtras(message: SipMessage, extras: RequestExtras): void {
  for (const [name, value] of extras.headers ?? []) message.add(name, value);
  if (extras.body === undefined) return;
  message.set('Content-Type', extras.contentType ?? 'application/sdp');
  message.body = Buffer.from(extras.body);
}
