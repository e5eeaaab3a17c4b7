import type { Clock } from '../clock/clock.js';
import { GrammarError } from '../grammar/error.js';
import { parseNameAddr } from '../grammar/name-addr.js';
import { parseUri, type SipUri } from '../grammar/uri.js';
import type { ContactFlows } from './dialog/router.js';
import type { SipRequest, SipResponse } from './message/index.js';
import type { Flow } from './transport/index.js';

interface Entry {
  flow: Flow;
  expires: number;
}

const DEFAULT_EXPIRES = 3600;

/**
 * Over which connection each Contact registered: learnt from every REGISTER over TCP, TLS or WebSocket that the app answered with 2xx. Requests to that
 * Contact go down that connection (RFC 5626 section 5.3, without its tokens). Bounded: the oldest entries go first.
 */
export class ContactRegistry implements ContactFlows {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock, max = 200_000) {
    this.#clock = clock;
    this.#max = max;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Takes note of an accepted REGISTER. Contacts that it removed are forgotten. */
  learn(request: SipRequest, response: SipResponse, flow: Flow): void {
    if (!flow.connection) return;
    for (const contact of request.list('contact')) {
      if (contact === '*') continue;
      try {
        const { uri, params } = parseNameAddr(contact);
        const key = keyOf(parseUri(uri));
        if (!key) continue;
        const seconds =
          parseSeconds(params.get('expires') ?? request.get('expires')) ??
          parseSeconds(response.get('expires')) ??
          DEFAULT_EXPIRES;
        this.#entries.delete(key);
        if (seconds > 0) this.#entries.set(key, { flow, expires: this.#clock.now() + seconds * 1000 });
      } catch (error) {
        if (!(error instanceof GrammarError)) throw error;
      }
    }
    while (this.#entries.size > this.#max) {
      const [oldest] = this.#entries.keys();
      if (oldest === undefined) break;
      this.#entries.delete(oldest);
    }
  }

  find(uri: SipUri): Flow | 'lost' | undefined {
    const key = keyOf(uri);
    if (!key) return undefined;
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    if (entry.flow.connection?.alive) return entry.flow;
    if (entry.expires > this.#clock.now()) return 'lost';
    this.#entries.delete(key);
    return undefined;
  }
}

/** `user@host:port`; phones behind one NAT may share user and private address, not the port too. */
function keyOf(uri: SipUri): string | undefined {
  if (uri.user === undefined || uri.host === '') return undefined;
  return `${uri.user}@${uri.host}:${uri.port ?? ''}`;
}

function parseSeconds(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}
