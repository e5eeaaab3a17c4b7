/** What a call does, in the order that a restart needs: first it is written down, then done. */
export class WriteAhead {
  readonly #write: () => void;
  #due: { readonly fn: () => void; readonly isPush: boolean }[] = [];
  #holding = false;
  #unsaved = false;

  constructor(write: () => void) {
    this.#write = write;
  }

  /** Between {@link hold} and {@link release}. */
  get holding(): boolean {
    return this.#holding;
  }

  /** Nothing is written or done until {@link release}: what begins together is written once. */
  hold(): void {
    this.#holding = true;
  }

  release(): void {
    this.#holding = false;
    this.#flush();
  }

  /** Does it when all that it changes is written, but for a push: that writes itself down when it leaves. */
  soon(fn: () => void, isPush = false): void {
    this.#due.push({ fn, isPush });
    if (!this.#holding) this.#flush();
  }

  /** Writes now. */
  save(): void {
    if (this.#holding) return;
    this.#unsaved = false;
    this.#write();
  }

  /** What is not done yet won't be. */
  forget(): void {
    this.#due = [];
    this.#unsaved = false;
  }

  #flush(): void {
    if (this.#due.length === 0) return;
    this.#unsaved = true;
    if (this.#due.some(({ isPush }) => !isPush)) this.save();
    for (const { fn } of this.#due.splice(0)) fn();
    if (this.#unsaved) this.save();
  }
}
