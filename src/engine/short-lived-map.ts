/**
 * A map of what comes and goes by the thousand a second. V8 gives a Map a new table now and then, and the former one, with all that was in it, points to
 * the new one: once a table is in the old heap, everything that was in any later one stays until that is collected. So values stand in boxes here, which
 * are emptied when a value goes.
 */
export class ShortLivedMap<K, V> {
  readonly #boxes = new Map<K, { value: V | undefined }>();

  get size(): number {
    return this.#boxes.size;
  }

  get(key: K): V | undefined {
    return this.#boxes.get(key)?.value;
  }

  set(key: K, value: V): void {
    const box = this.#boxes.get(key);
    if (box === undefined) this.#boxes.set(key, { value });
    else box.value = value;
  }

  delete(key: K): boolean {
    const box = this.#boxes.get(key);
    if (box === undefined) return false;
    box.value = undefined;
    return this.#boxes.delete(key);
  }

  /** All values as they are now, in the order in which their keys came. */
  values(): V[] {
    const values: V[] = [];
    for (const { value } of this.#boxes.values()) if (value !== undefined) values.push(value);
    return values;
  }
}
