/** Different values that a label may have; what comes after those is `other`. */
const MAX_VALUES = 50;

/** Lets the first values through and makes `other` of those that come when there are too many. */
export class Bounded {
  readonly #known = new Set<string>();

  of(value: string): string {
    if (this.#known.has(value)) return value;
    if (this.#known.size >= MAX_VALUES) return 'other';
    this.#known.add(value);
    return value;
  }
}
