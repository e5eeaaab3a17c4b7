import type { Device, RegisterAnswer, RegisterRequest } from '../devices/types.js';
import type { Drachtio, SrfRequest, SrfResponse } from './drachtio.js';
import { firstHeader, type HeaderLines, linesOf, toRecord } from './header-lines.js';
import { type AccessOptions, accessOf } from './register-access.js';
import { aorFrom, describeRegister, type HeaderNames, hostOf, sourceOf } from './register-request.js';

/** Who decides about a REGISTER that may be made: callwake itself, or another registrar. */
export interface Registrar {
  register(request: RegisterRequest, req: SrfRequest, lines: HeaderLines): Promise<RegisterAnswer>;
}

export interface RegisterOptions {
  readonly drachtio: Drachtio;
  readonly registrar: Registrar;
  readonly access: AccessOptions;
  /** Domains whose AORs are ours, lower case. */
  readonly domains: readonly string[];
  readonly headers: HeaderNames;
  /** REGISTERs under way at once; more get 503 with Retry-After. */
  readonly maxPending: number;
  /** Whether whoever sends this may register once more now. */
  readonly mayRegister?: (req: SrfRequest) => boolean;
  /** Headers for the 200 to a REGISTER of these devices, besides the registrar's. */
  readonly headersFor?: (devices: readonly Device[]) => HeaderLines;
  /** The 200 of these devices' REGISTER is with the engine, which does what it is asked in order. */
  readonly onRegistered: (devices: readonly Device[]) => void;
  readonly onRefused: (refusal: Refusal) => void;
  readonly onFault: (error: unknown) => void;
  /** From 0 (inclusive) to 1 (exclusive); spreads those that are told to come back. */
  readonly random?: () => number;
}

/** A REGISTER that was not taken. */
export interface Refusal {
  readonly source: string;
  readonly aor: string;
  readonly status: number;
  readonly reason: string;
  /** For the log, where the reason phrase doesn't tell. */
  readonly why?: string;
  /** The REGISTER, if it was understood and its sender had the right to make it. */
  readonly request?: RegisterRequest;
}

/** Those that come back do so within this many seconds. */
const RETRY_SPREAD = 10;

/** Handles REGISTER (RFC 3261 10.3): who may, for whom, and what the registrar makes of it. */
export function registerHandler(options: RegisterOptions): (req: SrfRequest, res: SrfResponse) => void {
  const { drachtio, registrar, access, domains, maxPending, random = Math.random } = options;
  let pending = 0;
  const refuse = (res: SrfResponse, refusal: Refusal, headers: HeaderLines = []): void => {
    options.onRefused(refusal);
    drachtio.respond(res, refusal.status, refusal.reason, toRecord(headers));
  };
  const answer = (res: SrfResponse, request: RegisterRequest, given: RegisterAnswer): void => {
    const { status, reason, registered } = given;
    const headers = [...given.headers, ...(status === 200 ? (options.headersFor?.(registered) ?? []) : [])];
    if (status >= 300) options.onRefused({ source: request.source, aor: request.aor, status, reason, request });
    drachtio.respond(res, status, reason, toRecord(headers));
    // What is asked of the engine from here on, such as an INVITE for the phone, it does after that.
    if (registered.length > 0) options.onRegistered(registered);
  };
  const take = async (req: SrfRequest, res: SrfResponse, lines: HeaderLines, aor: string): Promise<void> => {
    const source = sourceOf(req);
    const granted = await accessOf(access, req, lines, aor);
    if (granted.kind === 'refused') {
      const { status, reason, why, headers } = granted;
      return refuse(res, { source, aor, status, reason, why }, headers);
    }
    if (!domains.includes(hostOf(aor))) {
      return refuse(res, { source, aor, status: 404, reason: 'Domain Not Served Here' });
    }
    if (firstHeader(lines, 'max-forwards') === '0') {
      return refuse(res, { source, aor, status: 483, reason: 'Too Many Hops' });
    }
    const request = {
      ...describeRegister(req, lines, aor, granted.fromEdge, options.headers),
      flow: drachtio.flows.routeTo(source),
    };
    answer(res, request, await registrar.register(request, req, lines));
  };
  return (req, res) => {
    const lines = linesOf(req.msg);
    const aor = aorFrom(firstHeader(lines, 'to') ?? '');
    const source = sourceOf(req);
    if (aor === undefined) return refuse(res, { source, aor: '', status: 400, reason: 'Bad To Header' });
    const tooMany = (why: string): void => {
      const retry = String(1 + Math.floor(random() * RETRY_SPREAD));
      refuse(res, { source, aor, status: 503, reason: 'Too Many Registrations', why }, [
        ['Retry-After', retry],
        ['Warning', `399 callwake "${why}"`],
      ]);
    };
    if (pending >= maxPending) return tooMany('too many REGISTERs under way');
    if (options.mayRegister?.(req) === false) return tooMany('too many REGISTERs of this address');
    pending++;
    take(req, res, lines, aor)
      .catch((error: unknown) => {
        options.onFault(error);
        drachtio.respond(res, 500, 'Server Internal Error', { 'Retry-After': '5' });
      })
      .finally(() => {
        pending--;
      });
  };
}
