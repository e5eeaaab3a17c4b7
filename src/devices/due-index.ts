/** Which keys want to be looked at when, to a coarse step: one entry for each key, no timer of its own. */
export class DueIndex {
  readonly #step: number;
  /** A key may stand in several; only the one that `#bucketOf` names counts. */
  readonly #buckets = new Map<number, string[]>();
  readonly #bucketOf = new Map<string, number>();

  /** @param step milliseconds; a key can be taken within that time after it is due. */
  constructor(step: number) {
    this.#step = Math.max(1, step);
  }

  get size(): number {
    return this.#bucketOf.size;
  }

  /** Notes that `key` is due at `at`. A key that is due earlier stays so: whoever takes it finds out and sets it again. */
  set(key: string, at: number): void {
    const bucket = Math.ceil(at / this.#step);
    const known = this.#bucketOf.get(key);
    if (known !== undefined && known <= bucket) return;
    this.#bucketOf.set(key, bucket);
    const keys = this.#buckets.get(bucket);
    if (keys === undefined) this.#buckets.set(bucket, [key]);
    else keys.push(key);
  }

  /** Takes out and gives what is due at `now`. */
  take(now: number): readonly string[] {
    const due: string[] = [];
    for (const [bucket, keys] of this.#buckets) {
      if (bucket * this.#step > now) continue;
      this.#buckets.delete(bucket);
      for (const key of keys) {
        if (this.#bucketOf.get(key) !== bucket) continue;
        this.#bucketOf.delete(key);
        due.push(key);
      }
    }
    return due;
  }
}
