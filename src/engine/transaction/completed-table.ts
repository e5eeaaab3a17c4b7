import type { Clock } from '../../clock/clock.js';
import type { KeptBytes } from './kept.js';

const PARTS = 8;

/**
 * Final responses of non-INVITE server transactions in the state Completed over UDP, by their transactions' keys, for Timer J and up
 * to an eighth more. They are forgotten by the part, without a timer for each: thousands of them come in a second.
 */
export class CompletedTable {
  /** Youngest first. */
  private parts: Map<string, KeptBytes>[] = [new Map()];
  private turned: number;

  /** `window`: Timer J in milliseconds. */
  constructor(
    private readonly clock: Clock,
    private readonly window: number,
  ) {
    this.turned = clock.monotonic();
  }

  get size(): number {
    this.turn();
    let size = 0;
    for (const part of this.parts) size += part.size;
    return size;
  }

  add(key: string, final: KeptBytes): void {
    this.turn();
    this.parts[0]?.set(key, final);
  }

  get(key: string): KeptBytes | undefined {
    this.turn();
    for (const part of this.parts) {
      const final = part.get(key);
      if (final !== undefined) return final;
    }
    return undefined;
  }

  clear(): void {
    this.parts = [new Map()];
  }

  private turn(): void {
    const step = this.window / PARTS;
    const age = this.clock.monotonic() - this.turned;
    if (age < step) return;
    const steps = Math.min(Math.floor(age / step), PARTS + 1);
    for (let i = 0; i < steps; i++) this.parts.unshift(new Map());
    this.parts.length = Math.min(this.parts.length, PARTS + 1);
    this.turned += step * Math.floor(age / step);
  }
}
