import { parseNameAddr } from '../../grammar/name-addr.js';
import { parseUri } from '../../grammar/uri.js';
import { SipRequest, type SipResponse } from '../message/index.js';
import type { Endpoint, Flow } from '../transport/index.js';
import { contactUri } from './contact.js';

export type DialogState = 'early' | 'confirmed' | 'terminated';

interface DialogParts {
  role: 'uas' | 'uac';
  method: string;
  callId: string;
  localTag: string;
  remoteTag: string;
  local: string;
  remote: string;
  localCSeq: number;
  remoteCSeq: number | undefined;
  routeSet: string[];
  remoteTarget: string;
  id: string;
}

/** RFC 3261 section 12: one dialog, as this side sees it. */
export class Dialog {
  /** `<call-id>;from-tag=<initiator's tag>`, with `;to-tag=` when that would be another dialog's. What the app knows it by. */
  id: string;
  readonly role: 'uas' | 'uac';
  /** The method that made it: INVITE, SUBSCRIBE or REFER. */
  readonly method: string;
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  state: DialogState = 'early';
  remoteTarget: string;
  /** In the order in which requests of this side carry it. */
  routeSet: readonly string[];
  localCSeq: number;
  remoteCSeq: number | undefined;
  /** The Contact that this side showed last, as a header value. */
  contact: string | undefined;
  /** The connection of a peer that is the neighbour itself: requests go down it while it lives. */
  flow: Flow | undefined;
  /** The UDP listener that the dialog's requests leave from. */
  local: Endpoint | undefined;
  readonly #local: string;
  readonly #remote: string;

  private constructor(parts: DialogParts) {
    this.id = parts.id;
    this.role = parts.role;
    this.method = parts.method;
    this.callId = parts.callId;
    this.localTag = parts.localTag;
    this.remoteTag = parts.remoteTag;
    this.localCSeq = parts.localCSeq;
    this.remoteCSeq = parts.remoteCSeq;
    this.routeSet = parts.routeSet;
    this.remoteTarget = parts.remoteTarget;
    this.#local = parts.local;
    this.#remote = parts.remote;
  }

  /** The dialog that a response with `localTag` to this request makes (RFC 3261 section 12.1.1). */
  static uas(request: SipRequest, localTag: string, flow: Flow): Dialog {
    const remoteTag = request.fromTag ?? '';
    const to = request.get('to') ?? '';
    const dialog = new Dialog({
      id: dialogId(request.callId, remoteTag),
      role: 'uas',
      method: request.method,
      callId: request.callId,
      localTag,
      remoteTag,
      local: request.toTag === undefined ? withTag(to, localTag) : to,
      remote: request.get('from') ?? '',
      localCSeq: 0,
      remoteCSeq: request.cseq.number,
      routeSet: request.list('record-route'),
      remoteTarget: contactUri(request) ?? request.from.uri,
    });
    if (flow.connection && dialog.routeSet.length === 0 && request.list('via').length === 1) dialog.flow = flow;
    return dialog;
  }

  /** The dialog that a response with a To tag makes for the sender of the request (RFC 3261 section 12.1.2). */
  static uac(request: SipRequest, response: SipResponse): Dialog {
    const localTag = request.fromTag ?? '';
    return new Dialog({
      id: dialogId(request.callId, localTag),
      role: 'uac',
      method: request.method,
      callId: request.callId,
      localTag,
      remoteTag: response.toTag ?? '',
      local: request.get('from') ?? '',
      remote: response.get('to') ?? '',
      localCSeq: request.cseq.number,
      remoteCSeq: undefined,
      routeSet: response.list('record-route').reverse(),
      remoteTarget: contactUri(response) ?? request.uri,
    });
  }

  /** The same for a 2xx of another branch of a fork, whose INVITE is not at hand any more. */
  static forked(success: SipResponse): Dialog {
    const localTag = success.fromTag ?? '';
    return new Dialog({
      id: dialogId(success.callId, localTag),
      role: 'uac',
      method: success.cseq.method,
      callId: success.callId,
      localTag,
      remoteTag: success.toTag ?? '',
      local: success.get('from') ?? '',
      remote: success.get('to') ?? '',
      localCSeq: success.cseq.number,
      remoteCSeq: undefined,
      routeSet: success.list('record-route').reverse(),
      remoteTarget: contactUri(success) ?? success.to.uri,
    });
  }

  /** The dialog that a NOTIFY makes which overtook the 2xx of its SUBSCRIBE (RFC 6665 section 4.4.1). */
  static notified(subscribe: SipRequest, notify: SipRequest): Dialog {
    const localTag = subscribe.fromTag ?? '';
    return new Dialog({
      id: dialogId(subscribe.callId, localTag),
      role: 'uac',
      method: subscribe.method,
      callId: subscribe.callId,
      localTag,
      remoteTag: notify.fromTag ?? '',
      local: subscribe.get('from') ?? '',
      remote: notify.get('from') ?? '',
      localCSeq: subscribe.cseq.number,
      remoteCSeq: undefined,
      routeSet: notify.list('record-route'),
      remoteTarget: contactUri(notify) ?? notify.from.uri,
    });
  }

  /** What {@link DialogTable} finds it by. */
  get key(): string {
    return dialogKey(this.callId, this.localTag, this.remoteTag);
  }

  /** Route set and remote target of a 2xx replace those of the provisional response that made the dialog (RFC 3261 section 13.2.2.4). */
  confirm(response: SipResponse): void {
    this.state = 'confirmed';
    this.routeSet = response.list('record-route').reverse();
    this.remoteTarget = contactUri(response) ?? this.remoteTarget;
  }

  /**
   * A request of this side within the dialog (RFC 3261 section 12.2.1.1), without Via and Contact. `cseq` is the INVITE's for its ACK; any
   * other request counts up. `uri` replaces the remote target.
   */
  createRequest(method: string, options: { cseq?: number; uri?: string } = {}): SipRequest {
    const cseq = options.cseq ?? ++this.localCSeq;
    const target = options.uri ?? this.remoteTarget;
    const [first, ...rest] = this.routeSet;
    const strict = first !== undefined && !isLoose(first);
    const request = new SipRequest(method, strict ? strictUri(first) : target);
    if (strict) request.set('Route', [...rest, `<${target}>`]);
    else if (this.routeSet.length > 0) request.set('Route', this.routeSet);
    request.add('Max-Forwards', '70');
    request.add('From', this.#local);
    request.add('To', this.#remote);
    request.add('Call-ID', this.callId);
    request.add('CSeq', `${cseq} ${method}`);
    return request;
  }

  /** The peer is elsewhere now: from here on its requests go to `target` over `routes`, down no connection of before. */
  reroute(target: string, routes: readonly string[]): void {
    this.remoteTarget = target;
    this.routeSet = routes;
    this.flow = undefined;
  }

  /** The URI that decides where such a request goes: the first of the Route set, or the target. */
  nextHop(uri = this.remoteTarget): string {
    const [first] = this.routeSet;
    return first === undefined ? uri : parseNameAddr(first).uri;
  }

  /** RFC 3261 section 12.2.2: false when the request is older than the last one. Remembers its number otherwise. */
  accept(request: SipRequest): boolean {
    const { number } = request.cseq;
    if (this.remoteCSeq !== undefined && number < this.remoteCSeq) return false;
    this.remoteCSeq = number;
    return true;
  }
}

/** The id that drachtio gives a dialog. */
export function dialogId(callId: string, initiatorTag: string): string {
  return `${callId};from-tag=${initiatorTag}`;
}

export function dialogKey(callId: string, localTag: string, remoteTag: string): string {
  return `${callId}\n${localTag}\n${remoteTag}`;
}

/** Whether a Route value has `lr` (RFC 3261 section 16.12). A value that can't be read counts as loose. */
export function isLoose(route: string): boolean {
  try {
    return parseUri(parseNameAddr(route).uri).params.has('lr');
  } catch {
    return true;
  }
}

/** The Request-URI that a strict router is sent: its URI without what may not stand there (RFC 3261 section 19.1.1). */
function strictUri(route: string): string {
  const { uri } = parseNameAddr(route);
  const question = uri.indexOf('?');
  return question < 0 ? uri : uri.slice(0, question);
}

function withTag(value: string, tag: string): string {
  return value.includes('>') ? `${value};tag=${tag}` : `<${value.split(';')[0] ?? ''}>;tag=${tag}`;
}
