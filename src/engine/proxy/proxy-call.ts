import type { Clock } from '../../clock/clock.js';
import { splitList } from '../../grammar/list.js';
import { parseNameAddr } from '../../grammar/name-addr.js';
import type { SipUri } from '../../grammar/uri.js';
import type { CallRecords } from '../call-records.js';
import { DialogError } from '../dialog/errors.js';
import { OutgoingRequest } from '../dialog/outgoing.js';
import { type Router, targetOf } from '../dialog/router.js';
import { createResponse, type SipRequest, type SipResponse } from '../message/index.js';
import type { LateSuccesses, ServerTransaction, TransactionLayer } from '../transaction/index.js';
import type { Flow, Target } from '../transport/index.js';
import { bestResponse, upstreamResponse } from './best-response.js';
import { Branch, type BranchUser } from './branch.js';
import { forwardedRequest } from './forward.js';
import { ProxyRecords } from './proxy-records.js';
import type { RecordRoutes } from './record-route.js';
import { UpstreamSuccesses } from './upstream-successes.js';

export interface ProxyOptions {
  /** SIP URIs, in order of preference. */
  destinations: readonly string[];
  headers: readonly (readonly [name: string, value: string])[];
  /** Stay in the path of the dialog. */
  recordRoute: boolean;
  /** Try the Contacts of a 3xx instead of handing it upstream. */
  followRedirects: boolean;
  /** All destinations at once, or one after the other. */
  simultaneous: boolean;
  /** Milliseconds per destination. */
  provisionalTimeout: number | undefined;
  finalTimeout: number | undefined;
}

/** A final response of one branch. */
export interface BranchResult {
  response: SipResponse;
  remote: { protocol: string; address: string; port: number };
}

export interface ProxyUser {
  /** It is over: every final response, the one that went upstream last. Always called, once. */
  onDone(results: readonly BranchResult[]): void;
}

/** What a proxied request needs of the engine. */
export interface ProxyHost {
  clock: Clock;
  transactions: TransactionLayer;
  router: Router;
  recordRoutes: RecordRoutes;
  isOwn: (uri: SipUri) => boolean;
  /** Timer C in milliseconds. */
  timerC: number;
  /** A 2xx that can't go upstream any more: acknowledge it and hang up. */
  release: (request: SipRequest, response: SipResponse) => void;
  records: CallRecords;
  /** A 2xx went upstream. */
  accepted: (received: SipRequest, response: SipResponse, flow: Flow) => void;
  /** Nothing is left to be done for the request. */
  over: (call: ProxyCall) => void;
}

/** Targets of one request in all, those of redirects included. */
const MAX_TARGETS = 70;
const ELSEWHERE: readonly [string, string] = ['Reason', 'SIP;cause=200;text="Call completed elsewhere"'];

/** One request on its way through the proxy, with all its branches (RFC 3261 section 16). */
export class ProxyCall implements BranchUser {
  readonly transaction: ServerTransaction;
  readonly #host: ProxyHost;
  readonly #options: ProxyOptions;
  readonly #user: ProxyUser;
  readonly #branches: Branch[] = [];
  readonly #records: ProxyRecords;
  readonly #waiting: string[];
  readonly #tried = new Set<string>();
  /** Targets that came out of a 3xx. */
  readonly #redirects = new Set<string>();
  /** A final response went upstream: 2xx may still follow a 2xx, nothing else. */
  #sent: number | undefined;
  #cancelled = false;
  #done = false;

  /** Throws {@link DialogError} when a destination can't be read or the request has come too far; then nothing was sent. */
  constructor(host: ProxyHost, transaction: ServerTransaction, options: ProxyOptions, user: ProxyUser) {
    this.#host = host;
    this.transaction = transaction;
    this.#options = options;
    this.#user = user;
    if (options.destinations.length === 0) throw new DialogError('error proxying request to ');
    for (const destination of options.destinations) this.#forwarded(destination);
    this.#waiting = [...options.destinations];
    this.#records = new ProxyRecords(host.records, transaction.request);
  }

  start(): void {
    if (this.#options.simultaneous) while (this.#launchNext());
    else this.#launchNext();
    this.#settle();
  }

  /** The caller cancelled: every branch is, with the caller's Reason; 487 goes upstream as soon as they are over. */
  cancel(cancel: SipRequest): void {
    this.#cancelled = true;
    this.#waiting.length = 0;
    const reasons = cancel.all('reason').map((value): [string, string] => ['Reason', value]);
    this.#cancelAll(reasons);
    this.#settle();
  }

  flowClosed(flow: Flow): void {
    for (const branch of [...this.#branches]) branch.flowClosed(flow);
  }

  /** Stops all timers, says nothing. */
  abandon(): void {
    for (const branch of this.#branches) branch.stop();
  }

  provisional(_branch: Branch, response: SipResponse): void {
    if (this.#sent === undefined) this.#upstream(response);
  }

  success(branch: Branch, response: SipResponse): void {
    const invite = this.transaction.invite;
    if (this.#sent !== undefined && (this.#sent >= 300 || !invite)) {
      this.#records.ended(branch, response);
      if (invite && branch.request) this.#host.release(branch.request, response);
      return;
    }
    const first = this.#sent === undefined;
    this.#records.connected(branch, response);
    this.#upstream(response);
    this.#sent = response.status;
    if (!first) {
      this.#overWhenQuiet();
      return;
    }
    this.#waiting.length = 0;
    this.#host.accepted(this.transaction.request, response, this.transaction.flow);
    this.#finish(branch);
    this.#cancelAll([ELSEWHERE]);
  }

  lateSuccesses(): LateSuccesses | undefined {
    if (this.#sent !== undefined && this.#sent >= 300) return undefined;
    return new UpstreamSuccesses(this.#host.transactions, this.transaction.flow);
  }

  failed(branch: Branch): void {
    const response = branch.final;
    if (response) this.#records.ended(branch, response);
    if (!response || this.#sent !== undefined) {
      this.#overWhenQuiet();
      return;
    }
    if (response.status >= 600) {
      this.#waiting.length = 0;
      this.#cancelAll([['Reason', `SIP;cause=${response.status};text="Declined elsewhere"`]]);
    } else if (response.status < 400 && this.#options.followRedirects && !this.#cancelled) {
      branch.redirected = this.#follow(response);
    }
    if (!this.#options.simultaneous && this.#branches.every((other) => other.final)) this.#launchNext();
    this.#settle();
  }

  #launchNext(): boolean {
    const destination = this.#waiting.shift();
    if (destination === undefined) return false;
    this.#tried.add(destination);
    const { provisionalTimeout: provisional, finalTimeout: final } = this.#options;
    const limits = { provisional, final, ringing: this.#host.timerC };
    const branch = new Branch(destination, limits, this.#host.clock, this);
    this.#branches.push(branch);
    try {
      this.#send(branch, destination);
    } catch (error) {
      if (!(error instanceof DialogError)) throw error;
      branch.fail(createResponse(this.transaction.request, 503));
    }
    return true;
  }

  #send(branch: Branch, destination: string): void {
    const { request, nextHop } = this.#forwarded(destination);
    const prepare = (attempt: SipRequest, target: Target): void => this.#prepare(attempt, target);
    const outgoing = new OutgoingRequest(this.#host.transactions, request, prepare, branch);
    branch.sent(outgoing);
    const { flow } = this.transaction;
    const local = flow.protocol === 'udp' ? flow.local : undefined;
    const failed = (error: unknown): void => {
      if (!(error instanceof DialogError)) throw error;
      outgoing.fail(503, error.message);
    };
    const go = (targets: Target[]): void => {
      if (branch.final) return;
      try {
        outgoing.start(targets);
        this.#records.sent(branch, outgoing.request);
      } catch (error) {
        failed(error);
      }
    };
    let targets: Target[] | Promise<Target[]>;
    try {
      targets = this.#host.router.targets(request, { nextHop, local });
    } catch (error) {
      failed(error);
      return;
    }
    if (Array.isArray(targets)) go(targets);
    else targets.then(go, failed);
  }

  #forwarded(destination: string): { request: SipRequest; nextHop: string } {
    const { headers } = this.#options;
    const redirected = this.#redirects.has(destination);
    return forwardedRequest(this.transaction.request, destination, { headers, isOwn: this.#host.isOwn, redirected });
  }

  #prepare(request: SipRequest, target: Target): void {
    if (!this.#options.recordRoute) return;
    const { router, recordRoutes } = this.#host;
    const outgoing = router.localFor(target);
    const incoming = router.localFor(targetOf(this.transaction.flow));
    if (request.method === 'REGISTER') request.prepend('Path', recordRoutes.path(incoming));
    else recordRoutes.add(request, incoming, outgoing);
  }

  /** Takes the Contacts of a redirect as further targets; false when there is none that wasn't tried. */
  #follow(response: SipResponse): boolean {
    const targets: { uri: string; q: number }[] = [];
    for (const contact of response.all('contact').flatMap(splitList)) {
      if (this.#tried.size + this.#waiting.length + targets.length >= MAX_TARGETS) break;
      try {
        const { uri, params } = parseNameAddr(contact);
        if (this.#tried.has(uri) || this.#waiting.includes(uri)) continue;
        this.#redirects.add(uri);
        this.#forwarded(uri);
        targets.push({ uri, q: Number(params.get('q') ?? 1) });
      } catch {
        // a Contact that can't be read is no target
      }
    }
    targets.sort((a, b) => b.q - a.q);
    this.#waiting.unshift(...targets.map(({ uri }) => uri));
    const found = targets.length > 0;
    if (found && this.#options.simultaneous) while (this.#launchNext());
    return found;
  }

  #cancelAll(headers: readonly (readonly [string, string])[]): void {
    for (const branch of [...this.#branches]) branch.cancel(headers);
  }

  /** Once nothing is under way any more, the best response goes upstream. */
  #settle(): void {
    if (this.#sent !== undefined || this.#done) return;
    if (this.#waiting.length > 0 && !this.#cancelled) return;
    if (this.#branches.some((branch) => !branch.final)) return;
    const finals = this.#branches.filter((branch) => !branch.redirected);
    const candidates = (finals.length > 0 ? finals : this.#branches).flatMap((branch) => branch.final ?? []);
    const best = bestResponse(candidates);
    const chosen =
      this.#cancelled || !best ? createResponse(this.transaction.request, 487) : upstreamResponse(best, candidates);
    this.#sent = chosen.status;
    this.#records.failed(chosen);
    this.#upstream(chosen);
    const decided = this.#cancelled ? this.#branches.find(({ final }) => final?.status === 487) : undefined;
    this.#finish(decided ?? this.#branches.find((branch) => branch.final === best));
  }

  #upstream(response: SipResponse): void {
    const copy = response.clone();
    copy.set('Via', this.transaction.request.all('via'));
    this.transaction.respond(copy);
  }

  #finish(last: Branch | undefined): void {
    if (this.#done) return;
    this.#done = true;
    const ended = this.#branches.filter((branch) => branch.final && branch !== last);
    if (last) ended.push(last);
    this.#user.onDone(
      ended.flatMap((branch) => (branch.final ? [{ response: branch.final, remote: branch.remote }] : [])),
    );
    this.#overWhenQuiet();
  }

  #overWhenQuiet(): void {
    if (this.#done && this.#branches.every((branch) => branch.final)) this.#host.over(this);
  }
}
