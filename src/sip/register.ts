import type { Device, RegisterAnswer, RegisterRequest } from '../devices/types.js';
import { splitList } from '../grammar/list.js';
import { parseNameAddr } from '../grammar/name-addr.js';
import { aorOf, parseUri } from '../grammar/uri.js';
import type { Drachtio, SrfRequest, SrfResponse } from './drachtio.js';
import { allHeaders, firstHeader, type HeaderLines, headerLines, toRecord } from './header-lines.js';
import type { Peers } from './peers.js';

export interface RegisterOptions {
  readonly drachtio: Drachtio;
  readonly registrar: { register(request: RegisterRequest): Promise<RegisterAnswer> };
  readonly edges: Peers;
  /** Phones may register without an edge between. */
  readonly allowDirect: boolean;
  /** Domains whose AORs are ours, lower case. */
  readonly domains: readonly string[];
  readonly stateHeader: string;
  /** The 200 of these devices' REGISTER has left. */
  readonly onRegistered: (devices: readonly Device[]) => void;
  readonly onRefused: (request: { source: string; aor: string; status: number; reason: string }) => void;
  readonly onFault: (error: unknown) => void;
}

/** Handles REGISTER (RFC 3261 10.3): who may, for whom, and what the devices make of it. */
export function registerHandler(options: RegisterOptions): (req: SrfRequest, res: SrfResponse) => void {
  const refuse = (req: SrfRequest, res: SrfResponse, aor: string, status: number, reason: string): void => {
    options.onRefused({ source: sourceOf(req), aor, status, reason });
    options.drachtio.respond(res, status, reason);
  };
  return (req, res) => {
    const lines = headerLines(req.msg.raw);
    const fromEdge = options.edges.groupOf(req.source_address) !== undefined;
    const aor = aorFrom(firstHeader(lines, 'to') ?? '');
    if (aor === undefined) return refuse(req, res, '', 400, 'Bad To Header');
    if (!fromEdge && !options.allowDirect) return refuse(req, res, aor, 403, 'Forbidden');
    if (!options.domains.includes(hostOf(aor))) return refuse(req, res, aor, 404, 'Domain Not Served Here');
    options.registrar.register(describe(req, lines, aor, fromEdge, options.stateHeader)).then(
      (answer) => {
        if (answer.status !== 200) {
          options.onRefused({ source: sourceOf(req), aor, status: answer.status, reason: answer.reason });
        }
        const { status, reason, registered } = answer;
        options.drachtio.respond(res, status, reason, toRecord(answer.headers), '', () => {
          if (registered.length > 0) options.onRegistered(registered);
        });
      },
      (error: unknown) => {
        options.onFault(error);
        options.drachtio.respond(res, 500, 'Server Internal Error', { 'Retry-After': '5' });
      },
    );
  };
}

function describe(
  req: SrfRequest,
  lines: HeaderLines,
  aor: string,
  fromEdge: boolean,
  stateHeader: string,
): RegisterRequest {
  const expires = Number.parseInt(firstHeader(lines, 'expires') ?? '', 10);
  const userAgent = firstHeader(lines, 'user-agent');
  const word = firstHeader(lines, stateHeader);
  return {
    aor,
    callId: firstHeader(lines, 'call-id') ?? '',
    cseq: Number.parseInt(firstHeader(lines, 'cseq') ?? '0', 10),
    contacts: listed(lines, 'contact'),
    ...(Number.isNaN(expires) ? {} : { expires }),
    path: listed(lines, 'path'),
    supported: listed(lines, 'supported').map((tag) => tag.toLowerCase()),
    featureCaps: listed(lines, 'feature-caps'),
    ...(userAgent === undefined ? {} : { userAgent }),
    ...(word === undefined ? {} : { stateHeader: word }),
    source: sourceOf(req),
    fromEdge,
  };
}

/** `udp/192.0.2.1:5060` */
export function sourceOf(req: SrfRequest): string {
  return `${req.protocol || 'tcp'}/${req.source_address}:${req.source_port}`;
}

function aorFrom(to: string): string | undefined {
  try {
    return aorOf(parseUri(parseNameAddr(to).uri));
  } catch {
    return undefined;
  }
}

function hostOf(aor: string): string {
  return parseUri(aor).host;
}

function listed(lines: HeaderLines, name: string): string[] {
  return allHeaders(lines, name).flatMap((value) => splitList(value));
}
