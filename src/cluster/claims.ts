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
  readonly nodes: Pick<Nodes, 'lives'>;
  readonly bus: Pick<Bus, 'tell'>;
  /** The run of this node's engine. */
  readonly engine: string;
  readonly onFault: (error: unknown) => void;
}

/** How often one asks who waits for another node to let a call go, in milliseconds. */
const ASK_AGAIN = 200;
/** How long a claim is kept that nobody gives up: longer than any call. */
const KEPT = 24 * 3_600_000;

/** Who has which call, in Redis: of all nodes that a call comes to, one pushes and rings. */
export class Claims implements CallSite {
  readonly #options: ClaimsOptions;

  constructor(options: ClaimsOptions) {
    this.#options = options;
  }

  async claim(info: CallInfo, waits: () => boolean, note: ClaimNote): Promise<Claim | undefined> {
    try {
      return await this.#claim(info, waits, note);
    } catch (error) {
      note('claim-skipped', { why: error instanceof Error ? error.message : String(error) });
      if (!(error instanceof StoreAway)) this.#options.onFault(error);
      return NOTHING_LEFT;
    }
  }

  /** The call is over here. */
  async release(aor: string, callUuid: string): Promise<void> {
    const { link, keys, node } = this.#options.store;
    await link.script(RELEASE, [keys.holders(aor)], [callUuid, node]).catch((error: unknown) => {
      if (!(error instanceof StoreAway)) throw error;
    });
  }

  async #claim(info: CallInfo, waits: () => boolean, note: ClaimNote): Promise<Claim | undefined> {
    const { store, clock, nodes, bus, engine } = this.#options;
    let before: string | undefined;
    let left: CallRecord | undefined;
    for (let replace = ''; waits(); ) {
      const { holder, records } = await this.#ask(info, replace);
      if (holder === store.node) {
        if (before === undefined) note('call-claimed', { node: store.node });
        else note('call-inherited', { from: before, journal: left === undefined ? 'nothing' : 'read' });
        if (before === undefined || left === undefined) return NOTHING_LEFT;
        await this.#inherit(before, left, info);
        return { left, sameEngine: left.engine === engine };
      }
      if (before === undefined) {
        bus.tell(holder, { type: 'wanted', aor: info.aor, callUuid: info.callUuid, from: store.node });
        note('node-asked', { node: holder });
      }
      before = holder;
      left = best(records, info) ?? left;
      // The engine hands an INVITE over only when the one that had it is gone.
      const handedOver = left?.engine === engine && left.info.callId === info.callId;
      replace = handedOver || !(await nodes.lives(holder)) ? holder : '';
      if (replace === '') await new Promise<void>((resolve) => clock.setTimeout(resolve, ASK_AGAIN));
    }
    return undefined;
  }

  async #ask(info: CallInfo, replace: string): Promise<{ holder: string; records: readonly CallRecord[] }> {
    const { link, keys, node } = this.#options.store;
    const where = [keys.holders(info.aor), keys.calls(info.aor)];
    const reply = (await link.script(CLAIM, where, [info.callUuid, node, replace, KEPT])) as [Buffer, Buffer[]];
    const values = reply[1].filter((_, index) => index % 2 === 1);
    const records = values.flatMap((value) => asRecord(JSON.parse(value.toString())) ?? []);
    return { holder: reply[0].toString(), records };
  }

  /** What the node before it wrote down is this node's now. */
  async #inherit(before: string, left: CallRecord, info: CallInfo): Promise<void> {
    const { store } = this.#options;
    const key = keyOf(left.info);
    if (left.info.callId === info.callId) await store.inheritCall(before, key);
    else await store.removeCallOf(before, key);
  }
}

const NOTHING_LEFT: Claim = { sameEngine: false };

/** The record of this call, of this very INVITE if there is one. */
function best(records: readonly CallRecord[], { callUuid, callId }: CallInfo): CallRecord | undefined {
  const same = records.filter((record) => record.info.callUuid === callUuid && record.held !== undefined);
  return same.find((record) => record.info.callId === callId) ?? same[0];
}
