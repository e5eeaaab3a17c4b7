import type { Clock, Timer } from '../clock/clock.js';
import type { Store } from '../store/store.js';
import type { StoredMessage } from './message.js';

/** Where a message waits for its device. */
export interface Place {
  readonly queue: string;
  readonly position: string;
}

/** A message whose user has to be told by push. */
export interface Untold extends Place {
  readonly message: StoredMessage;
}

/** A note of what came to be owed in one turn of the event loop: a record in the store, which is smaller than one for each. */
interface Sheet {
  /** The queue it is in, and where. */
  readonly in: string;
  readonly at: string;
  /** A process before this one has written it. */
  readonly isLeft: boolean;
  /** What of it is still owed, by {@link nameOf}. */
  readonly left: Set<string>;
  stored: Promise<void>;
}

interface SheetRecord {
  readonly v: 1;
  readonly owed: readonly string[];
  /** The node that has written it, where several share the store. */
  readonly by?: string;
}

/** This node among those that share its store. */
export interface OwedBySite {
  readonly node: string;
  /** @throws when nobody knows */
  lives(node: string): Promise<boolean>;
}

/** No device's queues are called that, as those begin with a SIP address. */
const OWED = 'owed';
/** What former versions wrote: a record for each message. */
const FORMER = 'untold';
const AT_ONCE = 10_000;
/** How long what a node that is gone still owed belongs to the first who took it up, in milliseconds. */
const INHERITED = 10_000;
/** Milliseconds. */
const TOLD_AFTER = 50;

/** Which messages' users have still to be told by push, on disk: a process that dies on it leaves it to the next one. */
export class OwedPushes {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #onFault: (error: unknown) => void;
  readonly #site: OwedBySite | undefined;
  /** The sheet that what comes in this turn goes on. */
  #open: Sheet | undefined;
  /** By what is owed. */
  readonly #sheets = new Map<string, Sheet>();
  /** All that are in the store, by their place there. */
  readonly #records = new Map<string, Sheet>();
  /** Those of which something has been told since they were written. */
  readonly #changed = new Set<Sheet>();
  #writing: Timer | undefined;

  /**
   * @param onFault told when the store doesn't take what nobody waits for
   * @param site where other nodes use the store too
   */
  constructor(store: Store, clock: Clock, onFault: (error: unknown) => void, site?: OwedBySite) {
    this.#store = store;
    this.#clock = clock;
    this.#onFault = onFault;
    this.#site = site;
  }

  /** Notes that a user has to be told; on disk when the promise settles. */
  note(place: Place): Promise<void> {
    const name = nameOf(place);
    const sheet = this.#open ?? this.#begin(name);
    sheet.left.add(name);
    this.#sheets.set(name, sheet);
    return sheet.stored;
  }

  /**
   * The users of those have been told, as far as that goes. Noted a little later, for many at a time: what somebody waits for is not to wait
   * for that. A process that is killed meanwhile has them told again.
   */
  told(places: Iterable<Place>): void {
    for (const place of places) {
      const name = nameOf(place);
      const sheet = this.#sheets.get(name);
      if (sheet === undefined) continue;
      this.#sheets.delete(name);
      sheet.left.delete(name);
      this.#changed.add(sheet);
    }
    if (this.#changed.size > 0) {
      this.#writing ??= this.#clock.setTimeout(() => this.flush().catch(this.#onFault), TOLD_AFTER);
    }
  }

  /** Has the store note what {@link told} was told; settles when that is on disk. */
  async flush(): Promise<void> {
    this.#writing?.cancel();
    this.#writing = undefined;
    const changed = [...this.#changed];
    this.#changed.clear();
    await Promise.all(changed.map((sheet) => (sheet.left.size === 0 ? this.#remove(sheet) : this.#write(sheet))));
  }

  /**
   * What processes before this one still owed, and nodes that are gone, unless another one has taken that up. What has left its queue
   * meanwhile is nothing to be told of.
   */
  async left(): Promise<readonly Untold[]> {
    const found: Untold[] = [];
    const mayTake = new Map<string | undefined, boolean>([[undefined, true]]);
    for (const queue of [FORMER, OWED]) {
      for (const [at, record] of await this.#store.queued(queue, AT_ONCE)) {
        const by = queue === FORMER ? undefined : (record as SheetRecord).by;
        const may = mayTake.get(by) ?? (await this.#mayTake(by));
        mayTake.set(by, may);
        if (!may) continue;
        const sheet = this.#records.get(at) ?? this.#takeUp(queue, at, record);
        if (!sheet.isLeft) continue;
        const places = [...sheet.left].map(placeOf);
        const messages = await Promise.all(places.map((place) => this.#store.queuedAt(place.queue, place.position)));
        for (const [index, place] of places.entries()) {
          const message = messages[index];
          if (message === undefined) this.told([place]);
          else found.push({ ...place, message: message as StoredMessage });
        }
      }
    }
    return found;
  }

  /** Of several nodes that see another one gone, the first has what it owed. */
  async #mayTake(by: string | undefined): Promise<boolean> {
    if (by === undefined || this.#site === undefined || by === this.#site.node) return true;
    if (await this.#site.lives(by)) return false;
    const key = `owed-heir ${by}`;
    const [own, now] = [this.#site.node, this.#clock.now()];
    const { value, version } = await this.#store.shared(key);
    const before = asHeir(value);
    if (before !== undefined && before.node !== own && now - before.at < INHERITED) return false;
    const there = await this.#store.putShared(key, { node: own, at: now }, version);
    return asHeir(there.value)?.node === own;
  }

  #takeUp(queue: string, at: string, record: unknown): Sheet {
    const names = queue === FORMER ? [at] : (record as SheetRecord).owed;
    const sheet: Sheet = { in: queue, at, isLeft: true, left: new Set(names), stored: Promise.resolve() };
    this.#records.set(at, sheet);
    for (const name of names) this.#sheets.set(name, sheet);
    return sheet;
  }

  #begin(name: string): Sheet {
    const sheet: Sheet = { in: OWED, at: name, isLeft: false, left: new Set(), stored: Promise.resolve() };
    this.#records.set(name, sheet);
    sheet.stored = new Promise((resolve, reject) => {
      queueMicrotask(() => {
        this.#open = undefined;
        this.#write(sheet).then(resolve, reject);
      });
    });
    this.#open = sheet;
    return sheet;
  }

  async #remove(sheet: Sheet): Promise<void> {
    await this.#store.removeQueued(sheet.in, sheet.at);
    this.#records.delete(sheet.at);
  }

  #write(sheet: Sheet): Promise<void> {
    const record: SheetRecord = { v: 1, owed: [...sheet.left], ...(this.#site && { by: this.#site.node }) };
    return this.#store.putQueued(sheet.in, sheet.at, record);
  }
}

/** Who takes up what a node owed that is gone, since when. */
interface Heir {
  readonly node: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

function asHeir(value: unknown): Heir | undefined {
  return typeof value === 'object' && value !== null && 'node' in value ? (value as Heir) : undefined;
}

function nameOf({ queue, position }: Place): string {
  return `${position} ${queue}`;
}

function placeOf(name: string): Place {
  const space = name.indexOf(' ');
  return { position: name.slice(0, space), queue: name.slice(space + 1) };
}
