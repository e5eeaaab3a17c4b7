import type { Voicemail } from '../messages/voicemail.js';
import type { Drachtio, SrfRequest, SrfResponse } from './drachtio.js';
import { firstHeader, type HeaderLines, linesOf } from './header-lines.js';
import { messageOf } from './message-port.js';
import type { Peers } from './peers.js';
import { type TargetOptions, targetOf } from './target.js';

export interface NotifyOptions extends TargetOptions {
  readonly drachtio: Drachtio;
  readonly voicemail: Voicemail;
  readonly trunks: Peers;
  readonly onRefused: (request: { source: string; uri: string; status: number; reason: string }) => void;
  readonly onFault: (error: unknown) => void;
}

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  400: 'Bad Message Summary',
  403: 'Forbidden',
  404: 'Not Found',
  489: 'Bad Event',
  503: 'Service Unavailable',
};

/** Handles a NOTIFY outside a dialog: message-summary (RFC 3842) that the trunk sends unasked, as CUCM does to set a lamp. */
export function notifyHandler(options: NotifyOptions): (req: SrfRequest, res: SrfResponse) => void {
  const { drachtio, voicemail, trunks, onRefused, onFault } = options;
  const statusOf = async (req: SrfRequest, lines: HeaderLines): Promise<number> => {
    if (trunks.groupOf(req) === undefined) return 403;
    const event = (firstHeader(lines, 'event') ?? '').split(';', 1)[0]?.trim().toLowerCase();
    if (event !== 'message-summary') return 489;
    const target = await targetOf(options, req.uri, lines);
    return target === undefined ? 404 : voicemail.receive(messageOf(lines, req.msg.body ?? ''), target.aor);
  };
  return (req, res) => {
    statusOf(req, linesOf(req.msg)).then(
      (status) => {
        const reason = REASONS[status] ?? '';
        if (status >= 300)
          onRefused({ source: `${req.source_address}:${req.source_port}`, uri: req.uri, status, reason });
        const headers: Record<string, string> =
          status === 489 ? { 'Allow-Events': 'message-summary' } : status === 503 ? { 'Retry-After': '5' } : {};
        drachtio.respond(res, status, reason, headers);
      },
      (error: unknown) => {
        onFault(error);
        drachtio.respond(res, 500, 'Server Internal Error');
      },
    );
  };
}
