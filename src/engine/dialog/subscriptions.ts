import type { Clock, Timer } from '../../clock/clock.js';
import type { SipHeaders } from '../message/index.js';
import type { Dialog } from './dialog.js';

/** Time that a subscription is kept beyond its end, for the last NOTIFY. */
const GRACE = 64_000;
const DEFAULT_EXPIRES = 3600;
const LONGEST = 7 * 86_400;

/** Dialogs that a SUBSCRIBE or REFER made end with their subscription (RFC 6665): when it isn't refreshed in time, they are forgotten. */
export class Subscriptions {
  readonly #clock: Clock;
  readonly #expired: (dialog: Dialog) => void;
  readonly #timers = new Map<Dialog, Timer>();

  constructor(clock: Clock, expired: (dialog: Dialog) => void) {
    this.#clock = clock;
    this.#expired = expired;
  }

  /** A message that tells how long it lasts: SUBSCRIBE, its 2xx, NOTIFY. The first of `messages` that says so counts. */
  extend(dialog: Dialog, ...messages: SipHeaders[]): void {
    if (dialog.method === 'INVITE' || dialog.state === 'terminated') return;
    let seconds: number | undefined;
    for (const message of messages) seconds ??= expiresOf(message);
    this.#timers.get(dialog)?.cancel();
    const delay = Math.min(seconds ?? DEFAULT_EXPIRES, LONGEST) * 1000 + GRACE;
    this.#timers.set(
      dialog,
      this.#clock.setTimeout(() => {
        this.#timers.delete(dialog);
        this.#expired(dialog);
      }, delay),
    );
  }

  remove(dialog: Dialog): void {
    this.#timers.get(dialog)?.cancel();
    this.#timers.delete(dialog);
  }

  close(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }
}

function expiresOf(message: SipHeaders): number | undefined {
  const state = /;\s*expires\s*=\s*(\d{1,10})/i.exec(message.get('subscription-state') ?? '');
  const text = state?.[1] ?? message.get('expires');
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}
