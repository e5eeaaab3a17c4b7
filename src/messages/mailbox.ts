import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock/clock.js';
import type { Store } from '../store/store.js';
import { DeadLetters } from './dead-letters.js';
import type { StoredMessage } from './message.js';
import { type OwedBySite, OwedPushes } from './owed-pushes.js';

/** How much may wait. */
export interface MailboxLimits {
  readonly messagesPerDevice: number;
  readonly bytesPerDevice: number;
  /** Messages of all devices together. */
  readonly messages: number;
  /** How many undeliverable ones are kept for the operator. */
  readonly dead: number;
}

/** A message and its place in the queue. */
export interface Waiting {
  readonly position: string;
  readonly message: StoredMessage;
}

/** There is no room; says whose. */
export class MailboxFull extends Error {
  override readonly name = 'MailboxFull';

  constructor(readonly bound: keyof MailboxLimits) {
    super(`no room for another message (${bound})`);
  }
}

/** What waits in one queue. */
interface Size {
  count: number;
  bytes: number;
}

const SIZES_KEPT = 20_000;
/** Queues with messages that are kept in mind; with more of them the store is asked. */
const HOLDING_KEPT = 100_000;
/** The bytes of a queue that a process before this one has left are reckoned from so many of its messages. */
const SAMPLE = 8;
/** How long a sender may send the same request again, in milliseconds. */
const RESENT_WITHIN = 120_000;

/** The queue of a device. */
export function queueOf(aor: string, deviceId: string): string {
  return `${aor} ${deviceId}`;
}

/** AOR and device of a queue; undefined for one that is no device's. */
export function ownerOf(queue: string): { readonly aor: string; readonly deviceId: string } | undefined {
  const space = queue.indexOf(' ');
  return space <= 0 || !queue.startsWith('sip')
    ? undefined
    : { aor: queue.slice(0, space), deviceId: queue.slice(space + 1) };
}

/** Messages that wait for their device, on disk, each queue in the order of arrival and within bounds. */
export class Mailbox {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #limits: MailboxLimits;
  /** What could not be delivered. */
  readonly dead: DeadLetters;
  /** Whose users have still to be told. */
  readonly owed: OwedPushes;
  readonly #sizes = new LRUCache<string, Size>({ max: SIZES_KEPT });
  /** Sizes that a write under way is changing: they must not be read from disk meanwhile. */
  readonly #busy = new Map<string, { size: Size | Promise<Size>; users: number }>();
  /** Queue and request of what a process before this one has put there a moment ago: it may be sent again. */
  #left: ReadonlySet<string> = new Set();
  #leftUntil = 0;
  /** The queues that hold something, all of them once `#counted`. A registration asks about its queue, which most often is empty. */
  readonly #holding = new Set<string>();
  #counted = false;
  /** There were more than it keeps. */
  #forgetful = false;
  #total = 0;
  #last = 0;
  #order = 0;

  /**
   * @param onFault told when the store doesn't take what nobody waits for
   * @param site where other nodes use the store too
   */
  constructor(store: Store, clock: Clock, limits: MailboxLimits, onFault: (error: unknown) => void, site?: OwedBySite) {
    this.#store = store;
    this.#clock = clock;
    this.#limits = limits;
    this.dead = new DeadLetters(store, limits.dead);
    this.owed = new OwedPushes(store, clock, onFault, site);
  }

  /** Counts what a process before this one has left. Until that is done the bound of all together is wider by it. */
  async start(): Promise<void> {
    this.#left = new Set((await this.owed.left()).map(({ queue, message }) => requestOf(queue, message)));
    this.#leftUntil = this.#clock.now() + RESENT_WITHIN;
    for await (const queue of this.#store.queues()) {
      if (ownerOf(queue) === undefined) continue;
      const count = await this.#store.queuedCount(queue);
      this.#total += count;
      if (count > 0) this.#hold(queue);
    }
    this.#counted = true;
    await this.dead.start();
  }

  /** Messages that wait, of all devices. */
  get total(): number {
    return this.#total;
  }

  /** A place behind everything that has one. Places are taken when messages arrive, so that one that is stored late keeps its turn. */
  position(): string {
    const now = this.#clock.now();
    if (now > this.#last) {
      this.#last = now;
      this.#order = 0;
    }
    return `${String(this.#last).padStart(15, '0')}-${String(this.#order++).padStart(8, '0')}`;
  }

  /** Whether anything waits there. */
  async isEmpty(queue: string): Promise<boolean> {
    const busy = this.#busy.get(queue);
    if (busy === undefined && this.#counted && !this.#forgetful && !this.#holding.has(queue)) return true;
    const known = busy === undefined ? this.#sizes.get(queue) : await busy.size;
    return known === undefined ? (await this.#store.queued(queue, 1)).length === 0 : known.count === 0;
  }

  /** How many messages wait there. */
  async count(queue: string): Promise<number> {
    const busy = this.#busy.get(queue);
    return (busy === undefined ? await this.#sizeOf(queue) : await busy.size).count;
  }

  /**
   * Puts a message in its place; it is on disk when the promise settles, and with `push: 'now'` that its user has to be told. One that a process before
   * this one has put there already is left where it is.
   * @throws {MailboxFull} when there is no room
   */
  put(queue: string, position: string, message: StoredMessage): Promise<void> {
    return this.#changing(queue, async (size) => {
      const { messagesPerDevice, bytesPerDevice, messages } = this.#limits;
      // Its user is told by what that process has noted.
      if (this.#isLeft(queue, message)) return;
      const bytes = bytesOf(message);
      if (size.count >= messagesPerDevice) throw new MailboxFull('messagesPerDevice');
      if (size.bytes + bytes > bytesPerDevice) throw new MailboxFull('bytesPerDevice');
      if (this.#total >= messages) throw new MailboxFull('messages');
      this.#grow(size, 1, bytes);
      this.#hold(queue);
      try {
        const stored = this.#store.putQueued(queue, position, message);
        await (message.push === 'now' ? Promise.all([stored, this.owed.note({ queue, position })]) : stored);
      } catch (error) {
        this.#grow(size, -1, -bytes);
        this.owed.told([{ queue, position }]);
        throw error;
      }
    });
  }

  /** The first messages of a queue. */
  async first(queue: string, limit: number): Promise<readonly Waiting[]> {
    const entries = await this.#store.queued(queue, limit);
    return entries.map(([position, message]) => ({ position, message: message as StoredMessage }));
  }

  /** Takes a message out; on disk when the promise settles. */
  remove(queue: string, { position, message }: Waiting): Promise<void> {
    return this.#changing(queue, async (size) => {
      await this.#store.removeQueued(queue, position);
      this.#grow(size, -1, -bytesOf(message));
      if (size.count === 0) this.#holding.delete(queue);
    });
  }

  /** Puts a changed message in the place of what is there. */
  replace(queue: string, { position, message }: Waiting): Promise<void> {
    return this.#store.putQueued(queue, position, message);
  }

  /** Takes a message out for good and keeps it for the operator. */
  async bury(queue: string, waiting: Waiting, reason: string): Promise<void> {
    await this.dead.add(this.position(), { ...waiting.message, queue, reason, diedAt: this.#clock.now() });
    await this.remove(queue, waiting);
  }

  /** Forgets all messages for a user's devices, those that could not be delivered among them. Gives how many there were. */
  async forgetUser(aor: string): Promise<number> {
    let forgotten = 0;
    for await (const queue of this.#store.queues()) {
      if (ownerOf(queue)?.aor !== aor) continue;
      for (const waiting of await this.first(queue, this.#limits.messagesPerDevice)) {
        this.owed.told([{ queue, position: waiting.position }]);
        await this.remove(queue, waiting);
        forgotten++;
      }
    }
    await this.owed.flush();
    return forgotten + (await this.dead.forgetWhere(({ queue }) => ownerOf(queue)?.aor === aor));
  }

  /** The queues that hold something, without those that are no device's. */
  async *queues(): AsyncIterable<string> {
    for await (const queue of this.#store.queues()) if (ownerOf(queue) !== undefined) yield queue;
  }

  async #changing<T>(queue: string, change: (size: Size) => Promise<T>): Promise<T> {
    let entry = this.#busy.get(queue);
    if (entry === undefined) {
      entry = { size: this.#sizes.get(queue) ?? this.#sizeOf(queue), users: 0 };
      this.#busy.set(queue, entry);
    }
    entry.users++;
    try {
      if (entry.size instanceof Promise) entry.size = await entry.size;
      return await change(entry.size);
    } finally {
      entry.users--;
      if (entry.users === 0) {
        this.#busy.delete(queue);
        if (!(entry.size instanceof Promise)) this.#sizes.set(queue, entry.size);
      }
    }
  }

  async #sizeOf(queue: string): Promise<Size> {
    const known = this.#sizes.get(queue);
    if (known !== undefined) return known;
    const count = await this.#store.queuedCount(queue);
    if (count === 0) return { count: 0, bytes: 0 };
    const sample = await this.first(queue, SAMPLE);
    const bytes = sample.reduce((sum, { message }) => sum + bytesOf(message), 0);
    return { count, bytes: Math.round((bytes / Math.max(1, sample.length)) * count) };
  }

  #isLeft(queue: string, message: StoredMessage): boolean {
    if (this.#left.size === 0) return false;
    if (this.#clock.now() > this.#leftUntil) this.#left = new Set();
    return this.#left.has(requestOf(queue, message));
  }

  #hold(queue: string): void {
    if (this.#holding.size < HOLDING_KEPT) this.#holding.add(queue);
    else if (!this.#holding.has(queue)) this.#forgetful = true;
  }

  #grow(size: Size, count: number, bytes: number): void {
    size.count = Math.max(0, size.count + count);
    size.bytes = Math.max(0, size.bytes + bytes);
    this.#total = Math.max(0, this.#total + count);
  }
}

function requestOf(queue: string, { id }: StoredMessage): string {
  return `${queue}\n${id}`;
}

/** What a message takes, in bytes of its text. */
function bytesOf({ body, headers, from, to }: StoredMessage): number {
  const text = headers.reduce((sum, [name, value]) => sum + name.length + value.length + 4, from.length + to.length);
  return text + Buffer.byteLength(body);
}
