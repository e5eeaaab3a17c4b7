import type { Clock } from '../../clock/clock.js';
import type { SipUri } from '../../grammar/uri.js';
import { type CallRecords, noRecords } from '../call-records.js';
import { Dialog } from '../dialog/dialog.js';
import type { Incoming } from '../dialog/incoming.js';
import type { Bypass, DialogLayer } from '../dialog/layer.js';
import type { SipRequest, SipResponse } from '../message/index.js';
import type { ServerTransaction } from '../transaction/index.js';
import type { Flow, Listener } from '../transport/index.js';
import { ProxyCall, type ProxyHost, type ProxyOptions, type ProxyUser } from './proxy-call.js';
import { RecordRoutes } from './record-route.js';
import { Relay } from './relay.js';

export interface ProxyLayerOptions {
  clock: Clock;
  dialogs: DialogLayer;
  listeners: () => readonly Listener[];
  /** What Route tokens are made with: the same after a restart, or calls that are up lose the proxy. */
  secret: string;
  /** Milliseconds that a phone may ring after its last provisional response (Timer C). Default 185 s. */
  timerC?: number | undefined;
  /** Told of each INVITE that is proxied, and of each BYE. */
  records?: CallRecords | undefined;
  /** A 2xx went upstream. */
  accepted?: ((received: SipRequest, response: SipResponse, flow: Flow) => void) | undefined;
}

/** A stateful forking proxy beside the user agent (RFC 3261 section 16), on the same transactions. */
export class ProxyLayer implements Bypass {
  readonly #host: ProxyHost;
  readonly #dialogs: DialogLayer;
  readonly #relay: Relay;
  readonly #calls = new Map<ServerTransaction, ProxyCall>();

  constructor(options: ProxyLayerOptions) {
    const { dialogs } = options;
    const recordRoutes = new RecordRoutes(options.secret);
    const release = (request: SipRequest, response: SipResponse): void => {
      dialogs.client.release(Dialog.uac(request, response), response.cseq.number);
    };
    this.#dialogs = dialogs;
    const records = options.records ?? noRecords;
    const timerC = options.timerC ?? 185_000;
    this.#relay = new Relay({
      clock: options.clock,
      timerC,
      transactions: dialogs.transactions,
      router: dialogs.router,
      recordRoutes,
      listeners: options.listeners,
      records,
      release,
    });
    this.#host = {
      clock: options.clock,
      transactions: dialogs.transactions,
      router: dialogs.router,
      recordRoutes,
      isOwn: (uri) => isOwn(uri, options.listeners()),
      timerC,
      release,
      records,
      accepted: options.accepted ?? (() => undefined),
      over: (call) => this.#calls.delete(call.transaction),
    };
  }

  /** Requests that are being proxied now. */
  get size(): number {
    return this.#calls.size;
  }

  /**
   * Takes a request over from the user agent, also after provisional responses, and passes it on. Throws DialogError when it can't be; the request is then
   * still the user agent's, except when its Max-Forwards is used up: that is answered with 483.
   */
  start(incoming: Incoming, options: ProxyOptions, user: ProxyUser): void {
    if (incoming.request.maxForwards === 0) {
      incoming.reject(483);
      user.onDone([]);
      return;
    }
    const call = new ProxyCall(this.#host, incoming.transaction, options, user);
    const { dialog } = incoming;
    incoming.takeOver();
    if (dialog && incoming.request.toTag === undefined) this.#dialogs.end(dialog);
    this.#calls.set(incoming.transaction, call);
    call.start();
  }

  /** Stops all timers, says nothing. */
  close(): void {
    for (const call of this.#calls.values()) call.abandon();
    this.#calls.clear();
    this.#relay.close();
  }

  onRequest(transaction: ServerTransaction): boolean {
    return this.#relay.onRequest(transaction);
  }

  onAck(ack: SipRequest): boolean {
    return this.#relay.onAck(ack);
  }

  onCancel(invite: ServerTransaction, cancel: SipRequest): boolean {
    const call = this.#calls.get(invite);
    if (!call) return this.#relay.onCancel(invite, cancel);
    call.cancel(cancel);
    return true;
  }

  onStrayResponse(): boolean {
    return false;
  }

  onFlowClosed(flow: Flow): void {
    for (const call of [...this.#calls.values()]) call.flowClosed(flow);
  }
}

/** Whether a URI is one of this engine's own addresses: bound, advertised, or (for wildcard listeners) loopback. */
function isOwn(uri: SipUri, listeners: readonly Listener[]): boolean {
  if (uri.scheme !== 'sip' && uri.scheme !== 'sips') return false;
  const host = uri.host.replace(/^\[|\]$/g, '');
  const port =
    uri.port ?? (uri.scheme === 'sips' || uri.params.get('transport')?.toLowerCase() === 'tls' ? 5061 : 5060);
  return listeners.some(({ local, advertise }) => {
    if (advertise && advertise.host.toLowerCase() === host && (advertise.port ?? local.port) === port) return true;
    return local.port === port && local.address === host;
  });
}
