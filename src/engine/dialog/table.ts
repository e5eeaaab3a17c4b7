import { type Dialog, dialogKey } from './dialog.js';

/** Every dialog that exists, by its tags and by its id. */
export class DialogTable {
  #byKey = new Map<string, Dialog>();
  #byId = new Map<string, Dialog>();

  get size(): number {
    return this.#byKey.size;
  }

  /** Adds a dialog; its id gets a `;to-tag=` when another dialog has that id. */
  add(dialog: Dialog): void {
    this.#byKey.set(dialog.key, dialog);
    if (this.#byId.has(dialog.id)) {
      dialog.id = `${dialog.id};to-tag=${dialog.role === 'uac' ? dialog.remoteTag : dialog.localTag}`;
    }
    this.#byId.set(dialog.id, dialog);
  }

  /** Gives the id of `from` (an early dialog of the same INVITE) to the one that was answered. Each is still found by its old id. */
  promote(dialog: Dialog, id: string): void {
    const holder = this.#byId.get(id);
    if (holder === dialog) return;
    if (holder) {
      holder.id = `${id};to-tag=${holder.role === 'uac' ? holder.remoteTag : holder.localTag}`;
      this.#byId.set(holder.id, holder);
    }
    dialog.id = id;
    this.#byId.set(id, dialog);
  }

  remove(dialog: Dialog): void {
    dialog.state = 'terminated';
    if (this.#byKey.get(dialog.key) === dialog) this.#byKey.delete(dialog.key);
    for (const id of [dialog.id, `${dialog.id};to-tag=${dialog.role === 'uac' ? dialog.remoteTag : dialog.localTag}`]) {
      if (this.#byId.get(id) === dialog) this.#byId.delete(id);
    }
  }

  byId(id: string): Dialog | undefined {
    return this.#byId.get(id);
  }

  byTags(callId: string, localTag: string, remoteTag: string): Dialog | undefined {
    return this.#byKey.get(dialogKey(callId, localTag, remoteTag));
  }
}
