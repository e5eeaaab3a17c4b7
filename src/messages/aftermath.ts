/** Of those that wait, one in so many has its turn in each turn of the event loop, and one at least. */
const SHARE = 16;

/**
 * What has to be done and that nobody waits for, in its order. It is spread over turns of the event loop, so that answers that somebody
 * does wait for go first; the more of it waits, the more is done at a time, so that it never piles up.
 */
export class Aftermath {
  #waiting: (() => void)[] = [];
  #next = 0;
  #due = false;

  /** @param work must not throw */
  add(work: () => void): void {
    this.#waiting.push(work);
    this.#turn();
  }

  #turn(): void {
    if (this.#due) return;
    this.#due = true;
    setImmediate(() => this.#work());
  }

  #work(): void {
    this.#due = false;
    const until = this.#next + Math.ceil((this.#waiting.length - this.#next) / SHARE);
    for (; this.#next < until; this.#next++) this.#waiting[this.#next]?.();
    if (this.#next < this.#waiting.length) this.#turn();
    else {
      this.#waiting = [];
      this.#next = 0;
    }
  }
}
