/** A timer that was set on a {@link Clock}. Cancelling it twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

/**
 * The only source of time in callwake: everything that waits, expires or measures gets a clock passed in,
 * so that tests replay every race under a fake one.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Milliseconds, with fractions, on a scale that never goes back; for durations. */
  monotonic(): number;
  /** Calls `fn` once after `ms` milliseconds (at the earliest in a later turn of the event loop). */
  setTimeout(fn: () => void, ms: number): Timer;
}

const MAX_DELAY = 2 ** 31 - 1;

class SystemTimer implements Timer {
  constructor(private readonly handle: NodeJS.Timeout) {}

  cancel(): void {
    clearTimeout(this.handle);
  }
}

class SystemClock implements Clock {
  now(): number {
    return Date.now();
  }

  monotonic(): number {
    return performance.now();
  }

  setTimeout(fn: () => void, ms: number): Timer {
    return new SystemTimer(setTimeout(fn, Math.min(Math.max(ms, 0), MAX_DELAY)));
  }
}

/** The machine's own clock. Delays above 2^31-1 ms are cut to that. */
export const systemClock: Clock = new SystemClock();
