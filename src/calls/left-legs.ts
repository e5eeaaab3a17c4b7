import type { Clock } from '../clock/clock.js';
import type { Device } from '../devices/types.js';
import { StoreAway } from '../store/store.js';
import type { LegRecord } from './leg.js';
import { type CallPort, REASONS } from './port.js';

/** How often one asks for devices whose store is away, in milliseconds. */
const ASK_AGAIN = 200;

/** An INVITE is out, or may be. */
export function isLive({ state }: LegRecord): boolean {
  return state === 'inviting' || state === 'ringing';
}

/** Cancels the INVITEs that a process before this one sent to devices of `aor` and that have no final response. */
export function cancelLegs(aor: string, legs: readonly LegRecord[], port: CallPort): void {
  for (const leg of legs) {
    const { device: id, branch } = leg;
    if (branch === undefined || !isLive(leg)) continue;
    if (port.cancelLeft?.(branch.transaction, REASONS.cancelled)) continue;
    const events = { provisional() {}, answered() {}, failed() {} };
    port.startBranch({ aor, id }, branch.binding, events, branch.id).cancel(REASONS.cancelled);
  }
}

/**
 * Devices from a store. While that is away it is asked again as long as `waits` says so; undefined when that is over. A process that has
 * just begun has nothing in its memory to go on with until then.
 * @throws what the store throws besides {@link StoreAway}
 */
export async function onceThere(
  read: () => Promise<readonly Device[]>,
  clock: Clock,
  waits: () => boolean,
): Promise<readonly Device[] | undefined> {
  do {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof StoreAway)) throw error;
      await new Promise<void>((resolve) => clock.setTimeout(resolve, ASK_AGAIN));
    }
  } while (waits());
  return undefined;
}
