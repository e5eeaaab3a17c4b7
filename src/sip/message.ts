import { createHash } from 'node:crypto';
import type { MessageAnswer, Messages } from '../messages/messages.js';
import { withIdentity } from './caller-identity.js';
import { callerOf, type DestinationOptions, destinationOf } from './device-invite.js';
import { branchTag } from './dialogs.js';
import type { SrfRequest, SrfResponse } from './drachtio.js';
import { endToEnd, firstHeader, type HeaderLines, linesOf, toRecord } from './header-lines.js';
import { messageOf } from './message-port.js';
import type { Peers } from './peers.js';
import { type AccessOptions, isPhoneSide } from './register-access.js';
import { aorFrom } from './register-request.js';
import { isSips } from './sips.js';
import { withTag } from './tags.js';
import { targetOf } from './target.js';
import type { Wire } from './trunk-call.js';
import { sendOverTrunk } from './trunk-request.js';

export interface MessageOptions extends DestinationOptions {
  readonly wire: Pick<Wire, 'drachtio' | 'clock' | 'trunks' | 'failoverAfterOf'>;
  readonly messages: Messages;
  readonly trunks: Peers;
  readonly access: AccessOptions;
  /** The trunk that devices' messages go to. */
  readonly defaultTrunk: string;
  readonly onRefused: (request: { source: string; uri: string; status: number; reason: string; why?: string }) => void;
  readonly onFault: (error: unknown) => void;
}

/** Seconds after which a phone may try the trunk again. */
const TRUNK_RETRY = 5;

/**
 * Handles a MESSAGE outside a dialog (RFC 3428): from the trunk for one of our AORs, or from a device for one of our AORs or the
 * trunk. Anybody else gets 403.
 */
export function messageHandler(options: MessageOptions): (req: SrfRequest, res: SrfResponse) => void {
  const { drachtio } = options.wire;
  return (req, res) => {
    const lines = linesOf(req.msg);
    const arrival = new Arrival(options, req, res, lines);
    const trunk = options.trunks.groupOf(req);
    const device = isPhoneSide(options.access, req) && (trunk === undefined || isOurs(options, lines));
    if (trunk === undefined && !device) {
      const lack = options.trunks.lackOf(req) ?? options.access.edgeLack?.(req);
      return arrival.refuse(403, 'Forbidden', [], lack ?? 'not from a trunk peer or phone');
    }
    if (firstHeader(lines, 'max-forwards') === '0') return arrival.refuse(483, 'Too Many Hops');
    // Stored ones go on over whatever the phone registers with next.
    if (isSips(req.uri)) return arrival.refuse(416, 'Unsupported URI Scheme', [], 'sips');
    (device ? arrival.fromDevice() : arrival.fromTrunk()).catch((error: unknown) => {
      options.onFault(error);
      drachtio.respond(res, 500, 'Server Internal Error');
    });
  };
}

/** An address may be a trunk peer's and a phone's at once, as on a lab machine: then From tells whose message it is. */
function isOurs({ domains }: MessageOptions, lines: HeaderLines): boolean {
  const aor = aorFrom(firstHeader(lines, 'from') ?? '') ?? '';
  return domains.includes(aor.slice(aor.lastIndexOf('@') + 1));
}

/** A MESSAGE that has just come. */
class Arrival {
  constructor(
    readonly options: MessageOptions,
    readonly req: SrfRequest,
    readonly res: SrfResponse,
    readonly lines: HeaderLines,
  ) {}

  get #body(): string {
    return this.req.msg.body ?? '';
  }

  async fromTrunk(): Promise<void> {
    const target = await targetOf(this.options, this.req.uri, this.lines);
    if (target === undefined) return this.refuse(404, 'Not Found');
    this.#answer(await this.options.messages.receive(messageOf(this.lines, this.#body), target));
  }

  async fromDevice(): Promise<void> {
    const { options, req, lines } = this;
    const caller = await callerOf(options.devicesOf, options.access, req, lines);
    if (caller.kind === 'refused') {
      return this.refuse(caller.status, caller.reason, caller.headers, caller.why);
    }
    const known = withIdentity(lines, caller.aor);
    const destination = await destinationOf(options, req.uri, lines);
    if (destination === undefined) return this.refuse(404, 'Not Found');
    if (destination.kind === 'device') {
      this.#answer(await options.messages.receive(messageOf(known, this.#body), destination.target));
    } else await this.#toTrunk(destination, known);
  }

  refuse(status: number, reason: string, headers: HeaderLines = [], why?: string): void {
    const { req, options } = this;
    const source = `${req.source_address}:${req.source_port}`;
    options.onRefused({ source, uri: req.uri, status, reason, ...(why === undefined ? {} : { why }) });
    options.wire.drachtio.respond(this.res, status, reason, toRecord(headers));
  }

  async #toTrunk({ number, uri }: { number: string; uri?: string }, lines: HeaderLines): Promise<void> {
    const { drachtio, clock, trunks, failoverAfterOf } = this.options.wire;
    const { defaultTrunk } = this.options;
    const message = messageOf(lines, this.#body);
    const target = { trunk: defaultTrunk, number, ...(uri === undefined ? {} : { uri }) };
    const { status, reason, local, ...answer } = await sendOverTrunk(
      { drachtio, clock, trunk: trunks.get(defaultTrunk), failoverAfter: failoverAfterOf(defaultTrunk) },
      target,
      (peer) => {
        const callId = createHash('sha256').update(`${message.id}\n${peer}`).digest('hex').slice(0, 40);
        const headers = {
          ...toRecord(message.headers),
          from: withTag(message.from, branchTag(callId)),
          to: message.to,
          'call-id': callId,
          'max-forwards': String(message.maxForwards),
        };
        return { method: 'MESSAGE', headers, body: message.body };
      },
    );
    if (status === 408) return this.refuse(480, 'Temporarily Unavailable');
    if (local || status === 503) {
      return this.refuse(503, 'Service Unavailable', [['Retry-After', String(TRUNK_RETRY)]]);
    }
    const from = { status, reason, local, headers: endToEnd(answer.lines, answer.body), body: answer.body };
    this.#answer({ status, reason, from });
  }

  #answer({ status, reason, from, retryAfter }: MessageAnswer): void {
    const headers: HeaderLines = [
      ...(from?.headers ?? []),
      ...(retryAfter === undefined ? [] : [['Retry-After', String(retryAfter)] as const]),
    ];
    if (status >= 300 && from === undefined) this.refuse(status, reason, headers);
    else this.options.wire.drachtio.respond(this.res, status, reason, toRecord(headers), from?.body ?? '');
  }
}
