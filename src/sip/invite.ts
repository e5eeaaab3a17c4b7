import { callUuidOf, sessionUuid } from '../calls/call-uuid.js';
import type { Calls } from '../calls/calls.js';
import type { CallPolicy } from '../calls/policy.js';
import type { Dialogs } from './dialogs.js';
import type { Drachtio, SrfRequest, SrfResponse } from './drachtio.js';
import { faceOf } from './face.js';
import { firstHeader, headerLines } from './header-lines.js';
import type { MidDialogHold } from './mid-dialog.js';
import type { Peers } from './peers.js';
import type { Takeover } from './takeover.js';
import { type TargetOptions, targetOf } from './target.js';
import { TrunkCall } from './trunk-call.js';

export interface InviteOptions extends TargetOptions {
  readonly drachtio: Drachtio;
  readonly dialogs: Dialogs;
  readonly calls: Calls;
  readonly trunks: Peers;
  readonly takeover: Takeover;
  readonly policyOf: (trunk: string) => CallPolicy;
  /** Holds requests of answered calls for phones that sleep. */
  readonly midDialog?: MidDialogHold;
  readonly onRefused: (call: { source: string; uri: string; status: number; reason: string }) => void;
  readonly onFault: (error: unknown) => void;
}

/** Handles an INVITE outside a dialog: a call from the trunk for one of our AORs. */
export function inviteHandler(options: InviteOptions): (req: SrfRequest, res: SrfResponse) => void {
  const { drachtio, trunks, calls } = options;
  const refuse = (req: SrfRequest, res: SrfResponse, status: number, reason: string): void => {
    options.onRefused({ source: `${req.source_address}:${req.source_port}`, uri: req.uri, status, reason });
    drachtio.respond(res, status, reason);
  };
  const takeIn = async (req: SrfRequest, res: SrfResponse, trunk: string): Promise<void> => {
    const port = newTrunkCall(options, req, res);
    options.takeover.add(port);
    const lines = headerLines(req.msg.raw);
    const target = await targetOf(options, req.uri, lines);
    if (port.cancelled) return;
    if (target === undefined) {
      options.onRefused({ source: trunk, uri: req.uri, status: 404, reason: 'Not Found' });
      port.reject(404, 'Not Found');
      return;
    }
    const sessionId = sessionUuid(firstHeader(lines, 'session-id'));
    const expires = Number.parseInt(firstHeader(lines, 'expires') ?? '', 10);
    const handle = calls.incoming(
      {
        callUuid: port.callUuid,
        ...(sessionId === undefined ? {} : { sessionId }),
        callId: firstHeader(lines, 'call-id') ?? '',
        ...target,
        trunk,
        ...(expires > 0 ? { expires: expires * 1000 } : {}),
        face: faceOf(lines, req.uri, req.msg.body ?? ''),
      },
      options.policyOf(trunk),
      port,
    );
    if (handle !== undefined) port.attach(handle);
  };
  return (req, res) => {
    if (options.takeover.handle(req, res)) return;
    const trunk = trunks.groupOf(req.source_address);
    if (trunk === undefined) return refuse(req, res, 403, 'Forbidden');
    if (firstHeader(headerLines(req.msg.raw), 'max-forwards') === '0') return refuse(req, res, 483, 'Too Many Hops');
    takeIn(req, res, trunk).catch((error: unknown) => {
      options.onFault(error);
      drachtio.respond(res, 500, 'Server Internal Error');
    });
  };
}

function newTrunkCall(options: InviteOptions, req: SrfRequest, res: SrfResponse): TrunkCall {
  const { drachtio, dialogs, midDialog, takeover } = options;
  const lines = headerLines(req.msg.raw);
  const callUuid = callUuidOf(firstHeader(lines, 'session-id'), firstHeader(lines, 'call-id') ?? '');
  return new TrunkCall({
    drachtio,
    dialogs,
    callUuid,
    invite: {
      raw: req.msg.raw,
      transaction: req.stackTxnId,
      protocol: req.protocol,
      address: req.source_address,
      port: req.source_port,
    },
    req,
    res,
    ...(midDialog && { midDialog }),
    onFinal: (call) => takeover.remove(call),
  });
}
