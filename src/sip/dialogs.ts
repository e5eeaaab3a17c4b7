import type { SrfRequest, SrfResponse } from './drachtio.js';
import { firstHeader, type HeaderLines } from './header-lines.js';
import { tagOf } from './tags.js';

/** Takes the requests that come inside one dialog (or early dialog). */
export type DialogHandler = (req: SrfRequest, res: SrfResponse) => void;

/** The engine's name of a dialog: Call-ID and the tag of the From that began it. */
export function dialogIdOf(callId: string, fromTag: string): string {
  return `${callId};from-tag=${fromTag}`;
}

/** The dialog that an INVITE of the caller begins. */
export function callerDialogId(invite: HeaderLines): string {
  return dialogIdOf(firstHeader(invite, 'call-id') ?? '', tagOf(firstHeader(invite, 'from') ?? ''));
}

/** The dialog of a branch: its id is the Call-ID, and the end of it the From tag. */
export function deviceDialogId(branchId: string): string {
  return dialogIdOf(branchId, branchTag(branchId));
}

/** The From tag of a branch. */
export function branchTag(branchId: string): string {
  return branchId.slice(-16);
}

/** Which handler a dialog's requests go to. */
export class Dialogs {
  readonly #handlers = new Map<string, DialogHandler>();

  get size(): number {
    return this.#handlers.size;
  }

  set(dialogId: string, handler: DialogHandler): void {
    this.#handlers.set(dialogId, handler);
  }

  delete(dialogId: string): void {
    this.#handlers.delete(dialogId);
  }

  /** True if the request belongs to a known dialog; then it has been handled. */
  handle(req: SrfRequest, res: SrfResponse): boolean {
    const handler = req.stackDialogId === undefined ? undefined : this.#handlers.get(req.stackDialogId);
    handler?.(req, res);
    return handler !== undefined;
  }
}
