import type { Dialogs } from './dialogs.js';
import type { Drachtio, SrfRequest, SrfResponse } from './drachtio.js';
import { linesOf } from './header-lines.js';
import { listed } from './register-request.js';

/** Handler of one method outside a dialog. */
export type RequestHandler = (req: SrfRequest, res: SrfResponse) => void;

/** Methods that callwake takes outside a dialog, for `Allow` (RFC 3261 20.5). */
export const ALLOW =
  'INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, PRACK, UPDATE, INFO, REFER, NOTIFY, MESSAGE, SUBSCRIBE';

/** Option tags (RFC 3261 section 27.1) that callwake itself understands. */
const SUPPORTED = ['path', 'outbound', 'replaces', 'timer'];

/**
 * Sends each request to whom it concerns: inside a dialog to the dialog, else to its method's handler. An INVITE that begins a dialog
 * comes again, with the dialog that a provisional response has made, when the process that had it is gone. A request inside a dialog
 * that nobody knows gets 481 (RFC 3261 12.2.2), a method that nobody handles 405. `refusalOf` says why somebody gets 403 whatever he asks
 * for outside a dialog.
 */
export function dispatcher(
  drachtio: Drachtio,
  dialogs: Dialogs,
  handlers: ReadonlyMap<string, RequestHandler>,
  onFault: (error: unknown) => void,
  refusalOf: (req: SrfRequest) => string | undefined = () => undefined,
): (req: SrfRequest, res: SrfResponse) => void {
  const dispatch = (req: SrfRequest, res: SrfResponse): void => {
    const begins = req.method === 'INVITE' && !hasToTag(req);
    if (!begins && dialogs.handle(req, res)) return;
    if (req.method === 'ACK' || req.source === 'application') return;
    if (!begins && (req.stackDialogId || hasToTag(req))) {
      drachtio.respond(res, 481, 'Call/Transaction Does Not Exist');
      return;
    }
    if (drachtio.flows.names !== undefined && drachtio.flows.isForFlow(linesOf(req.msg))) {
      drachtio.pass(req, onFault);
      return;
    }
    const why = refusalOf(req);
    if (why !== undefined) {
      drachtio.respond(res, 403, 'Forbidden');
      return;
    }
    const handler = handlers.get(req.method);
    if (handler === undefined) drachtio.respond(res, 405, 'Method Not Allowed', { Allow: ALLOW });
    else handler(req, res);
  };
  return (req, res) => {
    try {
      dispatch(req, res);
    } catch (error) {
      onFault(error);
      if (req.method !== 'ACK') drachtio.respond(res, 500, 'Server Internal Error');
    }
  };
}

/** Answers an OPTIONS ping: about callwake itself, never 503 or 408 for a phone's or Apple's trouble (CUCM would take the trunk out). Strangers, whom `knows` doesn't know, get 403. */
export function optionsHandler(
  drachtio: Drachtio,
  knows: (req: SrfRequest) => boolean = () => true,
  onRefused: (request: { source: string; uri: string; status: number; reason: string; why: string }) => void = () => {},
): RequestHandler {
  return (req, res) => {
    if (!knows(req)) {
      const source = `${req.source_address}:${req.source_port}`;
      onRefused({ source, uri: req.uri, status: 403, reason: 'Forbidden', why: 'not from anybody known' });
      return drachtio.respond(res, 403, 'Forbidden');
    }
    const lines = linesOf(req.msg);
    const wanted = [...listed(lines, 'require'), ...listed(lines, 'proxy-require')];
    const unsupported = wanted.filter((tag) => !SUPPORTED.includes(tag.toLowerCase()));
    if (unsupported.length > 0) {
      return drachtio.respond(res, 420, 'Bad Extension', { Unsupported: unsupported.join(', ') });
    }
    return drachtio.respond(res, 200, 'OK', {
      Allow: ALLOW,
      Accept: 'application/sdp',
      Supported: SUPPORTED.join(', '),
    });
  };
}

function hasToTag(req: SrfRequest): boolean {
  const to = /^(?:to|t)\s*:(.*)$/im.exec(req.msg.raw)?.[1] ?? '';
  return /;\s*tag=/i.test(to.slice(to.lastIndexOf('>') + 1));
}
