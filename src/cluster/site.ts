import { asRecord, type CallStore } from '../calls/journal.js';
import type { CallInfo, CallRecord } from '../calls/records.js';
import type { CallSite, Claim, ClaimNote } from '../calls/site.js';
import type { Clock, Timer } from '../clock/clock.js';
import type { Device } from '../devices/types.js';
import type { RedisStore } from '../store/redis/redis-store.js';
import { StoreAway } from '../store/store.js';
import { Bus, type BusMessage } from './bus.js';
import { Claims } from './claims.js';
import { Nodes } from './nodes.js';

/** The calls of this node, as the others may act on them. */
export interface SiteCalls {
  /** AORs with calls that wait for a device to come. */
  readonly waitedFor: readonly string[];
  /** Whether this process has the call already. */
  isUnderWay(info: CallInfo): boolean;
  /** @param node where they registered */
  registered(devices: readonly Device[], node?: string): void;
  /** As {@link registered}, of those that have come since they were pushed. */
  arrived(devices: readonly Device[]): void;
  /** Leaves a held call that rings nowhere to another node. Gives whether it is still here, as it rings or is up. */
  letGo(callUuid: string, aor: string, node?: string): boolean;
  /** A call that a process before this one left has been taken over by another node meanwhile. */
  taken(info: CallInfo): void;
}

/** Who goes on with the calls of a process that is gone. */
export interface Heir {
  /** A call is this process's now. */
  take(record: CallRecord): void;
  /** All of that process's are. */
  done(): void;
}

export interface SiteOptions {
  readonly store: RedisStore;
  readonly clock: Clock;
  /** The run of this node's engine. */
  readonly engine: string;
  readonly version: string;
  readonly devicesOf: (aor: string) => Promise<readonly Device[]>;
  readonly calls: () => SiteCalls;
  /** Goes on with what processes have left that had the same engine. */
  readonly heir: Heir;
  /** A node that was seen alive is gone. */
  readonly onGone?: () => void;
  readonly onFault: (error: unknown) => void;
  readonly onEvent: (event: string, fields: Readonly<Record<string, unknown>>) => void;
}

/** How often devices are looked for that came to another node which then could not say so, in milliseconds. */
const LOOK = 2_000;
/** How long the calls of a node that is gone belong to the first who wants them, in milliseconds. */
const ADOPTION = 10_000;
/** How many calls of a node that is gone are taken over at a time. */
const AT_ONCE = 64;
/** REGISTERs whose answer is not sent yet. */
const MAX_PENDING = 10_000;

/** This node among the others that share its Redis. */
export class Site implements CallSite, CallStore {
  readonly #options: SiteOptions;
  readonly #nodes: Nodes;
  readonly #bus: Bus;
  readonly #claims: Claims;
  /** Who else holds calls for AORs that were changed here, until their devices have their answer. */
  readonly #holders = new Map<string, readonly string[]>();
  #timer: Timer | undefined;

  constructor(options: SiteOptions) {
    this.#options = options;
    const { store, clock, engine, version, onFault } = options;
    this.#nodes = new Nodes({
      store,
      clock,
      facts: { engine, version, pid: process.pid },
      onGone: (node, facts) => {
        options.onEvent('node gone', { node });
        options.onGone?.();
        if (facts.engine === engine) this.#adopt(node).catch((error: unknown) => this.#fault(error));
      },
    });
    this.#bus = new Bus({
      link: store.link,
      keys: store.keys,
      node: store.node,
      onMessage: (message) => this.#onMessage(message).catch((error: unknown) => this.#fault(error)),
      onGap: () => this.#look(),
    });
    this.#claims = new Claims({ store, clock, nodes: this.#nodes, bus: this.#bus, engine, onFault });
    store.onHeld((aor, holders) => this.#note(aor, holders));
    store.journal.onTaken((value) => {
      const record = asRecord(value);
      if (record !== undefined) options.calls().taken(record.info);
    });
    store.link.onState((state) => {
      if (state === 'up') this.#back().catch((error: unknown) => this.#fault(error));
    });
    this.#schedule();
  }

  /** The other nodes that live. */
  get others(): readonly string[] {
    return this.#nodes.others;
  }

  /** This one's name. */
  get node(): string {
    return this.#options.store.node;
  }

  /** Whether that node lives. @throws {StoreAway} when nobody knows */
  lives(node: string): Promise<boolean> {
    return this.#nodes.lives(node);
  }

  /** Whether another process has this one's engine. */
  get sharesEngine(): boolean {
    return this.#nodes.sharesEngine;
  }

  /** Whoever started this process and that one saw that node's process end. */
  ended(node: string, pid: number): void {
    this.#nodes.ended(node, pid).catch((error: unknown) => this.#fault(error));
  }

  claim(info: CallInfo, waits: () => boolean, note: ClaimNote): Promise<Claim | undefined> {
    return this.#claims.claim(info, waits, note);
  }

  owns(info: CallInfo, left: boolean): Promise<boolean> {
    return this.#claims.owns(info, left);
  }

  isElsewhere(info: CallInfo): Promise<boolean> {
    return this.#claims.isElsewhere(info);
  }

  putCall(key: string, record: unknown): Promise<void> {
    return this.#options.store.putCall(key, record);
  }

  async removeCall(key: string): Promise<void> {
    const [aor = '', callUuid = ''] = key.split(' ');
    await Promise.all([this.#options.store.removeCall(key), this.#claims.release(aor, callUuid)]);
  }

  calls(): AsyncIterable<readonly [string, unknown]> {
    return this.#options.store.calls();
  }

  /** These devices have registered here, and the answer is on its way: nodes that hold calls for them are told. */
  registered(devices: readonly Device[]): void {
    const { node: from } = this.#options.store;
    for (const aor of new Set(devices.map((device) => device.aor))) {
      const holders = this.#holders.get(aor) ?? [];
      this.#holders.delete(aor);
      if (holders.length === 0) continue;
      const now = devices.filter((device) => device.aor === aor);
      const ids = now.map(({ id }) => id);
      // With all that the INVITE needs, as that phone has been waited for: nothing has to be read.
      for (const node of holders) this.#bus.tell(node, { type: 'registered', aor, devices: ids, from, now });
    }
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#bus.close();
    await this.#nodes.close();
  }

  #note(aor: string, holders: readonly string[]): void {
    const others = new Set(holders.filter((node) => node !== this.#options.store.node));
    this.#holders.delete(aor);
    if (others.size === 0) return;
    this.#holders.set(aor, [...others]);
    const [oldest] = this.#holders.keys();
    if (this.#holders.size > MAX_PENDING && oldest !== undefined) this.#holders.delete(oldest);
  }

  async #onMessage(message: BusMessage): Promise<void> {
    const { calls, devicesOf } = this.#options;
    if (message.type === 'wanted') {
      // One that is over may be waiting for late devices to be told so: that is no reason to keep it.
      const { callUuid, aor, from } = message;
      if (!calls().letGo(callUuid, aor, from)) await this.#claims.release(aor, callUuid);
    } else {
      const { aor, devices: ids, now = await devicesOf(aor), from = 'another node' } = message;
      calls().registered(
        now.filter((device) => device.aor === aor && ids.includes(device.id)),
        from,
      );
    }
  }

  #schedule(): void {
    this.#timer = this.#options.clock.setTimeout(() => {
      this.#look();
      this.#schedule();
    }, LOOK);
  }

  /** Redis is back: calls that others have taken meanwhile are theirs, and devices may have come. */
  async #back(): Promise<void> {
    const { store, calls } = this.#options;
    this.#look();
    const own = store.journal.own.flatMap((value) => asRecord(value) ?? []);
    const underWay = own.filter(({ held, up }) => (held ?? up) !== undefined).map(({ info }) => info);
    for (const { callUuid, aor } of await this.#claims.restore(underWay)) calls().letGo(callUuid, aor);
  }

  /** Reads what a message would have told. */
  #look(): void {
    const { store, calls, devicesOf } = this.#options;
    if (store.link.state !== 'up') return;
    for (const aor of calls().waitedFor) {
      devicesOf(aor).then(
        (devices) => calls().arrived(devices),
        (error: unknown) => this.#fault(error),
      );
    }
  }

  /** A process that had this engine is gone: one of those that have it too goes on with its calls. */
  async #adopt(gone: string): Promise<void> {
    const { store, heir, onEvent } = this.#options;
    const key = `${store.keys.node(gone)}:heir`;
    const first = await store.link.run((client) => client.set(key, store.node, 'PX', ADOPTION, 'NX'));
    if (first === null) return;
    const entries: (readonly [string, unknown])[] = [];
    for await (const entry of store.journal.ofNode(gone)) entries.push(entry);
    let calls = 0;
    for (let first = 0; first < entries.length; first += AT_ONCE) {
      const some = entries.slice(first, first + AT_ONCE);
      const inherited = await Promise.all(some.map(([call, record]) => this.#inherit(gone, call, record)));
      calls += inherited.filter((isOurs) => isOurs).length;
    }
    onEvent('calls taken over', { node: gone, calls });
    heir.done();
  }

  /** Gives whether the call is this node's now. Its INVITE may come at any moment, here or to another one that has this engine. */
  async #inherit(gone: string, call: string, record: unknown): Promise<boolean> {
    const { store, heir, calls } = this.#options;
    const { info } = asRecord(record) ?? {};
    // Its INVITE was quicker, and has its claim looked after.
    if (info !== undefined && calls().isUnderWay(info)) return false;
    if (info === undefined) {
      await store.journal.inherit(gone, call);
      return false;
    }
    const left = await this.#claims.inherit(gone, call, info);
    if (left === undefined) return false;
    const moved = store.journal.inherit(gone, call);
    heir.take(left);
    await moved;
    return true;
  }

  #fault(error: unknown): void {
    if (!(error instanceof StoreAway)) this.#options.onFault(error);
  }
}
