import type { Clock } from '../clock/clock.js';
import type { DeviceRegistry } from '../devices/registry.js';
import type { RegisterAnswer, RegisterRequest } from '../devices/types.js';
import { confirmUpstream, prepareUpstream } from '../devices/upstream.js';
import { parseUri } from '../grammar/uri.js';
import type { Drachtio, SrfRequest, SrfResponse } from './drachtio.js';
import { firstHeader, type HeaderLines, type HeaderRecord, headerLines, toRecord } from './header-lines.js';
import { aorToPathUser } from './path-user.js';
import { listed } from './register-request.js';

export interface UpstreamPeer {
  readonly host: string;
  readonly port: number;
  readonly transport: string;
}

export interface UpstreamOptions {
  readonly drachtio: Drachtio;
  readonly registry: DeviceRegistry;
  readonly clock: Clock;
  /** Registrars, tried in this order. */
  readonly peers: readonly UpstreamPeer[];
  /** Domains whose AORs are ours, lower case. */
  readonly domains: readonly string[];
  /** SIP URI of callwake for a Path toward that transport, without user and `lr`; undefined while the engine isn't connected. */
  readonly pathUri: (transport: string) => string | undefined;
}

/** A non-INVITE transaction ends after 32 s (RFC 3261 timer F); a little later nobody says anything any more. */
const PATIENCE = 33_000;

/** What belongs to one hop, or is said anew for the next. */
const NOT_ONWARD = new Set(
  'via route record-route max-forwards content-length contact path feature-caps supported'.split(' '),
);
const NOT_BACK = new Set(
  'via from to call-id cseq content-length record-route contact path feature-caps supported require expires'.split(' '),
);

/**
 * Relays REGISTERs to another registrar with callwake on top of the Path (RFC 3327 5.2), and takes its word: challenges and
 * refusals pass through, only a 2xx changes what is known of the phone, with the expiry granted there (RFC 8599 5.6.1.1).
 * The REGISTER goes as one of callwake's own with the phone's Call-ID, CSeq, From and To, since drachtio's `proxy` command can
 * take nothing out of a request and push parameters must not leave (RFC 8599 section 4.1).
 */
export class UpstreamRegistrar {
  readonly #options: UpstreamOptions;

  constructor(options: UpstreamOptions) {
    this.#options = options;
  }

  /** The answer to the phone. Never rejects for what a peer does. */
  async register(request: RegisterRequest, req: SrfRequest, lines: HeaderLines): Promise<RegisterAnswer> {
    const onward = prepareUpstream(request, this.#options.registry.settings);
    if ('status' in onward) return onward;
    let last = answer(503, 'No Registrar Reachable', [['Retry-After', '5']]);
    for (const peer of this.#options.peers) {
      const path = this.#options.pathUri(peer.transport);
      if (path === undefined) return answer(503, 'Service Unavailable', [['Retry-After', '5']]);
      const own = ownPath(path, request.aor);
      const headers = onwardHeaders(
        lines,
        request,
        onward.contacts,
        onward.featureCaps,
        own,
        this.#options.registry.settings.keyHeader,
      );
      const response = await this.#send(req, peer, headers);
      if (response === undefined) {
        last = answer(504, 'Registrar Did Not Answer', [['Retry-After', '5']]);
        continue;
      }
      if (response.status === 408 || response.status === 503) {
        last = passedBack(response);
        continue;
      }
      return response.status < 300 ? this.#confirm(request, response) : passedBack(response);
    }
    return last;
  }

  async #confirm(request: RegisterRequest, response: SrfResponse): Promise<RegisterAnswer> {
    const lines = headerLines(response.msg.raw);
    const expires = Number.parseInt(firstHeader(lines, 'expires') ?? '', 10);
    const confirmed = await confirmUpstream(this.#options.registry, request, {
      contacts: listed(lines, 'contact'),
      ...(Number.isNaN(expires) ? {} : { expires }),
    });
    if (confirmed.status !== 200) return confirmed;
    const others = lines.filter(([name]) => !NOT_BACK.has(name.toLowerCase()));
    return { ...confirmed, headers: [...confirmed.headers, ...others] };
  }

  /** Undefined when nobody answered. */
  #send(req: SrfRequest, peer: UpstreamPeer, headers: HeaderRecord): Promise<SrfResponse | undefined> {
    const { drachtio, clock, domains } = this.#options;
    const hop = `sip:${peer.host.includes(':') ? `[${peer.host}]` : peer.host}:${peer.port};transport=${peer.transport}`;
    return new Promise((resolve) => {
      const timer = clock.setTimeout(() => resolve(undefined), PATIENCE);
      const settle = (response: SrfResponse | undefined): void => {
        timer.cancel();
        resolve(response);
      };
      const uri = isOurs(req.uri, domains) ? req.uri : hop;
      const request = { method: 'REGISTER', uri, proxy: hop, headers, body: req.msg.body ?? '' };
      drachtio.request(request, (error, sent) => {
        if (error !== undefined || sent === undefined) return settle(undefined);
        sent.on('response', (response: SrfResponse) => {
          if (response.status >= 200) settle(response);
        });
      });
    });
  }
}

function onwardHeaders(
  lines: HeaderLines,
  request: RegisterRequest,
  contacts: readonly string[],
  featureCaps: readonly string[],
  ownPath: string,
  keyHeader: string,
): HeaderRecord {
  const hops = Number.parseInt(firstHeader(lines, 'max-forwards') ?? '70', 10);
  const supported = [...new Set([...listed(lines, 'supported'), 'path'])];
  const field = (name: string, values: readonly string[]) => values.map((value) => [name, value] as const);
  return toRecord([
    ...lines.filter(([name]) => {
      const lower = name.toLowerCase();
      return !NOT_ONWARD.has(lower) && lower !== keyHeader.toLowerCase();
    }),
    ['Max-Forwards', String(Math.max(0, (Number.isNaN(hops) ? 70 : hops) - 1))],
    ...field('Contact', contacts),
    // As one field: drachtio-server turns the order of several round.
    ['Path', [ownPath, ...request.path].join(', ')],
    ['Supported', supported.join(', ')],
    ...field('Feature-Caps', [...request.featureCaps, ...featureCaps]),
  ]);
}

function ownPath(uri: string, aor: string): string {
  const [scheme = 'sip', ...rest] = uri.split(':');
  return `<${scheme}:${aorToPathUser(aor)}@${rest.join(':')};lr>`;
}

function isOurs(uri: string, domains: readonly string[]): boolean {
  try {
    return domains.includes(parseUri(uri).host);
  } catch {
    return false;
  }
}

function passedBack(response: SrfResponse): RegisterAnswer {
  const lines = headerLines(response.msg.raw).filter(([name]) => {
    const lower = name.toLowerCase();
    return lower === 'contact' || lower === 'supported' ? response.status >= 300 : !NOT_BACK.has(lower);
  });
  return answer(response.status, response.reason, lines);
}

function answer(status: number, reason: string, headers: readonly (readonly [string, string])[]): RegisterAnswer {
  return { status, reason, headers, registered: [] };
}
