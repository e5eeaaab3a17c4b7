/** How long to wait before a process that ended is started again: not at all, unless it ends again and again. */
export class Backoff {
  #quickEnds = 0;

  constructor(
    private readonly firstMs = 200,
    private readonly maxMs = 10_000,
    /** Whoever lived this long starts with a clean slate. */
    private readonly healthyMs = 30_000,
  ) {}

  /** Milliseconds to wait, for a process that lived `livedMs`: 0, then `firstMs` doubled each time up to `maxMs`. */
  next(livedMs: number): number {
    this.#quickEnds = livedMs >= this.healthyMs ? 1 : this.#quickEnds + 1;
    return this.#quickEnds === 1 ? 0 : Math.min(this.firstMs * 2 ** (this.#quickEnds - 2), this.maxMs);
  }
}
