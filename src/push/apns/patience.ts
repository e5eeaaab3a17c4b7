import type { Clock } from '../../clock/clock.js';

/** Nothing came within the time given. */
export class TimeIsUp extends Error {}

/** A wait is counted in so many slices, each of which gives the event loop a turn. */
const SLICES = 50;

/**
 * What comes of a promise, if it comes in time; else `giveUp` ends what it waits for. Time in which this process couldn't look at its
 * sockets doesn't count as the other side's: however long the event loop is held up at once, it costs no more than one of 50 slices.
 * @throws {TimeIsUp} after `ms` milliseconds, or what the promise rejects with
 */
export async function within<T>(clock: Clock, ms: number, promise: Promise<T>, giveUp: () => void): Promise<T> {
  let stop = (): void => {};
  const late = new Promise<never>((_, reject) => {
    const wait = (slicesLeft: number): void => {
      const timer = clock.setTimeout(
        () => (slicesLeft > 1 ? wait(slicesLeft - 1) : reject(new TimeIsUp())),
        ms / SLICES,
      );
      stop = () => timer.cancel();
    };
    wait(SLICES);
  });
  try {
    return await Promise.race([promise, late]);
  } catch (error) {
    giveUp();
    throw error;
  } finally {
    stop();
    promise.catch(() => {});
  }
}
