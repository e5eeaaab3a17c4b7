import type { Device } from '../devices/types.js';
import type { Leg, LegRecord } from './leg.js';
import type { EndReason } from './policy.js';

/** The legs of one call, by device. */
export class Legs {
  readonly #legs = new Map<string, Leg>();

  get all(): readonly Leg[] {
    return [...this.#legs.values()];
  }

  get size(): number {
    return this.#legs.size;
  }

  get(deviceId: string): Leg | undefined {
    return this.#legs.get(deviceId);
  }

  add(leg: Leg): void {
    this.#legs.set(leg.device.id, leg);
  }

  /** An INVITE is out and unanswered. */
  get someLive(): boolean {
    return this.all.some(({ live }) => live);
  }

  get someWaking(): boolean {
    return this.all.some(({ state }) => state === 'waking');
  }

  /** Those whose push has left and whose device hasn't come yet, of all devices or of that one. */
  pushedTo(deviceId: string | undefined): readonly Leg[] {
    return this.all.filter(
      ({ state, pushedAt, device: { id } }) => state === 'waking' && pushedAt !== undefined && (deviceId ?? id) === id,
    );
  }

  /** Devices that no INVITE has reached: nothing on them shows this call. */
  get missed(): readonly Device[] {
    return this.all.filter(({ missed }) => missed).map(({ device }) => device);
  }

  /** Why a call ends that no device rang for. */
  get whyNobody(): EndReason {
    if (this.someWaking) return 'not-woken';
    return this.all.some(({ pushFailed }) => pushFailed) ? 'push-failed' : 'unreachable';
  }

  /** Ends the legs of sleepers. Gives the devices whose push has left: they may still come. */
  giveUpSleepers(): readonly Device[] {
    const sleepers = this.all.filter(({ state }) => state === 'waking');
    for (const leg of sleepers) leg.to('ended');
    return sleepers.filter(({ pushedAt }) => pushedAt !== undefined).map(({ device }) => device);
  }

  /** Cancels what is under way; `onCancel` is told before each. The answered leg stays. */
  cancelLive(reason: string, onCancel: (leg: Leg) => void): void {
    for (const leg of this.all) {
      if (!leg.live) continue;
      onCancel(leg);
      leg.branch?.cancel(reason);
      leg.to('ended');
    }
  }

  /** As the journal keeps them. */
  records(): readonly LegRecord[] {
    return this.all.map((leg) => leg.record());
  }
}
