import { type DigestAuthenticator, ownsAor } from '../devices/digest.js';
import type { SrfRequest } from './drachtio.js';
import { allHeaders, type HeaderLines } from './header-lines.js';
import type { Sender } from './peers.js';

/** An edge as far as REGISTERs are concerned. */
export interface EdgeTrust {
  readonly name: string;
  /** Phones behind it have to authenticate here. */
  readonly digest: boolean;
}

/** What a REGISTER may do, or the answer that refuses it. */
export type Access =
  | { readonly kind: 'granted'; readonly fromEdge: boolean }
  | {
      readonly kind: 'refused';
      readonly status: number;
      readonly reason: string;
      readonly headers: readonly (readonly [string, string])[];
      /** For the log. */
      readonly why: string;
    };

export interface AccessOptions {
  /** The edge that a request comes from. */
  readonly edgeOf: (req: Sender) => EdgeTrust | undefined;
  /** What a request from an edge's address lacks to be the edge's. */
  readonly edgeLack?: (req: Sender) => string | undefined;
  /** Phones may register without an edge between. */
  readonly allowDirect: boolean;
  /** How phones authenticate; without it those that are let in needn't. */
  readonly digest?: { readonly authenticator: DigestAuthenticator; readonly realm: string };
  /** Told of wrong credentials, and of right ones for somebody else's address of record. */
  readonly onWrong?: (req: SrfRequest, lines: HeaderLines, why: string) => void;
}

/**
 * Decides who may register what, or call as whom (RFC 3261 10.3 steps 3 and 4): an edge by its address and, over TLS, its certificate,
 * a phone by digest.
 */
export async function accessOf(
  options: AccessOptions,
  req: SrfRequest,
  lines: HeaderLines,
  aor: string,
): Promise<Access> {
  const edge = options.edgeOf(req);
  if (edge === undefined && !options.allowDirect) {
    return refused(403, 'Forbidden', options.edgeLack?.(req) ?? 'not from an edge');
  }
  const fromEdge = edge !== undefined;
  if (options.digest === undefined || (edge !== undefined && !edge.digest)) return { kind: 'granted', fromEdge };
  const { authenticator, realm } = options.digest;
  const result = await authenticator.check(req.method, allHeaders(lines, 'authorization'));
  if (result.kind === 'malformed') return refused(400, 'Bad Request', result.why);
  if (result.kind === 'challenge') {
    if (result.wrong) options.onWrong?.(req, lines, result.why);
    const challenges = result.values.map((value) => ['WWW-Authenticate', value] as const);
    return { ...refused(401, 'Unauthorized', result.why), headers: challenges };
  }
  if (ownsAor(result.username, realm, aor)) return { kind: 'granted', fromEdge };
  options.onWrong?.(req, lines, NOT_HIS);
  return refused(403, 'Forbidden', NOT_HIS);
}

const NOT_HIS = 'the address of record is not that user’s';

/** Requests from there are devices' own, directly or through an edge. */
export function isPhoneSide({ edgeOf, allowDirect }: AccessOptions, req: SrfRequest): boolean {
  return allowDirect || edgeOf(req) !== undefined;
}

function refused(status: number, reason: string, why: string): Extract<Access, { kind: 'refused' }> {
  return { kind: 'refused', status, reason, headers: [], why };
}
