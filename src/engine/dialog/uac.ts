import type { SipRequest, SipResponse } from '../message/index.js';
import type { TransactionLayer } from '../transaction/index.js';
import type { Flow, Target } from '../transport/index.js';
import { carriesContact, contactUri, ownContact, refreshesTarget } from './contact.js';
import { Dialog, dialogKey } from './dialog.js';
import { applyDraft, type Draft, type RequestDraft, replaceLocalhost } from './draft.js';
import { DialogError } from './errors.js';
import type { IncomingInvite } from './incoming-invite.js';
import type { InviteUsage } from './invite-usage.js';
import { OutgoingRequest, type OutgoingUser } from './outgoing.js';
import { OutgoingInvite, type OutgoingInviteHost, type RequestUser } from './outgoing-invite.js';
import { FlowLostError, type RouteHints, type Router, UnresolvedError } from './router.js';
import type { Subscriptions } from './subscriptions.js';
import type { DialogTable } from './table.js';
import { createUacRequest, newRouteIn } from './uac-request.js';

export interface UserAgentClientOptions {
  transactions: TransactionLayer;
  router: Router;
  dialogs: DialogTable;
  subscriptions: Subscriptions;
  usage: (dialog: Dialog) => InviteUsage;
  end: (dialog: Dialog) => void;
}

/** Everything that this side sends first: requests outside and inside dialogs, CANCEL and ACK (RFC 3261 sections 8.1, 9.1, 12.2.1, 13.2). */
export class UserAgentClient implements OutgoingInviteHost {
  readonly #options: UserAgentClientOptions;
  readonly #outgoing = new Map<string, OutgoingRequest>();
  /** SUBSCRIBE and REFER whose NOTIFY may come before their 2xx, by Call-ID and From tag. */
  readonly #subscribing = new Map<string, { outgoing: OutgoingRequest; user: RequestUser }>();

  constructor(options: UserAgentClientOptions) {
    this.#options = options;
  }

  /** A request that has no final response yet. */
  outgoing(id: string): OutgoingRequest | undefined {
    return this.#outgoing.get(id);
  }

  /**
   * A connection is gone. What was sent down a connection for want of any other way (a phone's own) fails with 503 now; an answer to anything else
   * may still come over another connection (RFC 3261 section 18.2.2).
   */
  flowClosed(flow: Flow): void {
    const { connection } = flow;
    if (!connection) return;
    for (const outgoing of [...this.#outgoing.values()]) {
      if (outgoing.target?.flow?.connection === connection) outgoing.lose();
    }
  }

  /**
   * Sends a request outside any dialog, to `proxy` (a URI) if given. A promise only when a name must be looked up. Throws or rejects with
   * {@link DialogError} when it can't be sent at all; a failure on the way comes as a response.
   */
  request(
    draft: RequestDraft,
    proxy: string | undefined,
    user: RequestUser,
  ): OutgoingRequest | Promise<OutgoingRequest> {
    const { request, nextHop } = createUacRequest(draft);
    return this.#send(request, { proxy, nextHop }, this.#userFor(request, user));
  }

  /**
   * Sends a request in a dialog. The Request-URI is the remote target unless `uri` says otherwise; one with `?Route=` moves the dialog
   * there with this and all later requests. An INVITE that meets another gets 491 at once. A callee's BYE goes after the ACK of its 2xx, or when that is
   * overdue (RFC 3261 section 15); it is refused before the 2xx.
   */
  requestInDialog(
    dialog: Dialog,
    method: string,
    draft: Draft,
    user: RequestUser,
    given?: string,
  ): OutgoingRequest | Promise<OutgoingRequest> {
    const moved = given === undefined ? undefined : newRouteIn(given);
    if (moved !== undefined) dialog.reroute(moved.target, moved.routes);
    const uri = moved === undefined ? given : undefined;
    if (dialog.state === 'terminated') throw new DialogError('unable to find dialog for dialog id provided');
    const usage = dialog.method === 'INVITE' ? this.#options.usage(dialog) : undefined;
    if (method === 'BYE' && usage?.opening) {
      return onceOpened(usage, usage.opening, () => this.requestInDialog(dialog, method, draft, user, uri));
    }
    const glare = method === 'INVITE' && usage !== undefined && (usage.asking || usage.answering);
    const request = dialog.createRequest(method, uri === undefined ? {} : { uri });
    applyDraft(request, draft);
    if (carriesContact(method) && !request.has('contact') && dialog.contact) request.set('Contact', dialog.contact);
    if (refreshesTarget(method)) dialog.contact = request.get('contact') ?? dialog.contact;
    if (glare) return this.#refuse(request, user, dialog);
    return this.#send(request, this.#hints(dialog, uri), this.#userInDialog(dialog, method, user), (outgoing) => {
      if (method === 'INVITE' && usage) usage.client = outgoing;
    });
  }

  /** Cancels an INVITE. Gives the CANCEL as it looks on the wire, undefined when there is nothing to cancel. */
  cancel(id: string, headers: readonly (readonly [string, string])[]): SipRequest | undefined {
    const outgoing = this.#outgoing.get(id);
    if (outgoing?.request.method !== 'INVITE') return undefined;
    const extra = headers.filter(
      ([name]) =>
        !/^(via|v|from|f|to|t|call-id|i|cseq|route|record-route|max-forwards|content-length|l|contact|m)$/i.test(name),
    );
    if (!outgoing.cancel(extra)) return undefined;
    const { request } = outgoing;
    const cancel = request.clone('CANCEL');
    for (const [name] of request.headers())
      if (!/^(via|from|to|call-id|route|max-forwards)$/i.test(name)) cancel.remove(name);
    cancel.set('CSeq', `${request.cseq.number} CANCEL`);
    for (const [name, value] of extra) cancel.add(name, value);
    cancel.body = Buffer.alloc(0);
    return cancel;
  }

  /** Acknowledges the last 2xx of the dialog. Throws {@link DialogError} when there is none. */
  ack(
    dialog: Dialog,
    draft: Draft,
  ):
    | { request: SipRequest; target: Target | undefined }
    | Promise<{ request: SipRequest; target: Target | undefined }> {
    const state = this.#options.usage(dialog).ack;
    if (!state)
      throw new DialogError('Server error: ACK for non-success final response is automatically generated by server');
    const template = dialog.createRequest('ACK', { cseq: state.cseq });
    applyDraft(template, draft);
    const send = (targets: Target[]): { request: SipRequest; target: Target | undefined } => {
      const [target] = targets;
      if (!target) throw new DialogError('no target');
      state.ack = { request: template.clone(), target };
      this.#options.transactions.send(template, target);
      return { request: template, target };
    };
    const targets = this.#options.router.targets(template, this.#hints(dialog));
    return Array.isArray(targets) ? send(targets) : targets.then(send);
  }

  /** Hangs up without a user who waits for the answer. Gives what is sent, or undefined when it can't be. */
  bye(dialog: Dialog, headers: [string, string][]): SipRequest | undefined {
    const request = dialog.createRequest('BYE');
    for (const [name, value] of headers) request.set(name, value);
    try {
      const sent = this.#send(request, this.#hints(dialog), () => ({ onResponse() {} }));
      if (!(sent instanceof OutgoingRequest)) sent.catch(() => undefined);
      return request;
    } catch {
      return undefined;
    }
  }

  /** The dialog of a NOTIFY that came before the 2xx of its SUBSCRIBE; undefined when nobody subscribed (RFC 6665 section 4.4.1). */
  notified(notify: SipRequest): Dialog | undefined {
    const subscribing = this.#subscribing.get(dialogKey(notify.callId, notify.toTag ?? '', ''));
    if (!subscribing) return undefined;
    const { outgoing, user } = subscribing;
    const dialog = Dialog.notified(outgoing.request, notify);
    this.#establish(dialog, outgoing.request, notify);
    user.onDialog?.(outgoing, dialog);
    return dialog;
  }

  opened(dialog: Dialog, outgoing: OutgoingRequest): void {
    this.#options.dialogs.add(dialog);
    this.#options.usage(dialog).client = outgoing;
  }

  confirmed(dialog: Dialog, id: string, cseq: number): void {
    this.#options.dialogs.promote(dialog, id);
    const usage = this.#options.usage(dialog);
    usage.client = undefined;
    usage.ack = { cseq, ack: undefined };
  }

  closed(dialog: Dialog): void {
    this.#options.end(dialog);
  }

  repeatAck(success: SipResponse): void {
    const dialog = this.#options.dialogs.byTags(success.callId, success.fromTag ?? '', success.toTag ?? '');
    if (!dialog) return;
    const { cseq, ack } = this.#options.usage(dialog).ack ?? {};
    if (ack && cseq === success.cseq.number) this.#options.transactions.send(ack.request.clone(), ack.target);
  }

  release(dialog: Dialog, cseq: number, keep = false): void {
    const usage = this.#options.usage(dialog);
    usage.ack = { cseq, ack: undefined };
    const hangUp = (): void => {
      if (keep) return;
      this.bye(dialog, []);
      this.#options.end(dialog);
    };
    try {
      const sent = this.ack(dialog, { headers: [], body: Buffer.alloc(0) });
      if (sent instanceof Promise) sent.then(hangUp, hangUp);
      else hangUp();
    } catch {
      hangUp();
    }
  }

  #hints(dialog: Dialog, uri?: string): RouteHints {
    return { nextHop: dialog.nextHop(uri), flow: dialog.flow, local: dialog.local };
  }

  #send(
    request: SipRequest,
    hints: RouteHints,
    user: (outgoing: OutgoingRequest) => OutgoingUser,
    created?: (outgoing: OutgoingRequest) => void,
  ): OutgoingRequest | Promise<OutgoingRequest> {
    const holder: { user?: OutgoingUser } = {};
    const outgoing = new OutgoingRequest(
      this.#options.transactions,
      request,
      (attempt, target) => this.#prepare(attempt, target),
      {
        onResponse: (response, flow) => {
          if (response.status >= 200) this.#outgoing.delete(outgoing.id);
          holder.user?.onResponse(response, flow);
        },
        lateSuccesses: (first) => holder.user?.lateSuccesses?.(first),
      },
    );
    holder.user = user(outgoing);
    this.#outgoing.set(outgoing.id, outgoing);
    const drop = (error: unknown): never => {
      this.#outgoing.delete(outgoing.id);
      this.#subscribing.delete(dialogKey(request.callId, request.fromTag ?? '', ''));
      throw error;
    };
    const go = (targets: Target[]): OutgoingRequest => {
      try {
        outgoing.start(targets);
      } catch (error) {
        drop(error);
      }
      return outgoing;
    };
    const failed = (error: unknown): OutgoingRequest => {
      if (!(error instanceof UnresolvedError || error instanceof FlowLostError)) return drop(error);
      outgoing.fail(503, error.message);
      return outgoing;
    };
    created?.(outgoing);
    let targets: Target[] | Promise<Target[]>;
    try {
      targets = this.#options.router.targets(request, hints);
    } catch (error) {
      return failed(error);
    }
    return Array.isArray(targets) ? go(targets) : targets.then(go, failed);
  }

  #refuse(request: SipRequest, user: RequestUser, dialog: Dialog): OutgoingRequest {
    const outgoing: OutgoingRequest = new OutgoingRequest(this.#options.transactions, request, () => undefined, {
      onResponse: (response: SipResponse) => user.onResponse(outgoing, response, dialog, undefined),
    });
    outgoing.fail(491, 'another INVITE is under way in this dialog');
    return outgoing;
  }

  #prepare(request: SipRequest, target: Target): void {
    const local = this.#options.router.localFor(target);
    replaceLocalhost(request, local.host, local.port);
    if (!request.has('contact') && carriesContact(request.method))
      request.set('Contact', ownContact(local, request.uri));
  }

  #userFor(request: SipRequest, user: RequestUser): (outgoing: OutgoingRequest) => OutgoingUser {
    if (request.method === 'INVITE') {
      return (outgoing) => {
        const invite = new OutgoingInvite(this, user);
        invite.outgoing = outgoing;
        return invite;
      };
    }
    if (request.method !== 'SUBSCRIBE' && request.method !== 'REFER') {
      return (outgoing) => ({ onResponse: (response, flow) => user.onResponse(outgoing, response, undefined, flow) });
    }
    const key = dialogKey(request.callId, request.fromTag ?? '', '');
    return (outgoing) => {
      this.#subscribing.set(key, { outgoing, user });
      return {
        onResponse: (response, flow) => {
          const dialog = response.status < 300 ? this.#subscribed(outgoing, response) : undefined;
          if (response.status >= 200) this.#subscribing.delete(key);
          user.onResponse(outgoing, response, dialog, flow);
        },
      };
    };
  }

  #userInDialog(dialog: Dialog, method: string, user: RequestUser): (outgoing: OutgoingRequest) => OutgoingUser {
    if (method === 'INVITE') {
      return (outgoing) => {
        const invite = new OutgoingInvite(this, user, dialog);
        invite.outgoing = outgoing;
        return invite;
      };
    }
    return (outgoing) => ({
      onResponse: (response, flow) => {
        const success = response.status >= 200 && response.status < 300;
        if (success && refreshesTarget(method)) dialog.remoteTarget = contactUri(response) ?? dialog.remoteTarget;
        if (success && method === 'SUBSCRIBE') this.#options.subscriptions.extend(dialog, response, outgoing.request);
        if (response.status >= 200 && this.#isLast(dialog, method, outgoing.request, response))
          this.#options.end(dialog);
        user.onResponse(outgoing, response, dialog, flow);
      },
    });
  }

  #isLast(dialog: Dialog, method: string, request: SipRequest, response: SipResponse): boolean {
    if (method === 'BYE') return response.status !== 401 && response.status !== 407;
    if (dialog.method === 'INVITE') return false;
    return (
      method === 'NOTIFY' &&
      (response.status === 481 || /^\s*terminated/i.test(request.get('subscription-state') ?? ''))
    );
  }

  #subscribed(outgoing: OutgoingRequest, response: SipResponse): Dialog | undefined {
    const { request } = outgoing;
    const tag = response.toTag;
    if (tag === undefined || response.status < 200) return undefined;
    const known = this.#options.dialogs.byTags(request.callId, request.fromTag ?? '', tag);
    if (known) return known;
    const dialog = Dialog.uac(request, response);
    this.#establish(dialog, request, response);
    return dialog;
  }

  #establish(dialog: Dialog, request: SipRequest, message: SipRequest | SipResponse): void {
    dialog.state = 'confirmed';
    dialog.contact = request.get('contact');
    this.#options.dialogs.add(dialog);
    this.#options.subscriptions.extend(dialog, message, request);
  }
}

/** Sends a callee's BYE when it may go. */
function onceOpened<T>(usage: InviteUsage, opening: IncomingInvite, send: () => T | Promise<T>): Promise<T> {
  if (opening.pending && !opening.postponed) throw new DialogError('a callee sends no BYE before its final response');
  return new Promise((resolve, reject) => {
    usage.onceOpened(() => {
      try {
        resolve(send());
      } catch (error) {
        reject(error);
      }
    });
  });
}
