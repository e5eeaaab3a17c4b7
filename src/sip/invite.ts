import { callUuidOf, sessionUuid } from '../calls/call-uuid.js';
import type { Calls } from '../calls/calls.js';
import type { CallHandle } from '../calls/incoming.js';
import type { OutboundCalls } from '../calls/outbound.js';
import type { CallPolicy } from '../calls/policy.js';
import type { CallInfo } from '../calls/records.js';
import { StoreAway } from '../store/store.js';
import { withIdentity } from './caller-identity.js';
import { callerOf, type DestinationOptions, destinationOf } from './device-invite.js';
import type { SrfRequest, SrfResponse } from './drachtio.js';
import { faceOf } from './face.js';
import { firstHeader, type HeaderLines, linesOf, toRecord } from './header-lines.js';
import type { Found, Party } from './joints.js';
import type { Peers } from './peers.js';
import { type AccessOptions, isPhoneSide } from './register-access.js';
import { aorFrom } from './register-request.js';
import { formatReplaces, parseReplaces } from './replaces.js';
import { cameOverTls, isSips, mayTakeSips, SIPS_NOT_ALLOWED } from './sips.js';
import type { Takeover } from './takeover.js';
import { type Target, targetOf } from './target.js';
import { TrunkCall, type Wire } from './trunk-call.js';

export interface InviteOptions extends DestinationOptions {
  readonly wire: Wire;
  readonly calls: Calls;
  readonly outbound: OutboundCalls;
  readonly trunks: Peers;
  readonly takeover: Takeover;
  readonly access: AccessOptions;
  /** The trunk that devices' calls go to, and whose policy holds for calls between devices. */
  readonly defaultTrunk: string;
  readonly policyOf: (trunk: string, aor: string) => CallPolicy;
  /** Whether that user's phones may make one more call to the trunk now. */
  readonly mayCallTrunk: (aor: string) => boolean;
  readonly onRefused: (call: { source: string; uri: string; status: number; reason: string; why?: string }) => void;
  readonly onFault: (error: unknown) => void;
}

/** A dialog that an INVITE wants to replace. */
interface Replaced {
  readonly found: Found;
  readonly lines: HeaderLines;
}

/** Whose call it is: a device's AOR and, when it is known, the device; or the trunk's name. */
interface CallingParty {
  readonly aor: string;
  readonly deviceId?: string;
}

type Refuse = (status: number, reason: string, headers?: HeaderLines, why?: string) => void;

/**
 * Handles an INVITE outside a dialog: from the trunk for one of our AORs, or from a device for one of our AORs or the trunk. Anybody
 * else gets 403.
 */
export function inviteHandler(options: InviteOptions): (req: SrfRequest, res: SrfResponse) => void {
  const { drachtio } = options.wire;
  return (req, res) => {
    if (options.takeover.handle(req, res)) return;
    const lines = linesOf(req.msg);
    const refuse: Refuse = (status, reason, headers = [], why) => {
      const source = `${req.source_address}:${req.source_port}`;
      options.onRefused({ source, uri: req.uri, status, reason, ...(why === undefined ? {} : { why }) });
      drachtio.respond(res, status, reason, toRecord(headers));
    };
    const trunk = options.trunks.groupOf(req);
    const device = isPhoneSide(options.access, req) && (trunk === undefined || isOurs(options, lines));
    if (trunk === undefined && !device) {
      const lack = options.trunks.lackOf(req) ?? options.access.edgeLack?.(req);
      return refuse(403, 'Forbidden', [], lack ?? 'not from a trunk peer or phone');
    }
    if (firstHeader(lines, 'max-forwards') === '0') return refuse(483, 'Too Many Hops');
    if (isSips(req.uri) && !cameOverTls(req)) return refuse(480, UNAVAILABLE, SIPS_NOT_ALLOWED, 'sips without TLS');
    const call = new Arrival(options, req, res, lines, refuse);
    (device ? call.fromDevice() : call.fromTrunk(trunk ?? '')).catch((error: unknown) => {
      // The caller's side may try another node, whose store is there or remembers more.
      if (error instanceof StoreAway) return refuse(503, 'Service Unavailable', AWAY);
      options.onFault(error);
      drachtio.respond(res, 500, 'Server Internal Error');
    });
  };
}

const UNAVAILABLE = 'Temporarily Unavailable';

const AWAY: HeaderLines = [
  ['Retry-After', '5'],
  ['Warning', '399 callwake "the store can not be reached"'],
];

/** An address may be a trunk peer's and a phone's at once, as on a lab machine: then From tells whose call it is. */
function isOurs({ domains }: InviteOptions, lines: HeaderLines): boolean {
  const aor = aorFrom(firstHeader(lines, 'from') ?? '') ?? '';
  return domains.includes(aor.slice(aor.lastIndexOf('@') + 1));
}

/** An INVITE that has just come. */
class Arrival {
  constructor(
    readonly options: InviteOptions,
    readonly req: SrfRequest,
    readonly res: SrfResponse,
    readonly lines: HeaderLines,
    readonly refuse: Refuse,
  ) {}

  async fromTrunk(trunk: string): Promise<void> {
    const replaced = this.#replaced();
    if (replaced === 'unknown') return this.refuse(481, 'Call/Transaction Does Not Exist');
    const party: Party = { kind: 'trunk', trunk };
    const port = this.#port(replaced?.lines ?? this.lines, party);
    if (replaced !== undefined) return this.#replace(port, replaced, trunk, { aor: trunk });
    const left = this.options.calls.expected(port.callUuid, firstHeader(this.lines, 'call-id') ?? '');
    if (left !== undefined) return this.#toDevices(port, left, trunk, this.lines);
    const target = await targetOf(this.options, this.req.uri, this.lines);
    if (port.cancelled) return;
    if (target === undefined) {
      this.options.onRefused({ source: trunk, uri: this.req.uri, status: 404, reason: 'Not Found' });
      port.reject(404, 'Not Found');
      return;
    }
    if (!(await this.#isSafe(target))) return this.#refuseSips(port);
    if (port.cancelled) return;
    this.#toDevices(port, target, trunk, this.lines);
  }

  async fromDevice(): Promise<void> {
    const { options, req, lines } = this;
    const caller = await callerOf(options.devicesOf, options.access, req, lines);
    if (caller.kind === 'refused') {
      return this.refuse(caller.status, caller.reason, caller.headers, caller.why);
    }
    const known = withIdentity(lines, caller.aor);
    const replaced = this.#replaced(known);
    const { kind: _, ...who } = caller;
    const party: Party = { kind: 'device', ...who };
    const { defaultTrunk } = options;
    if (replaced !== undefined && replaced !== 'unknown') {
      this.#replace(this.#port(replaced.lines, party), replaced, defaultTrunk, caller);
      return;
    }
    const port = this.#port(known, party);
    const destination = await destinationOf(options, req.uri, lines);
    if (port.cancelled) return;
    if (destination?.kind === 'device' && replaced === 'unknown') {
      return port.reject(481, 'Call/Transaction Does Not Exist');
    }
    if (destination?.kind === 'device' && !(await this.#isSafe(destination.target))) return this.#refuseSips(port);
    if (port.cancelled) return;
    if (destination === undefined) port.reject(404, 'Not Found');
    else if (destination.kind === 'device') this.#toDevices(port, destination.target, defaultTrunk, known, caller);
    else {
      const { number, uri } = destination;
      if (!options.mayCallTrunk(caller.aor)) {
        const source = `${req.source_address}:${req.source_port}`;
        options.onRefused({ source, uri: req.uri, status: 403, reason: 'Forbidden', why: 'budget outboundCalls' });
        return port.reject(403, 'Too Many Calls');
      }
      this.#toTrunk(port, { number, ...(uri === undefined ? {} : { uri }) }, defaultTrunk, caller);
    }
  }

  /** The call that a Replaces names (RFC 3891), with the header fields to go on; undefined without one. */
  #replaced(lines = this.lines): Replaced | 'unknown' | undefined {
    const value = firstHeader(lines, 'replaces');
    if (value === undefined) return undefined;
    const named = parseReplaces(value);
    const found = named === undefined ? undefined : this.options.wire.joints.find(named);
    if (named === undefined || found === undefined) return 'unknown';
    const others = lines.filter(([name]) => !/^replaces$/i.test(name));
    return { found, lines: [...others, ['Replaces', formatReplaces(found.name, named.rest)]] };
  }

  /** Sends it to whoever has the dialog that is to be replaced. */
  #replace(port: TrunkCall, { found, lines }: Replaced, trunk: string, caller: CallingParty): void {
    const { party, contact } = found.side;
    if (party.kind === 'device') {
      const { kind: _, ...target } = party;
      this.#toDevices(port, target, trunk, lines, caller);
    } else if (contact === undefined) port.reject(481, 'Call/Transaction Does Not Exist');
    else this.#toTrunk(port, { number: '', uri: contact }, party.trunk, caller);
  }

  #toTrunk(port: TrunkCall, to: { number: string; uri?: string }, trunk: string, caller: CallingParty): void {
    const { outbound, policyOf } = this.options;
    const { aor } = caller;
    const { ring: limit } = policyOf(trunk, aor);
    const ring = Math.min(limit, this.#expires() ?? limit);
    this.#attach(port, outbound.start({ ...this.#common(port, caller), ...to, aor, trunk, ring }, port));
  }

  #toDevices(port: TrunkCall, target: Target, trunk: string, lines: HeaderLines, caller?: CallingParty): void {
    const { calls, policyOf } = this.options;
    const expires = this.#expires();
    const incoming = {
      ...this.#common(port, caller),
      ...target,
      trunk,
      ...(expires === undefined ? {} : { expires }),
      face: faceOf(lines, this.req.uri, this.req.msg.body ?? ''),
    };
    this.#attach(port, calls.incoming(incoming, policyOf(trunk, target.aor), port));
  }

  /** Whether all the way to a device can be over TLS, where the Request-URI wants that. */
  async #isSafe({ aor, deviceId }: Target): Promise<boolean> {
    if (!isSips(this.req.uri)) return true;
    return mayTakeSips((await this.options.devicesOf(aor)).filter(({ id }) => (deviceId ?? id) === id));
  }

  #refuseSips(port: TrunkCall): void {
    const { req, options } = this;
    const source = `${req.source_address}:${req.source_port}`;
    options.onRefused({ source, uri: req.uri, status: 480, reason: UNAVAILABLE, why: 'no phone takes sips' });
    port.reject(480, UNAVAILABLE, { sips: true });
  }

  #attach(port: TrunkCall, handle: CallHandle | undefined): void {
    if (handle !== undefined) port.attach(handle);
  }

  #common(
    port: TrunkCall,
    caller?: CallingParty,
  ): Pick<CallInfo, 'callUuid' | 'sessionId' | 'callId' | 'callerDevice'> {
    const sessionId = sessionUuid(firstHeader(this.lines, 'session-id'));
    return {
      callUuid: port.callUuid,
      ...(sessionId === undefined ? {} : { sessionId }),
      callId: firstHeader(this.lines, 'call-id') ?? '',
      ...(caller?.deviceId === undefined ? {} : { callerDevice: caller.deviceId }),
    };
  }

  #expires(): number | undefined {
    const seconds = Number.parseInt(firstHeader(this.lines, 'expires') ?? '', 10);
    return seconds > 0 ? seconds * 1000 : undefined;
  }

  #port(lines: HeaderLines, party: Party): TrunkCall {
    const { req, res } = this;
    const { wire, takeover } = this.options;
    const port = new TrunkCall({
      wire,
      callUuid: callUuidOf(firstHeader(lines, 'session-id'), firstHeader(lines, 'call-id') ?? ''),
      invite: {
        raw: req.msg.raw,
        transaction: req.stackTxnId,
        protocol: req.protocol,
        address: req.source_address,
        port: req.source_port,
      },
      // As they came they needn't be kept: the INVITE is.
      ...(lines === this.lines ? {} : { lines }),
      party,
      req,
      res,
      adopted: takeover.isAdopted(req.stackTxnId),
      onFinal: (call, final) => takeover.remove(call, final),
      onConfirmed: (call) => takeover.confirmed(call.saved.transaction),
    });
    takeover.add(port);
    return port;
  }
}
