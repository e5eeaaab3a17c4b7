import { GrammarError } from '../../grammar/error.js';
import { parseNameAddr } from '../../grammar/name-addr.js';
import { parseUri, type SipUri } from '../../grammar/uri.js';
import type { SipRequest } from '../message/index.js';
import type { Endpoint, Flow, SentBy, Target } from '../transport/index.js';
import { isLoose } from './dialog.js';
import { DialogError } from './errors.js';

/** What routing needs of the transport layer. */
export interface RouterTransport {
  resolve(uri: SipUri): Promise<Target[]>;
  resolveNow(uri: SipUri): Target | undefined;
  localFor(target: Target): SentBy;
}

/** Which connection a registered Contact is reached over. */
export interface ContactFlows {
  /** The live connection; `lost` when there was one and it is gone; undefined when the Contact isn't known. */
  find(uri: SipUri): Flow | 'lost' | undefined;
}

export interface RouteHints {
  /** Where to go whatever the message says: a URI. */
  proxy?: string | undefined;
  /** The URI that decides otherwise: the topmost Route or the Request-URI. */
  nextHop: string;
  /** A connection to prefer while it lives. */
  flow?: Flow | undefined;
  /** The UDP listener to send from. */
  local?: Endpoint | undefined;
}

/** Finds where a request goes. */
export class Router {
  readonly #transport: RouterTransport;
  readonly #flows: ContactFlows | undefined;

  constructor(transport: RouterTransport, flows?: ContactFlows) {
    this.#transport = transport;
    this.#flows = flows;
  }

  /**
   * The targets of a request, best first: the given proxy; else the connection that the Contact in its Request-URI registered over; else the dialog's
   * own connection; else RFC 3263 on the next hop. With sips in the Request-URI all of these only over TLS (RFC 3261 section 8.1.2). A promise only when a name must be looked up. Throws (or rejects with) {@link DialogError}.
   */
  targets(request: SipRequest, hints: RouteHints): Target[] | Promise<Target[]> {
    if (hints.proxy === undefined) {
      const flow = this.#flowFor(request, hints);
      if (flow) return [targetOf(flow)];
    }
    const text = hints.proxy ?? hints.nextHop;
    const uri = readUri(text);
    if (isSips(request)) uri.scheme = 'sips';
    const target = this.#transport.resolveNow(uri);
    if (target) return [withLocal(target, hints.local)];
    return this.#lookUp(uri, text, hints.local);
  }

  localFor(target: Target): SentBy {
    try {
      return this.#transport.localFor(target);
    } catch {
      throw new DialogError('requested protocol/transport not available');
    }
  }

  #flowFor(request: SipRequest, hints: RouteHints): Flow | undefined {
    let found: Flow | 'lost' | undefined;
    try {
      found = this.#flows?.find(request.parsedUri);
    } catch {
      throw new DialogError(`invalid request-uri: ${request.uri}`);
    }
    if (found === 'lost') {
      if (!request.has('route')) throw new FlowLostError();
    } else if (found && mayCarry(found, request)) return found;
    return hints.flow?.connection?.alive && mayCarry(hints.flow, request) ? hints.flow : undefined;
  }

  async #lookUp(uri: SipUri, text: string, local: Endpoint | undefined): Promise<Target[]> {
    let targets: Target[];
    try {
      targets = await this.#transport.resolve(uri);
    } catch (error) {
      throw new UnresolvedError(`${text}: ${error instanceof Error ? error.message : String(error)}`);
    }
    if (targets.length === 0) throw new UnresolvedError(`${text}: no address`);
    return targets.map((target) => withLocal(target, local));
  }
}

function isSips(request: SipRequest): boolean {
  return /^sips:/i.test(request.uri);
}

function mayCarry({ protocol }: Flow, request: SipRequest): boolean {
  return protocol === 'tls' || protocol === 'wss' || !isSips(request);
}

/** The next hop has no address: the request fails as if it had been answered with 503. */
export class UnresolvedError extends DialogError {
  override name = 'UnresolvedError';
}

/** The connection that the Contact was registered over is gone: fails as if answered with 503 (RFC 5626 section 5.3 has 430 for edges). */
export class FlowLostError extends DialogError {
  override name = 'FlowLostError';

  constructor() {
    super('the connection that this contact registered over is closed');
  }
}

/** A target that goes down one connection only. */
export function targetOf(flow: Flow): Target {
  return { protocol: flow.protocol, host: flow.remote.address, port: flow.remote.port, flow };
}

function withLocal(target: Target, local: Endpoint | undefined): Target {
  return local && target.protocol === 'udp' ? { ...target, local } : target;
}

function readUri(text: string): SipUri {
  let uri: SipUri;
  try {
    uri = parseUri(text.startsWith('<') ? parseNameAddr(text).uri : text);
  } catch (error) {
    if (error instanceof GrammarError) throw new DialogError(`invalid request-uri: ${text}`);
    throw error;
  }
  if (uri.scheme !== 'sip' && uri.scheme !== 'sips') throw new DialogError(`can not route to ${text}`);
  return uri;
}

/**
 * Puts a Route set on a request that has none and tells its next hop. A strict router on top takes the Request-URI's place (RFC 3261
 * section 12.2.1.1).
 */
export function preloadRoutes(request: SipRequest, routes: readonly string[]): string {
  const [first, ...rest] = routes;
  if (first === undefined) return request.uri;
  const nextHop = readRoute(first);
  if (isLoose(first)) {
    request.set('Route', routes);
    return nextHop;
  }
  request.set('Route', [...rest, `<${request.uri}>`]);
  request.uri = nextHop;
  return nextHop;
}

function readRoute(route: string): string {
  try {
    return parseNameAddr(route).uri;
  } catch {
    throw new DialogError(`invalid route: ${route}`);
  }
}
