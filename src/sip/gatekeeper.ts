import { isIP } from 'node:net';
import { splitList } from '../grammar/list.js';
import type { Guard } from '../guard/guard.js';
import type { SrfRequest } from './drachtio.js';
import { allHeaders, type HeaderLines, linesOf } from './header-lines.js';
import type { Peers, Sender } from './peers.js';
import type { EdgeTrust } from './register-access.js';

export interface GatekeeperOptions {
  readonly guard: Guard;
  readonly trunks: Peers;
  readonly edgeOf: (req: Sender) => EdgeTrust | undefined;
  readonly allowDirect: boolean;
  readonly onRefused: (method: string, request: RefusedByGate) => void;
}

/** A request that was refused whatever it asked for. */
export interface RefusedByGate {
  readonly source: string;
  readonly uri: string;
  readonly status: number;
  readonly reason: string;
  readonly why: string;
}

/** Says who a request outside a dialog really comes from, and turns banned addresses and scanners away before anything else is done. */
export class Gatekeeper {
  readonly #options: GatekeeperOptions;

  constructor(options: GatekeeperOptions) {
    this.#options = options;
  }

  /** Why a request is refused whatever it asks for; undefined when it isn't. Trunk peers are never refused here. */
  refusalOf(req: SrfRequest): string | undefined {
    const why = this.#refusalOf(req);
    if (why === undefined) return undefined;
    const source = `${req.source_address}:${req.source_port}`;
    this.#options.onRefused(req.method, { source, uri: req.uri, status: 403, reason: 'Forbidden', why });
    return why;
  }

  #refusalOf(req: SrfRequest): 'banned' | 'scanner' | undefined {
    const { guard } = this.#options;
    const userAgent = USER_AGENT.exec(req.msg.raw)?.[1];
    const suspect = userAgent !== undefined && guard.looksLikeScanner(userAgent);
    if (guard.bans.none && !suspect) return undefined;
    const origin = this.originOf(req);
    if (origin === undefined) return undefined;
    if (guard.bans.isBanned(origin)) return 'banned';
    if (!suspect) return undefined;
    guard.scannerSeen(origin);
    return 'scanner';
  }

  /**
   * The address to blame for a request: the sender's or, behind an edge, that of whoever the edge has it from, as the edge's Via
   * handling tells (RFC 3261 section 18.2.1). Undefined for trunk peers, and where an edge doesn't tell: a whole edge is never banned.
   */
  originOf(req: SrfRequest, lines?: HeaderLines): string | undefined {
    const { trunks, edgeOf } = this.#options;
    if (trunks.groupOf(req) !== undefined) return undefined;
    if (edgeOf(req) === undefined) return req.source_address;
    const vias = allHeaders(lines ?? linesOf(req.msg), 'via').flatMap((value) => splitList(value));
    const address = vias[1] === undefined ? undefined : addressIn(vias[1]);
    return address !== undefined && isIP(address) !== 0 ? address : undefined;
  }

  /** Whether callwake has to do with whoever sends this: a trunk peer, an edge, a phone, or somebody on this machine. */
  knows(req: SrfRequest): boolean {
    const { trunks, edgeOf, allowDirect } = this.#options;
    const { source_address: address } = req;
    if (allowDirect || /^(::ffff:)?127\.|^\[?::1\]?$/.test(address)) return true;
    return trunks.groupOf(req) !== undefined || edgeOf(req) !== undefined;
  }

  /** A phone showed wrong credentials. */
  wrongCredentials(req: SrfRequest, lines: HeaderLines, why: string): void {
    const origin = this.originOf(req, lines);
    if (origin !== undefined) this.#options.guard.authenticationFailed(origin, why);
  }

  /** Whether this REGISTER is one too many of its address; edges have no budget. */
  mayRegister(req: SrfRequest): boolean {
    const { guard, edgeOf } = this.#options;
    return edgeOf(req) !== undefined || guard.registration(req.source_address);
  }
}

const USER_AGENT = /^user-agent[ \t]*:(.*)$/im;

/** The address that a Via value stands for. */
function addressIn(via: string): string | undefined {
  const received = /;\s*received\s*=\s*\[?([0-9a-f.:]+)/i.exec(via)?.[1];
  return received ?? /^\s*SIP\s*\/\s*2\.0\s*\/\s*\S+\s+\[?([0-9a-f.:]+?)\]?\s*(?::\d+)?\s*(?:;|$)/i.exec(via)?.[1];
}
