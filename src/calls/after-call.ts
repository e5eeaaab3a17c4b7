import type { Clock } from '../clock/clock.js';
import type { Device } from '../devices/types.js';
import type { JournalEntry } from './journal.js';
import { LateComers } from './late-comers.js';
import { cancelLegs } from './left-legs.js';
import type { EndReason } from './policy.js';
import { type CallPort, REASONS } from './port.js';
import type { CallInfo, CallRecord } from './records.js';
import type { CallSite } from './site.js';
import type { Timeline } from './timeline.js';

export interface AfterCallOptions {
  readonly clock: Clock;
  /** Undefined: no such AOR. */
  readonly devicesOf: (aor: string) => Promise<readonly Device[]>;
  readonly isBusy: (deviceId: string) => boolean;
  readonly site?: CallSite | undefined;
}

/** A call as those who come after its end are told of it. */
export interface EndedCall {
  readonly port: CallPort;
  readonly timeline: Timeline;
  readonly entry: JournalEntry;
}

/** What is left to do when a call is over: phones that were pushed for it and have not come are told when they do. */
export class AfterCall {
  readonly #options: AfterCallOptions;
  readonly #lateComers: LateComers;

  constructor(options: AfterCallOptions) {
    const { clock, isBusy, site } = options;
    this.#options = options;
    const owns = site && ((info: CallInfo, left: boolean) => site.owns(info, left));
    this.#lateComers = new LateComers(clock, ({ id }) => isBusy(id), owns);
  }

  /** These devices were pushed for a call that is over now; `reason` is the Reason header of what they get when they come. */
  expect(deviceIds: readonly string[], reason: string, { port, timeline, entry }: EndedCall): void {
    const { info } = entry.record;
    const until = this.#options.clock.now() + LATE_COMER_PATIENCE;
    for (const deviceId of deviceIds) {
      const onGone = (): void => entry.removeLate(deviceId);
      this.#lateComers.add({ info, deviceId, port, timeline, reason, until, onGone });
    }
    entry.addLate(deviceIds.map((device) => ({ device, reason, until })));
  }

  /** Those that a process before this one expected. Settles when the ones that came meanwhile are told. */
  async expectStill({ info, startedAt, late = [] }: CallRecord, { port, timeline, entry }: EndedCall): Promise<void> {
    for (const { device: deviceId, reason, until } of late) {
      const onGone = (): void => entry.removeLate(deviceId);
      this.#lateComers.add({ info, left: true, deviceId, port, timeline, reason, until, onGone });
    }
    if (late.length > 0) await this.#tellArrived(info, startedAt);
  }

  /**
   * Ends a held call that a process before this one left, for `reason` if that is not told yet. Its phones: those that ring are cancelled,
   * those that wake are told.
   */
  async giveUp({ info, startedAt, held }: CallRecord, reason: EndReason | undefined, ended: EndedCall): Promise<void> {
    const { port, timeline, entry } = ended;
    const legs = held?.legs ?? [];
    cancelLegs(info.aor, legs, port);
    const waking = legs.filter(({ state, pushedAt }) => state === 'waking' && pushedAt !== undefined);
    this.expect(
      waking.map(({ device }) => device),
      REASONS.cancelled,
      ended,
    );
    if (reason !== undefined) timeline.record('end', { reason });
    entry.over(reason ?? 'failed');
    await this.#tellArrived(info, startedAt);
  }

  /** A REGISTER of this device was accepted. */
  registered(device: Device): void {
    this.#lateComers.deviceRegistered(device);
  }

  /** The call is another process's now. */
  forget(info: CallInfo): void {
    this.#lateComers.forget(info);
  }

  /** Waits for nobody any more; the journal still knows them. */
  close(): void {
    this.#lateComers.close();
  }

  /** Late devices may have come while no process was there. */
  async #tellArrived({ aor }: CallInfo, since: number): Promise<void> {
    for (const device of await this.#options.devicesOf(aor)) if (device.seenAt > since) this.registered(device);
  }
}

/** Apple may hand a push over some seconds late, and a REGISTER on a bad network takes up to 32 s. */
const LATE_COMER_PATIENCE = 45_000;
