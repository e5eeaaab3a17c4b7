import { createHmac, timingSafeEqual } from 'node:crypto';
import { GrammarError } from '../../grammar/error.js';
import { parseNameAddr } from '../../grammar/name-addr.js';
import { parseUri, type SipUri } from '../../grammar/uri.js';
import type { SipRequest } from '../message/index.js';
import type { SentBy } from '../transport/index.js';

const PARAM = 'cw';

/** A Route of this proxy that was taken off a request: the side that the request leaves by. */
export interface OwnRoute {
  uri: SipUri;
}

/**
 * Record-Route values of this proxy and their way back. Each carries a token that only this proxy can make, for one Call-ID: requests inside a dialog
 * are relayed when they show it, without any state, also after a restart with the same secret; anything else is not relayed.
 */
export class RecordRoutes {
  readonly #key: Buffer;

  constructor(secret: string) {
    this.#key = createHmac('sha256', 'callwake record-route').update(secret).digest();
  }

  /**
   * Puts this proxy on the request's Record-Route: once, or, when it leaves another way than it came, once for each side with the outgoing one on top
   * (RFC 5658).
   */
  add(request: SipRequest, incoming: SentBy, outgoing: SentBy): void {
    const token = this.#token(request.callId);
    const inside = routeValue(incoming, token);
    const outside = routeValue(outgoing, token);
    request.prepend('Record-Route', inside);
    if (outside !== inside) request.prepend('Record-Route', outside);
  }

  /** This proxy as a Path value (RFC 3327). */
  path(local: SentBy): string {
    return `<${uriOf(local)};lr>`;
  }

  /** Takes this proxy's own values off the top of Route; gives the last one taken, or undefined when the first is not its own. */
  take(request: SipRequest): OwnRoute | undefined {
    let taken: OwnRoute | undefined;
    for (;;) {
      const [first] = request.list('route');
      const uri = first === undefined ? undefined : this.#own(first, request.callId);
      if (!uri) return taken;
      request.removeFirst('route');
      taken = { uri };
    }
  }

  /** Whether the topmost Route is one that this proxy made for this Call-ID. */
  isOwn(request: SipRequest): boolean {
    if (!request.has('route')) return false;
    const [first] = request.list('route');
    return first !== undefined && this.#own(first, request.callId) !== undefined;
  }

  #own(route: string, callId: string): SipUri | undefined {
    if (!route.includes(`;${PARAM}=`)) return undefined;
    try {
      const uri = parseUri(parseNameAddr(route).uri);
      const shown = Buffer.from(uri.params.get(PARAM) ?? '');
      const right = Buffer.from(this.#token(callId));
      return shown.length === right.length && timingSafeEqual(shown, right) ? uri : undefined;
    } catch (error) {
      if (error instanceof GrammarError) return undefined;
      throw error;
    }
  }

  #token(callId: string): string {
    return createHmac('sha256', this.#key).update(callId).digest('base64url').slice(0, 16);
  }
}

function routeValue(local: SentBy, token: string): string {
  return `<${uriOf(local)};lr;${PARAM}=${token}>`;
}

function uriOf(local: SentBy): string {
  const transport = local.protocol === 'udp' ? '' : `;transport=${local.protocol === 'wss' ? 'ws' : local.protocol}`;
  return `${local.protocol === 'wss' ? 'sips' : 'sip'}:${local.host}:${local.port}${transport}`;
}
