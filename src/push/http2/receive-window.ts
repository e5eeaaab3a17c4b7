import { INITIAL_WINDOW } from './codes.js';

/** How much the other side may still send on a connection or a stream (RFC 9113 section 6.9), at its initial size. */
export class ReceiveWindow {
  #left = INITIAL_WINDOW;

  /** Takes the payload of a DATA frame, padding and all. False: it was more than allowed, a FLOW_CONTROL_ERROR. */
  take(octets: number): boolean {
    this.#left -= octets;
    return this.#left >= 0;
  }

  /** What a WINDOW_UPDATE has to give back: nothing until half of it is used. */
  giveBack(): number {
    if (this.#left > INITIAL_WINDOW / 2) return 0;
    const used = INITIAL_WINDOW - this.#left;
    this.#left = INITIAL_WINDOW;
    return used;
  }
}
