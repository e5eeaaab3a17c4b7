import type { Clock } from '../../clock/clock.js';

/** Texts seen within the last `window` to twice that, at most `max` of each half; forgets without timers. */
export class RecentSet {
  private young = new Set<string>();
  private old = new Set<string>();
  private turned: number;

  constructor(
    private readonly clock: Clock,
    private readonly window: number,
    private readonly max = 50_000,
  ) {
    this.turned = clock.monotonic();
  }

  add(text: string): void {
    this.turn();
    this.young.add(text);
  }

  has(text: string): boolean {
    this.turn();
    return this.young.has(text) || this.old.has(text);
  }

  delete(text: string): void {
    this.young.delete(text);
    this.old.delete(text);
  }

  private turn(): void {
    const age = this.clock.monotonic() - this.turned;
    if (age < this.window && this.young.size < this.max) return;
    this.old = age < 2 * this.window ? this.young : new Set();
    this.young = new Set();
    this.turned = this.clock.monotonic();
  }
}
