/** What every event of a simulator has: its kind, and when it happened (epoch milliseconds of the simulator's clock). */
export interface SimEvent {
  readonly type: string;
  readonly at: number;
}

const HISTORY = 2000;

type Of<E extends SimEvent, T extends E['type']> = Extract<E, { type: T }>;

/** Typed events with a bounded history, so that a test can wait for what may already have happened. */
export class Events<E extends SimEvent> {
  #listeners = new Set<(event: E) => void>();
  #history: E[] = [];

  /** The latest events in order, at most 2000. */
  get history(): readonly E[] {
    return this.#history;
  }

  /** Calls `fn` for each event of that type from now on. Gives the function that ends it. */
  on<T extends E['type']>(type: T, fn: (event: Of<E, T>) => void): () => void {
    return this.onAny((event) => {
      if (isOf<E, T>(event, type)) fn(event);
    });
  }

  /** Calls `fn` for every event from now on. Gives the function that ends it. */
  onAny(fn: (event: E) => void): () => void {
    this.#listeners.add(fn);
    return () => void this.#listeners.delete(fn);
  }

  /** The next event of that type, those of the past not counted. */
  next<T extends E['type']>(type: T, where: (event: Of<E, T>) => boolean = () => true): Promise<Of<E, T>> {
    return new Promise((resolve) => {
      const stop = this.on(type, (event) => {
        if (!where(event)) return;
        stop();
        resolve(event);
      });
    });
  }

  /** The first event of that type since the start, or the next one when there was none. */
  async seen<T extends E['type']>(type: T, where: (event: Of<E, T>) => boolean = () => true): Promise<Of<E, T>> {
    for (const event of this.#history) if (isOf<E, T>(event, type) && where(event)) return event;
    return this.next(type, where);
  }

  /** All events of that type in the history. */
  all<T extends E['type']>(type: T): Of<E, T>[] {
    return this.#history.filter((event): event is Of<E, T> => isOf<E, T>(event, type));
  }

  emit(event: E): void {
    this.#history.push(event);
    if (this.#history.length > HISTORY) this.#history.shift();
    for (const listener of [...this.#listeners]) listener(event);
  }
}

function isOf<E extends SimEvent, T extends E['type']>(event: E, type: T): event is Of<E, T> {
  return event.type === type;
}
