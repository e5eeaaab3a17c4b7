import type { Clock, Timer } from '../../clock/clock.js';

const T1 = 500;
const T2 = 4000;

/** Sends something again, at T1, 2*T1, ... up to T2, until it is acknowledged or 64*T1 are over (RFC 3261 section 13.3.1.4, RFC 3262 section 3). */
export class Repeat {
  #timer: Timer | undefined;
  #interval = T1;
  readonly #giveUp: Timer;

  constructor(clock: Clock, send: () => void, onGiveUp: () => void) {
    const again = (): void => {
      this.#timer = clock.setTimeout(() => {
        send();
        this.#interval = Math.min(this.#interval * 2, T2);
        again();
      }, this.#interval);
    };
    this.#giveUp = clock.setTimeout(() => {
      this.stop();
      onGiveUp();
    }, 64 * T1);
    again();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#giveUp.cancel();
  }
}
