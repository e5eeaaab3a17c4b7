import { asRecord, keyOf } from '../calls/journal.js';
import type { CallInfo, CallRecord } from '../calls/records.js';
import type { CallSite, Claim, ClaimNote } from '../calls/site.js';
import type { Clock } from '../clock/clock.js';
import type { RedisStore } from '../store/redis/redis-store.js';
import { CLAIM, RELEASE } from '../store/redis/scripts.js';
import { StoreAway } from '../store/store.js';
import type { Bus } from './bus.js';
import type { Nodes } from './nodes.js';

export interface ClaimsOptions {
  readonly store: RedisStore;
  readonly clock: Clock;
  readonly nodes: Pick<Nodes, 'lives' | 'sinceStall'>;
  readonly bus: Pick<Bus, 'tell'>;
  /** The run of this node's engine. */
  readonly engine: string;
  readonly onFault: (error: unknown) => void;
  /** How long Redis has to be there before this node trusts what others say of calls that it had before it went, in milliseconds. */
  readonly othersFirst?: number;
}

/** How often one asks who waits for another node to let a call go, in milliseconds. */
const ASK_AGAIN = 200;
/** How long ago something is that may still tell, in milliseconds. */
const JUST_NOW = 1_000;
/** How long a CANCEL takes that follows a 100, in milliseconds. */
const CANCEL_DUE = 250;
/** How long a connection takes that is opened again, in milliseconds. */
const RECONNECT_DUE = 600;
/** How long a claim is kept that nobody gives up: longer than any call. */
const KEPT = 24 * 3_600_000;
/** Default of {@link ClaimsOptions.othersFirst}: a node that lost Redis with this one's finds the new one, and writes what it did. */
const OTHERS_FIRST = 10_000;
/** How many claims that Redis doesn't know to be given up are remembered; others go when somebody asks for them, or with their AOR's. */
const MAX_GIVEN_UP = 10_000;

/** Who has which call, in Redis: of all nodes that a call comes to, one pushes and rings. */
export class Claims implements CallSite {
  readonly #options: ClaimsOptions;
  /** Claims that were given up while Redis was away. */
  readonly #givenUp = new Map<string, { readonly aor: string; readonly callUuid: string }>();

  constructor(options: ClaimsOptions) {
    this.#options = options;
  }

  async claim(info: CallInfo, waits: () => boolean, note: ClaimNote): Promise<Claim | undefined> {
    let known: CallRecord | undefined;
    const onRead = (left: CallRecord): void => {
      known = left;
    };
    try {
      await this.#comeToItself();
      return await this.#claim(info, waits, note, onRead).catch(async (error: unknown) => {
        if (!(error instanceof StoreAway)) throw error;
        await this.#comeToItself();
        return this.#claim(info, waits, note, onRead);
      });
    } catch (error) {
      note('claim-skipped', { why: error instanceof Error ? error.message : String(error) });
      if (!(error instanceof StoreAway)) this.#options.onFault(error);
      // Whom the other node has pushed needs no second push.
      return known === undefined ? NOTHING_LEFT : { left: known, sameEngine: this.#isHandedOver(known, info) };
    }
  }

  async owns(info: CallInfo, left: boolean): Promise<boolean> {
    const { store, clock, onFault, othersFirst = OTHERS_FIRST } = this.#options;
    const { link, node } = store;
    while (left && link.lasts < othersFirst) {
      await new Promise<void>((resolve) => clock.setTimeout(resolve, othersFirst - link.lasts));
    }
    if (left && link.state === 'away') return false;
    if (store.journal.isUnsure(keyOf(info))) return false;
    try {
      const holder = await this.#holderOf(info);
      return holder === null || holder === node;
    } catch (error) {
      if (!(error instanceof StoreAway)) onFault(error);
      // Others couldn't take it either.
      return true;
    }
  }

  async isElsewhere(info: CallInfo): Promise<boolean> {
    const { store, onFault } = this.#options;
    try {
      const holder = await this.#holderOf(info);
      return holder !== null && holder !== store.node;
    } catch (error) {
      if (!(error instanceof StoreAway)) onFault(error);
      return false;
    }
  }

  #holderOf({ aor, callUuid }: Pick<CallInfo, 'aor' | 'callUuid'>): Promise<string | null> {
    const { link, keys } = this.#options.store;
    return link.run((client) => client.hget(keys.holders(aor), callUuid));
  }

  /** The call is over here. */
  async release(aor: string, callUuid: string): Promise<void> {
    const { link, keys, node } = this.#options.store;
    const name = `${aor} ${callUuid}`;
    try {
      await link.script(RELEASE, [keys.holders(aor)], [callUuid, node]);
      this.#givenUp.delete(name);
    } catch (error) {
      if (!(error instanceof StoreAway)) throw error;
      if (this.#givenUp.size < MAX_GIVEN_UP) this.#givenUp.set(name, { aor, callUuid });
    }
  }

  /**
   * Redis is back, and may have lost the claims of these calls. Gives those that another node has claimed meanwhile.
   * @throws {StoreAway} when it is away again
   */
  async restore(calls: readonly CallInfo[]): Promise<readonly CallInfo[]> {
    const { store, nodes } = this.#options;
    const lost: CallInfo[] = [];
    for (const info of calls) {
      this.#givenUp.delete(`${info.aor} ${info.callUuid}`);
      let found = await this.#ask(info, '');
      if (found.holder !== store.node && !(await nodes.lives(found.holder))) {
        found = await this.#ask(info, found.holder);
      }
      if (found.holder !== store.node) lost.push(info);
      else await this.#retireOthers(info.callUuid, [...found.records.values()]);
    }
    for (const { aor, callUuid } of [...this.#givenUp.values()]) {
      const { link, keys } = store;
      const holder = await this.#holderOf({ aor, callUuid });
      if (holder === null || holder === store.node || !(await nodes.lives(holder))) {
        await this.#retireOthers(callUuid, recordsIn(await link.run((client) => client.hvals(keys.calls(aor)))));
      }
      await this.release(aor, callUuid);
    }
    return lost;
  }

  /** What a node that is gone left of a call that went on here while nobody could say so. */
  async #retireOthers(callUuid: string, records: readonly CallRecord[]): Promise<void> {
    const { store } = this.#options;
    for (const { info } of records) {
      if (info.callUuid === callUuid && !store.journal.has(keyOf(info)))
        await store.journal.retire(undefined, keyOf(info));
    }
  }

  /**
   * This node goes on with a call of one that is gone. Gives the call as it was left; undefined when it is over or another node's, or has
   * come here already.
   */
  async inherit(gone: string, key: string, info: CallInfo): Promise<CallRecord | undefined> {
    const { store } = this.#options;
    const { holder, records } = await this.#ask(info, gone);
    if (holder !== store.node || store.journal.wrote(key)) return undefined;
    const record = records.get(key);
    if (record === undefined && !isNamed(records, info.callUuid)) await this.release(info.aor, info.callUuid);
    return record;
  }

  /**
   * A process that stood still for a while, and then finds its connection to Redis timed out, may hold INVITEs that their caller has
   * given up: their CANCEL comes when it hears of them, and Redis is there again in a moment.
   */
  async #comeToItself(): Promise<void> {
    const { store, clock, nodes } = this.#options;
    const pause = (ms: number): Promise<void> => new Promise((resolve) => clock.setTimeout(resolve, ms));
    if (nodes.sinceStall < JUST_NOW) await pause(CANCEL_DUE);
    if (store.link.state === 'away' && store.link.lasts < JUST_NOW) {
      await Promise.race([store.link.up(), pause(RECONNECT_DUE)]);
    }
  }

  /** The engine hands an INVITE over only when the one that had it is gone. */
  #isHandedOver(left: CallRecord, { callId }: CallInfo): boolean {
    return left.engine === this.#options.engine && left.info.callId === callId;
  }

  async #claim(
    info: CallInfo,
    waits: () => boolean,
    note: ClaimNote,
    onRead: (left: CallRecord) => void,
  ): Promise<Claim | undefined> {
    const { store, clock, nodes, bus, engine } = this.#options;
    let before: string | undefined;
    let asked = false;
    let left: CallRecord | undefined;
    for (let replace = ''; waits(); ) {
      const { holder, records } = await this.#ask(info, replace);
      if (holder === store.node) {
        if (before === undefined) note('call-claimed', { node: store.node });
        else note('call-inherited', { from: before, journal: left === undefined ? 'nothing' : 'read' });
        if (before === undefined) {
          // A sibling's that is gone: its INVITE has come after the claim was inherited and before the record was.
          const own = records.get(keyOf(info));
          const isLeft = own?.held !== undefined && own.engine === engine && !store.journal.wrote(keyOf(info));
          return isLeft ? { left: own, sameEngine: true } : NOTHING_LEFT;
        }
        if (left === undefined) {
          // It may have written of it where nobody else can read.
          await store.journal.disown(before, info.aor, info.callUuid);
          return NOTHING_LEFT;
        }
        await this.#inherit(before, left, info);
        return { left, sameEngine: left.engine === engine };
      }
      // Not at once: a CUCM that has gone on to the other node cancels this INVITE when it hears of it. And again, as it may not be heard.
      if (before === holder) {
        bus.tell(holder, { type: 'wanted', aor: info.aor, callUuid: info.callUuid, from: store.node });
        if (!asked) note('node-asked', { node: holder });
        asked = true;
      }
      before = holder;
      left = best([...records.values()], info) ?? left;
      if (left !== undefined) onRead(left);
      const handedOver = left !== undefined && this.#isHandedOver(left, info);
      replace = handedOver || !(await nodes.lives(holder)) ? holder : '';
      if (replace === '') await new Promise<void>((resolve) => clock.setTimeout(resolve, ASK_AGAIN));
    }
    return undefined;
  }

  async #ask(info: CallInfo, replace: string): Promise<Asked> {
    const { link, keys, node } = this.#options.store;
    const where = [keys.holders(info.aor), keys.calls(info.aor)];
    const reply = (await link.script(CLAIM, where, [info.callUuid, node, replace, KEPT])) as [Buffer, Buffer[]];
    const records = new Map<string, CallRecord>();
    for (let at = 0; at + 1 < reply[1].length; at += 2) {
      for (const record of recordsIn(reply[1].slice(at + 1, at + 2))) records.set(String(reply[1][at]), record);
    }
    return { holder: reply[0].toString(), records };
  }

  /** What the node before it wrote down is this node's now. */
  async #inherit(before: string, left: CallRecord, info: CallInfo): Promise<void> {
    const { store } = this.#options;
    const key = keyOf(left.info);
    if (left.info.callId === info.callId) await store.journal.inherit(before, key, true);
    else await store.journal.retire(before, key);
  }
}

const NOTHING_LEFT: Claim = { sameEngine: false };

/** Who has a call, and the journal of all calls of its AOR by their keys. */
interface Asked {
  readonly holder: string;
  readonly records: ReadonlyMap<string, CallRecord>;
}

function isNamed(records: ReadonlyMap<string, CallRecord>, callUuid: string): boolean {
  return [...records.values()].some(({ info }) => info.callUuid === callUuid);
}

function recordsIn(values: readonly (Buffer | string)[]): CallRecord[] {
  return values.flatMap((value) => asRecord(JSON.parse(value.toString())) ?? []);
}

/** The record of this call, of this very INVITE if there is one. */
function best(records: readonly CallRecord[], { callUuid, callId }: CallInfo): CallRecord | undefined {
  const same = records.filter((record) => record.info.callUuid === callUuid && record.held !== undefined);
  return same.find((record) => record.info.callId === callId) ?? same[0];
}
