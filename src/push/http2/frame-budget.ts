import type { Clock } from '../../clock/clock.js';

/** Frames in a second that need no reason. */
const BASE = 2_000;
/** Frames that a request may bring: its answer, 1xx before it, WINDOW_UPDATEs for it. */
const PER_REQUEST = 32;
/** WINDOW_UPDATEs that each piece of a body may bring, where the other side's windows are small. */
const PER_PIECE = 4;
const WINDOW_MS = 1_000;

/**
 * How many frames the other side may send, so that a flood of frames that are legal but of no use (PING, SETTINGS, empty DATA, CONTINUATION,
 * RFC 9113 section 10.5) ends the connection instead of taking all of a processor. Looks at the clock only when the count is used up.
 */
export class FrameBudget {
  readonly #clock: Clock;
  #left = BASE;
  #since: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#since = clock.monotonic();
  }

  /** A request was sent. */
  earn(): void {
    this.#left += PER_REQUEST;
  }

  /** A piece of a request's body was sent. */
  earnPiece(): void {
    this.#left += PER_PIECE;
  }

  /** A frame came, while so many requests were unanswered. False: it's a flood. */
  spend(unanswered: number): boolean {
    if (this.#left-- > 0) return true;
    const now = this.#clock.monotonic();
    if (now - this.#since < WINDOW_MS) return false;
    this.#since = now;
    this.#left = BASE + unanswered * PER_REQUEST;
    return true;
  }
}
