import type { Clock } from '../../clock/clock.js';

const PARTS = 4;

/**
 * A map whose entries are forgotten after `window` milliseconds and up to a quarter more. They are forgotten by the part, without a
 * timer for each: thousands of them come in a second.
 */
export class AgeingMap<V> {
  /** Youngest first. */
  private parts: Map<string, V>[] = [new Map()];
  private turned: number;
  private held = 0;

  constructor(
    private readonly clock: Clock,
    private readonly window: number,
  ) {
    this.turned = clock.monotonic();
  }

  get size(): number {
    this.turn();
    return this.held;
  }

  add(key: string, value: V): void {
    this.turn();
    const [young] = this.parts;
    if (!young) return;
    if (!young.has(key)) this.held++;
    young.set(key, value);
  }

  get(key: string): V | undefined {
    this.turn();
    for (const part of this.parts) {
      const value = part.get(key);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  clear(): void {
    this.parts = [new Map()];
    this.held = 0;
  }

  private turn(): void {
    const step = this.window / PARTS;
    const age = this.clock.monotonic() - this.turned;
    if (age < step) return;
    const steps = Math.min(Math.floor(age / step), PARTS + 1);
    for (let i = 0; i < steps; i++) this.parts.unshift(new Map());
    for (const part of this.parts.splice(PARTS + 1)) this.held -= part.size;
    this.turned += step * Math.floor(age / step);
  }
}
