import type { Clock } from '../../clock/clock.js';
import { GrammarError } from '../../grammar/error.js';
import { headerKey } from '../../grammar/header-names.js';
import { parseNameAddr } from '../../grammar/name-addr.js';
import type { UnavailableCause } from '../admission/index.js';
import { reasonOf } from '../call-records.js';
import type { Dialog } from '../dialog/dialog.js';
import { DialogError } from '../dialog/errors.js';
import type { Incoming } from '../dialog/incoming.js';
import type { DialogLayer } from '../dialog/layer.js';
import type { OutgoingRequest } from '../dialog/outgoing.js';
import type { RequestUser } from '../dialog/outgoing-invite.js';
import type { EngineFigures } from '../figures.js';
import type { SipRequest, SipResponse } from '../message/index.js';
import { type Flow, plainHost } from '../transport/index.js';
import { AppEvents } from './app-events.js';
import { appText } from './app-text.js';
import { isHeard, sentText } from './brief.js';
import { CdrSender } from './cdr.js';
import { CommandError } from './command-error.js';
import { Dispatcher } from './dispatcher.js';
import { type Heard, type Leg, Legs } from './legs.js';
import { applicationMeta, networkMeta, peerMeta } from './meta.js';
import type { Outbound } from './outbound.js';
import { RouteTable } from './routes.js';
import type { ControlUser } from './server.js';
import type { ControlSession } from './session.js';
import { parseSipText, type RequestStart, type ResponseStart, type SipText } from './sip-text.js';
import {
  type Command,
  type Meta,
  nokReply,
  okReply,
  type ProxyCommand,
  type SipCommand,
  sentRequestReply,
  sentResponseReply,
  sipEvent,
} from './wire.js';

/** What apps get to see of the engine as their `authenticate` is answered. */
export interface Identity {
  /** `udp/127.0.0.1:5060,tcp/127.0.0.1:5060`. */
  hostports: string;
  /** `vA.B.C`; srf wants at least v0.8.2 to ping. */
  version: string;
}

export interface ControllerOptions {
  clock: Clock;
  identity: () => Identity;
  dialogWait?: number | undefined;
  /** Milliseconds that what an app leaves behind when it dies is kept for the next one. 0. */
  successorWait?: number | undefined;
  /** A request got 503 for want of an app. */
  onRefused?: ((cause: UnavailableCause) => void) | undefined;
  /** How the engine does, for apps that ask (`figures`, a command that drachtio-server doesn't have). */
  figures?: (() => EngineFigures) | undefined;
  /** An app accepted a REGISTER. */
  registered?: ((request: SipRequest, response: SipResponse, flow: Flow) => void) | undefined;
  /** Takes new requests before apps that are connected get them: outbound mode. */
  outbound?: Pick<Outbound, 'take' | 'ready'> | undefined;
  /** Takes `proxy` commands. */
  proxy?:
    | ((session: ControlSession, command: ProxyCommand, text: SipText, incoming: Incoming | undefined) => void)
    | undefined;
}

/** Why an INVITE was given up. */
const LOST = 'Application connection lost';

/** From apps to SIP: turns what apps command into messages, and the answers into events. What comes in by itself is {@link AppEvents}'s. */
export class Controller implements ControlUser {
  /** For the dialog layer: what comes in. */
  readonly events: AppEvents;
  readonly cdr: CdrSender;
  readonly #options: ControllerOptions;
  readonly #clock: Clock;
  readonly #routes = new RouteTable<ControlSession>();
  readonly #dispatcher: Dispatcher;
  readonly #legs: Legs;
  #layer: DialogLayer | undefined;

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.#clock = options.clock;
    const { clock, dialogWait, successorWait, onRefused } = options;
    this.#dispatcher = new Dispatcher({ clock, routes: this.#routes, dialogWait, successorWait, onRefused });
    this.#legs = new Legs(clock, successorWait ?? 0, (leg) => this.#giveUp(leg));
    this.cdr = new CdrSender(this.#routes, clock);
    this.events = new AppEvents({ clock, dispatcher: this.#dispatcher, cdr: this.cdr, outbound: options.outbound });
  }

  /** Gives a request to one app and no other. */
  handTo(incoming: Incoming, session: ControlSession): void {
    this.#dispatcher.handTo(incoming, session);
  }

  /** Must be called before anything comes in. */
  attach(layer: DialogLayer): void {
    this.#layer = layer;
  }

  /** Nothing of what apps sent is waited for any more. */
  close(): void {
    this.#legs.close();
  }

  onApp(session: ControlSession, id: string): void {
    const { hostports, version } = this.#options.identity();
    session.send(okReply(id, hostports, version, hostports));
    this.#options.outbound?.ready(session);
  }

  onGone(session: ControlSession): void {
    this.#routes.removeClient(session);
    this.#legs.gone(session);
    this.#dispatcher.gone(session);
  }

  onCommand(session: ControlSession, command: Exclude<Command, { type: 'authenticate' }>): void {
    switch (command.type) {
      case 'ping':
        session.send(okReply(command.id, 'pong'));
        break;
      case 'figures':
        session.send(okReply(command.id, JSON.stringify(this.#options.figures?.() ?? {})));
        break;
      case 'route':
        this.#routes.add(command.verb, session);
        session.send(okReply(command.id));
        this.#dispatcher.routed(session, command.verb);
        break;
      case 'remove_route':
        this.#routes.remove(command.verb, session);
        session.send(okReply(command.id));
        break;
      default:
        this.#attempt(session, command);
    }
  }

  #attempt(session: ControlSession, command: SipCommand | ProxyCommand): void {
    try {
      const text = parseSipText(command.sip);
      if (command.type === 'proxy') {
        if (!this.#options.proxy) throw new CommandError('error proxying request to ');
        this.#options.proxy(session, command, text, this.#dialogs().incoming(command.transaction));
      } else if (text.start.kind === 'response') this.#respond(session, command, text.start, text);
      else this.#request(session, command, text.start, text);
    } catch (error) {
      this.#refuse(session, command.id, error);
    }
  }

  #refuse(session: ControlSession, id: string, error: unknown): void {
    if (!(error instanceof CommandError || error instanceof DialogError || error instanceof GrammarError)) throw error;
    if (isHeard(id, session.tags)) session.send(nokReply(id, error.message));
  }

  #respond(session: ControlSession, command: SipCommand, start: ResponseStart, text: SipText): void {
    if (command.transaction === '') {
      session.refuse(command.id, 'transaction id missing');
      return;
    }
    const incoming = this.#dialogs().incoming(command.transaction);
    if (!incoming) throw new CommandError('Response not sent due to unknown transaction');
    if (start.status === 481 && this.#dispatcher.disowned(incoming, session)) {
      session.send(okReply(command.id));
      return;
    }
    const response = incoming.respond({
      status: start.status,
      reason: start.reason,
      headers: text.headers,
      body: text.body,
    });
    const { dialog, flow, method } = incoming;
    if (dialog) this.#dispatcher.own(dialog, session);
    if (isHeard(command.id, session.tags)) {
      const bytes = sentText(response, session.tags);
      const meta = peerMeta(flow, bytes, this.#clock.now());
      session.send(sentResponseReply(command.id, meta, incoming.id, dialog?.id ?? ''), bytes);
    }
    if (method === 'REGISTER' && start.status >= 200 && start.status < 300) {
      this.#options.registered?.(incoming.request, response, flow);
    }
    if (method !== 'INVITE' || incoming.request.toTag !== undefined || start.status < 200) return;
    if (start.status < 300) this.cdr.start('application', 'uas', response);
    else this.cdr.stop('application', 'call-rejected', response);
  }

  #request(session: ControlSession, command: SipCommand, start: RequestStart, text: SipText): void {
    if (start.method === 'CANCEL') this.#cancel(session, command, text);
    else if (start.method === 'ACK') this.#ack(session, command, text);
    else {
      const left = start.method === 'INVITE' && command.dialog === '' ? this.#leftBehind(session, text) : undefined;
      if (left) {
        this.#claim(session, command.id, left);
        return;
      }
      const dialog = command.dialog === '' ? this.#dialogNamed(text) : this.#dialog(command.dialog);
      const user: RequestUser = {
        onResponse: (outgoing, response, of, flow) => this.#onResponse(outgoing, response, of, flow),
        onDialog: (_outgoing, made) => this.#dispatcher.own(made, session),
      };
      const { client } = this.#dialogs();
      let sent: OutgoingRequest | Promise<OutgoingRequest>;
      if (dialog) {
        const given = start.method === 'PRACK' || start.uri.includes('placeholder') ? undefined : start.uri;
        sent = client.requestInDialog(dialog, start.method, text, user, given);
        this.#dispatcher.own(dialog, session);
      } else {
        const { headers, body } = text;
        const draft = { method: start.method, uri: start.uri, headers, body };
        sent = client.request(draft, command.proxy || undefined, user);
      }
      if (sent instanceof Promise) {
        sent.then(
          (outgoing) => this.#sent(session, command.id, outgoing, dialog),
          (error: unknown) => this.#refuse(session, command.id, error),
        );
      } else this.#sent(session, command.id, sent, dialog);
    }
  }

  #sent(session: ControlSession, id: string, outgoing: OutgoingRequest, dialog: Dialog | undefined): void {
    const bytes = sentText(outgoing.request, session.tags);
    session.send(sentRequestReply(id, this.#sentMeta(outgoing, bytes), outgoing.id), bytes);
    this.#legs.add(outgoing, session);
    if (session.closed) return;
    if (outgoing.request.method === 'INVITE' && !dialog) this.cdr.attempt('application', outgoing.request);
    if (outgoing.request.method === 'BYE') this.cdr.stop('application', 'normal-release', outgoing.request);
  }

  #cancel(session: ControlSession, command: SipCommand, text: SipText): void {
    const outgoing = this.#dialogs().client.outgoing(command.transaction);
    const cancel = this.#dialogs().client.cancel(command.transaction, text.headers);
    if (!outgoing || !cancel) throw new CommandError(`unable to cancel unknown transaction id: ${command.transaction}`);
    const bytes = sentText(cancel, session.tags);
    session.send(sentRequestReply(command.id, this.#sentMeta(outgoing, bytes), command.id), bytes);
  }

  #ack(session: ControlSession, command: SipCommand, text: SipText): void {
    const dialog = this.#dialog(command.dialog);
    const reply = ({ request }: { request: SipRequest }): void => {
      const bytes = sentText(request, session.tags);
      session.send(sentRequestReply(command.id, applicationMeta(bytes, this.#clock.now()), command.id), bytes);
    };
    const sent = this.#dialogs().client.ack(dialog, { headers: text.headers, body: text.body });
    this.#legs.acknowledged(dialog);
    if (sent instanceof Promise) sent.then(reply, (error: unknown) => this.#refuse(session, command.id, error));
    else reply(sent);
  }

  #onResponse(
    outgoing: OutgoingRequest,
    response: SipResponse,
    dialog: Dialog | undefined,
    flow: Flow | undefined,
  ): void {
    const leg = this.#legs.of(outgoing);
    const { status } = response;
    const { method } = outgoing.request;
    const success = status >= 200 && status < 300;
    if (leg && method === 'INVITE') leg.heard = { response, dialog, flow };
    if (leg?.session.closed && leg.patience) {
      if (leg.givenUp) this.#hangUp(leg);
      return;
    }
    if (leg && status >= 200) this.#legs.told(leg);
    const session = leg?.session;
    if (!session || session.closed) {
      if (success && method === 'INVITE' && dialog) {
        this.#dialogs().client.release(dialog, response.cseq.number, outgoing.request.toTag !== undefined);
      }
      return;
    }
    this.#tell(session, outgoing, { response, dialog, flow });
  }

  #tell(session: ControlSession, outgoing: OutgoingRequest, { response, dialog, flow }: Heard): void {
    const { status } = response;
    const { method } = outgoing.request;
    if (dialog) this.#dispatcher.own(dialog, session);
    const text = appText(response);
    const meta = flow
      ? networkMeta(flow, text, this.#clock.now())
      : { ...applicationMeta(text, this.#clock.now()), source: 'network' as const };
    session.send(sipEvent(meta, outgoing.id, dialog?.id ?? ''), text);
    if (method !== 'INVITE' || outgoing.request.toTag !== undefined || status < 200) return;
    if (status < 300) this.cdr.start('network', 'uac', response);
    else this.cdr.stop('network', reasonOf(status), response);
  }

  /** The INVITE of an app that died, which this one sends again. */
  #leftBehind(session: ControlSession, { headers }: SipText): Leg | undefined {
    const callId = lastValue(headers, 'call-id');
    const from = lastValue(headers, 'from');
    if (callId === undefined || from === undefined) return undefined;
    return this.#legs.claimable(callId, parseNameAddr(from).params.get('tag') ?? '', session);
  }

  /** A reliable provisional response was acknowledged long ago: it is told as an ordinary one. */
  #claim(session: ControlSession, id: string, leg: Leg): void {
    const { outgoing, heard } = leg;
    this.#legs.claim(leg, session);
    const bytes = sentText(outgoing.request, session.tags);
    session.send(sentRequestReply(id, this.#sentMeta(outgoing, bytes), outgoing.id), bytes);
    if (!heard) return;
    if (heard.response.status >= 200) {
      this.#legs.told(leg);
      this.#tell(session, outgoing, heard);
      return;
    }
    const response = heard.response.clone();
    response.remove('RSeq');
    response.remove('Require');
    this.#tell(session, outgoing, { ...heard, response });
  }

  #giveUp(leg: Leg): void {
    const { outgoing, heard } = leg;
    if (outgoing.request.method !== 'INVITE') return;
    if (heard && heard.response.status >= 200) this.#hangUp(leg);
    else outgoing.cancel([['Reason', `SIP;cause=503;text="${LOST}"`]]);
  }

  /** The answer to an INVITE that was given up is of no use to anybody: a late claimant hears that it was cancelled. */
  #hangUp(leg: Leg): void {
    const { response, dialog } = leg.heard ?? {};
    if (!response || response.status < 200 || response.status >= 300) return;
    if (dialog) this.#dialogs().client.release(dialog, response.cseq.number);
    leg.heard = { response: leg.outgoing.localResponse(487, LOST), dialog: undefined, flow: undefined };
  }

  #dialogs(): DialogLayer {
    if (!this.#layer) throw new Error('no dialog layer attached');
    return this.#layer;
  }

  #dialog(id: string): Dialog {
    const dialog = this.#dialogs().dialogs.byId(id);
    if (!dialog) throw new CommandError('Server error: unable to find dialog for dialog id provided');
    return dialog;
  }

  /** The dialog whose Call-ID and tags a request outside any names by itself. */
  #dialogNamed(text: SipText): Dialog | undefined {
    const callId = lastValue(text.headers, 'call-id');
    if (callId === undefined) return undefined;
    const to = lastValue(text.headers, 'to');
    const from = lastValue(text.headers, 'from');
    if (!to?.includes('tag=') || !from?.includes('tag=')) return undefined;
    try {
      const [fromTag, toTag] = [from, to].map((value) => parseNameAddr(value).params.get('tag') ?? '');
      return this.#dialogs().dialogs.byTags(callId, fromTag ?? '', toTag ?? '');
    } catch {
      return undefined;
    }
  }

  #sentMeta(outgoing: OutgoingRequest, text: Buffer): Meta {
    const { target } = outgoing;
    if (!target) return applicationMeta(text, this.#clock.now());
    const local = this.#dialogs().router.localFor(target);
    return {
      source: 'application',
      bytes: text.length,
      protocol: target.protocol,
      address: plainHost(local.host),
      port: local.port,
      time: this.#clock.now(),
    };
  }
}

/** The last value that stands there under that name, compact or not. */
function lastValue(headers: SipText['headers'], key: string): string | undefined {
  let found: string | undefined;
  for (const [name, value] of headers) if (headerKey(name) === key) found = value;
  return found;
}
