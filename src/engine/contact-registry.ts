import type { Clock } from '../clock/clock.js';
import { GrammarError } from '../grammar/error.js';
import { parseNameAddr } from '../grammar/name-addr.js';
import type { Params } from '../grammar/params.js';
import { parseUri, type SipUri } from '../grammar/uri.js';
import type { ContactFlows } from './dialog/router.js';
import type { SipRequest, SipResponse } from './message/index.js';
import type { Flow } from './transport/index.js';

interface Entry {
  /** Undefined once the connection has ended: nothing of it is kept. */
  flow: Flow | undefined;
  expires: number;
  /** The device and its AOR; undefined when it doesn't say. */
  readonly device: string | undefined;
}

const DEFAULT_EXPIRES = 3600;
/** How long after a device registered another Contact requests to the former one may be under way, in milliseconds. */
const REPLACED_FOR = 64_000;
/** Entries that are looked at, in turn, with each REGISTER. */
const SWEPT = 4;

/**
 * Over which connection each Contact registered: learnt from every REGISTER over TCP, TLS or WebSocket that the app answered with 2xx. Requests to that
 * Contact go down that connection (RFC 5626 section 5.3, without its tokens). A device's former Contact is
 * forgotten soon. Bounded: the oldest entries go first.
 */
export class ContactRegistry implements ContactFlows {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #entries = new Map<string, Entry>();
  /** The Contact that each device registered last. */
  readonly #devices = new Map<string, string>();
  #sweep = this.#entries.entries();

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
        this.#set(key, seconds, flow, deviceOf(request, params));
      } catch (error) {
        if (!(error instanceof GrammarError)) throw error;
      }
    }
    while (this.#entries.size > this.#max) {
      const [oldest] = this.#entries.keys();
      if (oldest === undefined) break;
      this.#forget(oldest);
    }
    for (let looked = 0; looked < SWEPT; looked++) this.#sweepOne();
  }

  find(uri: SipUri): Flow | 'lost' | undefined {
    const key = keyOf(uri);
    if (!key) return undefined;
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    if (entry.flow?.connection?.alive) return entry.flow;
    if (entry.expires > this.#clock.now()) return 'lost';
    this.#forget(key);
    return undefined;
  }

  #set(key: string, seconds: number, flow: Flow, device: string | undefined): void {
    this.#forget(key);
    if (seconds === 0) return;
    const now = this.#clock.now();
    this.#entries.set(key, { flow, expires: now + seconds * 1000, device });
    if (device === undefined) return;
    const former = this.#entries.get(this.#devices.get(device) ?? '');
    if (former !== undefined) former.expires = Math.min(former.expires, now + REPLACED_FOR);
    this.#devices.set(device, key);
  }

  #forget(key: string): void {
    const device = this.#entries.get(key)?.device;
    if (device !== undefined && this.#devices.get(device) === key) this.#devices.delete(device);
    this.#entries.delete(key);
  }

  /** Forgets one that has run out, or its connection if that has ended. */
  #sweepOne(): void {
    const { done, value } = this.#sweep.next();
    if (done) {
      this.#sweep = this.#entries.entries();
      return;
    }
    const [key, entry] = value;
    if (entry.expires <= this.#clock.now()) this.#forget(key);
    else if (!entry.flow?.connection?.alive) entry.flow = undefined;
  }
}

/** A device of an AOR, by its instance and flow (RFC 5626 section 4.1, 4.2). */
function deviceOf(request: SipRequest, params: Params): string | undefined {
  const instance = params.get('+sip.instance');
  if (instance === undefined) return undefined;
  const aor = request.get('to')?.replace(/;tag=.*/, '');
  return `${aor} ${instance} ${params.get('reg-id') ?? ''}`;
}

/** `user@host:port`; phones behind one NAT may share user and private address, not the port too. */
function keyOf(uri: SipUri): string | undefined {
  if (uri.user === undefined || uri.host === '') return undefined;
  return `${uri.user}@${uri.host}:${uri.port ?? ''}`;
}

function parseSeconds(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}
