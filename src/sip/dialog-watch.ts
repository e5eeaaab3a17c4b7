import type { Clock, Timer } from '../clock/clock.js';
import type { Drachtio, SrfResponse } from './drachtio.js';

export interface DialogWatchOptions {
  readonly drachtio: Drachtio;
  readonly clock: Clock;
  readonly dialogIds: readonly string[];
  /** The other end of this dialog is gone. */
  readonly onGone: (dialogId: string) => void;
}

/**
 * Asks the two ends of a call that another process began, by OPTIONS inside the dialog, whether they are still there: every while where
 * the engine hands over no BYE of such a dialog; once where it does, as the other process may have ended the call without having
 * written that down.
 */
export class DialogWatch {
  readonly #options: DialogWatchOptions;
  #timer: Timer | undefined;

  constructor(options: DialogWatchOptions) {
    this.#options = options;
    this.#wait();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #wait(): void {
    this.#timer = this.#options.clock.setTimeout(() => {
      const { drachtio, dialogIds } = this.#options;
      for (const dialogId of dialogIds) this.#ask(dialogId);
      if (!drachtio.keepsForSuccessor) this.#wait();
    }, EVERY);
  }

  #ask(dialogId: string): void {
    const { drachtio, onGone } = this.#options;
    const gone = (): void => {
      if (this.#timer !== undefined) onGone(dialogId);
    };
    drachtio.request({ method: 'OPTIONS', dialogId, headers: {} }, (error, sent) => {
      if (error !== undefined && 'code' in error && error.code === 'ENODIALOG') gone();
      sent?.on('response', ({ status }: SrfResponse) => {
        if (status === 481 || (status === 408 && !drachtio.keepsForSuccessor)) gone();
      });
    });
  }
}

const EVERY = 10_000;
