import type { Clock } from '../../clock/clock.js';
import { AgeingMap } from './ageing-map.js';
import { detached, type KeptBytes } from './kept.js';
import type { TimerSettings } from './timers.js';
import type { LateSuccesses } from './types.js';

/**
 * What is left of transactions that have done their work and only wait for copies of messages (Timers J, K, L and M): there are
 * thousands of them, so a few words each, no timer, and nothing of the messages that isn't needed any more.
 */
export class Retired {
  private readonly finals: AgeingMap<KeptBytes>;
  private readonly accepted: AgeingMap<string>;
  private readonly answered: AgeingMap<true>;
  private readonly successes: AgeingMap<LateSuccesses>;
  private readonly merged: AgeingMap<true>;

  constructor(clock: Clock, timers: TimerSettings) {
    this.finals = new AgeingMap(clock, timers.J);
    this.accepted = new AgeingMap(clock, timers.L);
    this.merged = new AgeingMap(clock, Math.max(timers.J, timers.L));
    this.answered = new AgeingMap(clock, timers.K);
    this.successes = new AgeingMap(clock, timers.M);
  }

  get counts(): { client: number; server: number } {
    return { client: this.answered.size + this.successes.size, server: this.finals.size + this.accepted.size };
  }

  /** A server transaction in Completed, no INVITE: `final` is what its request gets when it comes again. */
  addFinal(key: string, final: KeptBytes, mergeKey: string | undefined): void {
    this.finals.add(key, final);
    if (mergeKey !== undefined) this.merged.add(mergeKey, true);
  }

  /** An INVITE server transaction in Accepted: its INVITE is dropped when it comes again. */
  addAccepted(key: string, localTag: string, mergeKey: string | undefined): void {
    this.accepted.add(key, detached(localTag));
    if (mergeKey !== undefined) this.merged.add(mergeKey, true);
  }

  /** A client transaction in Completed, no INVITE: its response is dropped when it comes again. */
  addAnswered(key: string): void {
    this.answered.add(key, true);
  }

  /** An INVITE client transaction in Accepted. */
  addSuccess(key: string, late: LateSuccesses): void {
    this.successes.add(key, late);
  }

  final(key: string): KeptBytes | undefined {
    return this.finals.get(key);
  }

  /** The To tag that the INVITE was accepted with. */
  acceptedTag(key: string): string | undefined {
    return this.accepted.get(key);
  }

  isAnswered(key: string): boolean {
    return this.answered.get(key) !== undefined;
  }

  lateSuccesses(key: string): LateSuccesses | undefined {
    return this.successes.get(key);
  }

  /** Whether a server transaction with that merge key is among them. */
  isMerged(mergeKey: string): boolean {
    return this.merged.get(mergeKey) !== undefined;
  }

  clear(): void {
    this.finals.clear();
    this.accepted.clear();
    this.answered.clear();
    this.successes.clear();
    this.merged.clear();
  }
}
