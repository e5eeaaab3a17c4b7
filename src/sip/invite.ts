import { callUuidOf, sessionUuid } from '../calls/call-uuid.js';
import type { CallHandle, Calls } from '../calls/calls.js';
import type { OutboundCalls } from '../calls/outbound.js';
import type { CallPolicy } from '../calls/policy.js';
import { withIdentity } from './caller-identity.js';
import { callerOf, type DestinationOptions, destinationOf } from './device-invite.js';
import type { SrfRequest, SrfResponse } from './drachtio.js';
import { faceOf } from './face.js';
import { firstHeader, type HeaderLines, headerLines, toRecord } from './header-lines.js';
import type { Peers } from './peers.js';
import { type AccessOptions, isPhoneSide } from './register-access.js';
import { aorFrom } from './register-request.js';
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
  readonly onRefused: (call: { source: string; uri: string; status: number; reason: string }) => void;
  readonly onFault: (error: unknown) => void;
}

type Refuse = (status: number, reason: string, headers?: HeaderLines) => void;

/**
 * Handles an INVITE outside a dialog: from the trunk for one of our AORs, or from a device for one of our AORs or the trunk. Anybody
 * else gets 403.
 */
export function inviteHandler(options: InviteOptions): (req: SrfRequest, res: SrfResponse) => void {
  const { drachtio } = options.wire;
  return (req, res) => {
    if (options.takeover.handle(req, res)) return;
    const lines = headerLines(req.msg.raw);
    const refuse: Refuse = (status, reason, headers = []) => {
      options.onRefused({ source: `${req.source_address}:${req.source_port}`, uri: req.uri, status, reason });
      drachtio.respond(res, status, reason, toRecord(headers));
    };
    const trunk = options.trunks.groupOf(req.source_address);
    const device = isPhoneSide(options.access, req) && (trunk === undefined || isOurs(options, lines));
    if (trunk === undefined && !device) return refuse(403, 'Forbidden');
    if (firstHeader(lines, 'max-forwards') === '0') return refuse(483, 'Too Many Hops');
    const call = new Arrival(options, req, res, lines, refuse);
    (device ? call.fromDevice() : call.fromTrunk(trunk ?? '')).catch((error: unknown) => {
      options.onFault(error);
      drachtio.respond(res, 500, 'Server Internal Error');
    });
  };
}

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
    const port = this.#port(this.lines);
    const target = await targetOf(this.options, this.req.uri, this.lines);
    if (port.cancelled) return;
    if (target === undefined) {
      this.options.onRefused({ source: trunk, uri: this.req.uri, status: 404, reason: 'Not Found' });
      port.reject(404, 'Not Found');
      return;
    }
    this.#toDevices(port, target, trunk, this.lines);
  }

  async fromDevice(): Promise<void> {
    const { options, req, lines } = this;
    const caller = await callerOf(options.devicesOf, options.access, req, lines);
    if (caller.kind === 'refused') return this.refuse(caller.status, caller.reason, caller.headers);
    const known = withIdentity(lines, caller.aor);
    const port = this.#port(known);
    const destination = await destinationOf(options, req.uri, lines);
    if (port.cancelled) return;
    if (destination === undefined) port.reject(404, 'Not Found');
    else if (destination.kind === 'device') this.#toDevices(port, destination.target, options.defaultTrunk, known);
    else {
      const trunk = options.defaultTrunk;
      const { ring } = options.policyOf(trunk, caller.aor);
      const { number, uri } = destination;
      this.#attach(
        port,
        options.outbound.start(
          {
            ...this.#common(port),
            aor: caller.aor,
            trunk,
            number,
            ...(uri === undefined ? {} : { uri }),
            ring: Math.min(ring, this.#expires() ?? ring),
          },
          port,
        ),
      );
    }
  }

  #toDevices(port: TrunkCall, target: Target, trunk: string, lines: HeaderLines): void {
    const { calls, policyOf } = this.options;
    const expires = this.#expires();
    const incoming = {
      ...this.#common(port),
      ...target,
      trunk,
      ...(expires === undefined ? {} : { expires }),
      face: faceOf(lines, this.req.uri, this.req.msg.body ?? ''),
    };
    this.#attach(port, calls.incoming(incoming, policyOf(trunk, target.aor), port));
  }

  #attach(port: TrunkCall, handle: CallHandle | undefined): void {
    if (handle !== undefined) port.attach(handle);
  }

  #common(port: TrunkCall): { callUuid: string; sessionId?: string; callId: string } {
    const sessionId = sessionUuid(firstHeader(this.lines, 'session-id'));
    return {
      callUuid: port.callUuid,
      ...(sessionId === undefined ? {} : { sessionId }),
      callId: firstHeader(this.lines, 'call-id') ?? '',
    };
  }

  #expires(): number | undefined {
    const seconds = Number.parseInt(firstHeader(this.lines, 'expires') ?? '', 10);
    return seconds > 0 ? seconds * 1000 : undefined;
  }

  #port(lines: HeaderLines): TrunkCall {
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
      lines,
      req,
      res,
      onFinal: (call) => takeover.remove(call),
    });
    takeover.add(port);
    return port;
  }
}
