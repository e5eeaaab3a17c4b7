import type { Clock } from '../../clock/clock.js';
import { type BackOffBounds, backOff, type Random } from './back-off.js';

/** Leave to make one attempt; exactly one of its methods is called when the attempt has ended. */
export interface Pass {
  /** The host answered sensibly. */
  ok(): void;
  /** The host has trouble. */
  failed(): void;
  /** The attempt says nothing about the host. */
  neutral(): void;
}

/** Keeps pushes from a host that answers nothing but errors: after `threshold` in a row only single attempts go, further and further apart. */
export class Breaker {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #threshold: number;
  readonly #bounds: BackOffBounds;
  #failures = 0;
  #level = 0;
  #openUntil = 0;
  #probing = false;
  /** Of attempts while it is closed: one is as good as another. */
  readonly #plain = this.#pass(false);

  constructor(clock: Clock, random: Random, threshold: number, bounds: BackOffBounds) {
    this.#clock = clock;
    this.#random = random;
    this.#threshold = threshold;
    this.#bounds = bounds;
  }

  get isOpen(): boolean {
    return this.#level > 0;
  }

  /** Milliseconds until an attempt may be made; 0 for now, also when one attempt is under way that will decide. */
  get waitMs(): number {
    return this.isOpen ? Math.max(0, this.#openUntil - this.#clock.monotonic()) : 0;
  }

  /** Leave for an attempt, or undefined if there is none now. */
  enter(): Pass | undefined {
    if (!this.isOpen) return this.#plain;
    if (this.#probing || this.waitMs > 0) return undefined;
    this.#probing = true;
    return this.#pass(true);
  }

  #pass(probe: boolean): Pass {
    const ended = () => {
      if (probe) this.#probing = false;
    };
    return {
      ok: () => {
        ended();
        this.#failures = 0;
        this.#level = 0;
      },
      failed: () => {
        ended();
        this.#failures++;
        if (probe || (!this.isOpen && this.#failures >= this.#threshold)) this.#open();
      },
      neutral: ended,
    };
  }

  #open(): void {
    this.#openUntil = this.#clock.monotonic() + backOff(this.#level, this.#bounds, this.#random);
    this.#level++;
  }
}
