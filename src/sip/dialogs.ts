import type { SrfRequest, SrfResponse } from './drachtio.js';

/** Takes the requests that come inside one dialog (or early dialog). */
export type DialogHandler = (req: SrfRequest, res: SrfResponse) => void;

/** The engine's name of a dialog: Call-ID and the tag of the From that began it. */
export function dialogIdOf(callId: string, fromTag: string): string {
  return `${callId};from-tag=${fromTag}`;
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
