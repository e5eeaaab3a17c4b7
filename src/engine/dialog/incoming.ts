import { isToken } from '../../grammar/chars.js';
import { parseNameAddr } from '../../grammar/name-addr.js';
import { createResponse, type SipRequest, type SipResponse } from '../message/index.js';
import type { ServerTransaction } from '../transaction/index.js';
import type { Flow } from '../transport/index.js';
import { carriesContact, ownContact } from './contact.js';
import type { Dialog } from './dialog.js';
import { applyDraft, draftHeader, type ResponseDraft, replaceLocalhost } from './draft.js';
import { DialogError } from './errors.js';
import type { Router } from './router.js';
import { targetOf } from './router.js';

/** What an incoming request needs of the layer it belongs to. */
export interface IncomingHost {
  readonly router: Router;
  /** A response is about to make or confirm a dialog, or a final one ends what there was. Gives the dialog that the response belongs to. */
  answering(incoming: Incoming, response: SipResponse): Dialog | undefined;
  /** The final response was sent: what it ends is over. */
  answered(incoming: Incoming, status: number): void;
  /** The final response is sent, or somebody else took the request over. */
  settled(incoming: Incoming): void;
  /** The stack gave the final response itself. */
  rejected(incoming: Incoming, response: SipResponse): void;
}

/** A request that came in and waits for its answer. */
export class Incoming {
  readonly transaction: ServerTransaction;
  protected readonly host: IncomingHost;
  /** The dialog it came in or, once a response made one, the dialog it made. */
  dialog: Dialog | undefined;
  /** For the user of the layer: whom it gave the request to. */
  handledBy: object | undefined;
  #settled = false;
  #tag: string | undefined;

  constructor(host: IncomingHost, transaction: ServerTransaction, dialog?: Dialog) {
    this.host = host;
    this.transaction = transaction;
    this.dialog = dialog;
  }

  get id(): string {
    return this.transaction.id;
  }

  get request(): SipRequest {
    return this.transaction.request;
  }

  get flow(): Flow {
    return this.transaction.flow;
  }

  get method(): string {
    return this.transaction.request.method;
  }

  /** False once a final response is on its way, it was cancelled, or a proxy took it over. */
  get pending(): boolean {
    return !this.#settled;
  }

  /** The To tag of this side in every response. */
  get tag(): string {
    return this.#tag ?? this.transaction.localTag;
  }

  /** Fills the draft in and sends it; gives the response as it goes out. Throws {@link DialogError} when it was answered before. */
  respond(draft: ResponseDraft): SipResponse {
    if (this.#settled) throw new DialogError('Response not sent due to unknown transaction');
    const response = this.build(draft);
    this.dialog = this.host.answering(this, response) ?? this.dialog;
    if (this.transmit(response) && response.status >= 200) this.finish(response.status);
    return response;
  }

  /** Answers with a response of the stack's own. */
  reject(status: number, headers: [string, string][] = [], reason = ''): SipResponse {
    const response = this.respond({ status, reason, headers, body: NOTHING });
    this.host.rejected(this, response);
    return response;
  }

  /** Leaves the answer to somebody else (a proxy). */
  takeOver(): ServerTransaction {
    if (this.#settled) throw new DialogError(`Unknown transaction id: ${this.id}`);
    this.settle();
    this.transaction.passOn();
    return this.transaction;
  }

  /** The transaction ended without an answer. */
  abandon(): void {
    this.settle();
  }

  protected settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.host.settled(this);
  }

  /** The final response is out. */
  protected finish(status: number): void {
    this.settle();
    this.host.answered(this, status);
  }

  /** Sends a response; false when it has to wait. */
  protected transmit(response: SipResponse): boolean {
    this.transaction.respond(response);
    return true;
  }

  protected build(draft: ResponseDraft): SipResponse {
    if (draft.status > 100 && this.request.toTag === undefined) this.#tag ??= chosenTag(draft);
    const response = createResponse(
      this.request,
      draft.status,
      draft.reason || undefined,
      draft.status > 100 ? this.tag : undefined,
    );
    const forms = draft.status > 100 && draft.status < 300;
    if (forms && formsDialog(this.method))
      for (const route of this.request.all('record-route')) response.add('Record-Route', route);
    applyDraft(response, draft);
    if (forms) this.#addContact(response);
    return response;
  }

  #addContact(response: SipResponse): void {
    const given = response.get('contact');
    const wanted = carriesContact(this.method) && (this.method === 'INVITE' || response.status >= 200);
    if (given === undefined ? !wanted : !given.includes('localhost')) return;
    const local = this.host.router.localFor(targetOf(this.flow));
    if (given === undefined)
      response.set('Contact', ownContact(local, this.request.get('record-route') ?? this.request.uri));
    else replaceLocalhost(response, local.host, local.port);
  }
}

const NOTHING = Buffer.alloc(0);

function formsDialog(method: string): boolean {
  return method === 'INVITE' || method === 'SUBSCRIBE' || method === 'REFER' || method === 'NOTIFY';
}

/** The To tag that the user put on the first response, if it is one. */
function chosenTag(draft: ResponseDraft): string | undefined {
  const to = draftHeader(draft, 'to');
  if (to === undefined) return undefined;
  try {
    const tag = parseNameAddr(to).params.get('tag');
    return tag && isToken(tag) ? tag : undefined;
  } catch {
    return undefined;
  }
}
