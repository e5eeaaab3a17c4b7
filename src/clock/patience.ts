import type { Clock, Timer } from './clock.js';

/** Milliseconds by which a timer may be late before this process counts as held up. */
const SLACK = 50;

/**
 * How long this process was held up, if it was, when a timer that was due at `due` (monotonic milliseconds) fires: then what it waits
 * for may be here already, unread, and whoever is waited for must not be charged for it. Never more than `most`.
 */
export function heldUp(clock: Clock, due: number, most: number): number {
  const late = clock.monotonic() - due;
  return late > SLACK ? Math.min(late, most) : 0;
}

/** Calls `fn` after `ms` milliseconds, and as many more as this process was held up meanwhile. */
export function setPatientTimeout(clock: Clock, fn: () => void, ms: number): Timer {
  const due = clock.monotonic() + ms;
  let timer = clock.setTimeout(() => {
    const more = heldUp(clock, due, ms);
    if (more === 0) fn();
    else timer = clock.setTimeout(fn, Math.ceil(more));
  }, ms);
  return { cancel: () => timer.cancel() };
}
