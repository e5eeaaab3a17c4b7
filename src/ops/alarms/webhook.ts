import { createHmac, randomUUID } from 'node:crypto';
import type { Clock, Timer } from '../../clock/clock.js';
import type { Alarm } from './board.js';

export interface WebhookTarget {
  readonly url: string;
  /** Signs each body: `X-Callwake-Signature: sha256=<HMAC-SHA256 in hexadecimal>`. */
  readonly secret?: string;
}

export interface WebhookOptions {
  readonly target: WebhookTarget;
  readonly clock: Clock;
  /** Told when an alarm could not be delivered for good, or had to make room. */
  readonly onLost: (alarm: Alarm, why: string) => void;
  /** Names this callwake in each body. */
  readonly node: string;
}

const MAX_WAITING = 200;
const ATTEMPTS = 8;
const TIMEOUT = 5_000;
const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 60_000;

/**
 * POSTs each change of an alarm as JSON, in order. Any 2xx takes it; 408, 429, 5xx and no answer are tried again after 1 to 60 s, eight times in all;
 * other answers lose it. At most 200 wait: beyond, the oldest is lost.
 */
export class Webhook {
  readonly #options: WebhookOptions;
  readonly #waiting: { readonly alarm: Alarm; readonly id: string }[] = [];
  readonly #abort = new AbortController();
  #timer: Timer | undefined;
  #busy = false;
  #attempts = 0;

  constructor(options: WebhookOptions) {
    this.#options = options;
  }

  /** How many wait, the one under way included. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Takes an alarm for delivery. */
  send(alarm: Alarm): void {
    if (this.#abort.signal.aborted) return;
    if (this.#waiting.length >= MAX_WAITING) {
      const index = this.#busy ? 1 : 0;
      const [oldest] = this.#waiting.splice(index, 1);
      if (!this.#busy) this.#attempts = 0;
      if (oldest) this.#options.onLost(oldest.alarm, 'too many wait');
    }
    this.#waiting.push({ alarm, id: randomUUID() });
    if (this.#timer === undefined) void this.#next();
  }

  close(): void {
    this.#abort.abort();
    this.#timer?.cancel();
  }

  async #next(): Promise<void> {
    const [first] = this.#waiting;
    if (this.#busy || first === undefined || this.#abort.signal.aborted) return;
    this.#busy = true;
    this.#attempts += 1;
    const answer = await this.#post(first.alarm, first.id);
    this.#busy = false;
    if (this.#abort.signal.aborted) return;
    if (answer === 'again' && this.#attempts < ATTEMPTS) {
      const wait = Math.min(FIRST_WAIT * 2 ** (this.#attempts - 1), LONGEST_WAIT);
      this.#timer = this.#options.clock.setTimeout(() => {
        this.#timer = undefined;
        void this.#next();
      }, wait);
      return;
    }
    this.#waiting.shift();
    this.#attempts = 0;
    if (answer !== 'taken') {
      this.#options.onLost(first.alarm, answer === 'again' ? `not taken in ${ATTEMPTS} attempts` : answer);
    }
    void this.#next();
  }

  /** `taken`, `again`, or why it is lost. */
  async #post(alarm: Alarm, id: string): Promise<string> {
    const { target, node } = this.#options;
    const body = JSON.stringify({ node, ...alarm });
    try {
      const response = await fetch(target.url, {
        method: 'POST',
        redirect: 'error',
        body,
        headers: {
          'content-type': 'application/json',
          'idempotency-key': id,
          ...(target.secret !== undefined && {
            'x-callwake-signature': `sha256=${createHmac('sha256', target.secret).update(body).digest('hex')}`,
          }),
        },
        signal: AbortSignal.any([this.#abort.signal, AbortSignal.timeout(TIMEOUT)]),
      });
      await response.body?.cancel();
      if (response.ok) return 'taken';
      return response.status === 408 || response.status === 429 || response.status >= 500
        ? 'again'
        : `refused with ${response.status}`;
    } catch {
      return 'again';
    }
  }
}
