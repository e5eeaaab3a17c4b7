import type { Clock } from '../../clock/clock.js';

/** Why the engine itself answers with 503. */
export type UnavailableCause =
  | 'overload'
  | 'memory nearly full'
  | 'too many requests wait'
  | 'too many transactions'
  | 'no application connected'
  | 'application lost'
  | 'application lost again and again';

/** The header fields of a 503: when to come back, in seconds, and why (Warning, RFC 3261 section 20.43). */
export function unavailable(cause: UnavailableCause, retryAfter = 5): [name: string, value: string][] {
  return [
    ['Retry-After', String(retryAfter)],
    ['Warning', `399 callwake "${cause}"`],
  ];
}

/** Milliseconds between two lines about the same cause. */
const PERIOD = 10_000;

/** Tells why requests were turned away: the first of a cause at once, then how many, at most every ten seconds. */
export class RefusalLog {
  readonly #causes = new Map<UnavailableCause, { all: number; untold: number; toldAt: number }>();

  constructor(
    readonly clock: Clock,
    readonly write: (text: string) => void,
  ) {}

  /** How many were turned away so far, by cause. */
  get counts(): Record<string, number> {
    return Object.fromEntries([...this.#causes].map(([cause, { all }]) => [cause, all]));
  }

  /** One more request was turned away. */
  note(cause: UnavailableCause): void {
    const now = this.clock.monotonic();
    const known = this.#causes.get(cause) ?? { all: 0, untold: 0, toldAt: Number.NEGATIVE_INFINITY };
    this.#causes.set(cause, known);
    known.all++;
    known.untold++;
    if (now - known.toldAt < PERIOD) return;
    this.write(`503 to ${known.untold === 1 ? 'a request' : `${known.untold} requests`}: ${cause}`);
    known.untold = 0;
    known.toldAt = now;
  }
}
