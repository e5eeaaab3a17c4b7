import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { callUuidOf } from '../../../../src/calls/call-uuid.js';
import type { CucmSimulator } from '../../../../src/sim/cucm/index.js';
import type { SimCall } from '../../../../src/sim/ua/types.js';
import type { HistoryEvent } from './history.js';
import type { FaultyNode } from './nodes.js';

/** Timer Trying with its retries: no response at all until then, and CUCM tries another member. Milliseconds. */
const TRYING = 1_000;
/** How long CUCM takes to see that a member is gone, by its connection. Milliseconds. */
const NOTICED = 200;
/** After that a caller counts as one who never heard. Milliseconds. */
const PATIENCE = 45_000;

/** The trunk of a CUCM to the nodes of a site: a call is tried at one after the other, with the same Session-ID (RFC 7989). */
export class Trunk {
  #next = 0;

  constructor(
    readonly cucm: CucmSimulator,
    readonly members: readonly FaultyNode[],
    readonly record: (event: HistoryEvent) => void,
  ) {}

  /** One call to its end: hung up shortly after the answer. */
  async call(user: string, calm: boolean): Promise<void> {
    const sessionId = randomBytes(16).toString('hex');
    const callUuid = callUuidOf(sessionId, '').toLowerCase();
    this.record({ at: Date.now(), type: 'called', aor: `sip:${user}@corp.example`, callUuid, calm });
    const end = await within(PATIENCE, this.#tryAll(user, sessionId));
    if (end === undefined) return;
    this.record({ at: Date.now(), type: 'final', callUuid, status: end.status });
    if (end.status >= 300) return;
    await pause(100);
    await within(NOTICED * 5, Promise.resolve(end.call?.hangup().catch(() => undefined)));
  }

  async #tryAll(user: string, sessionId: string): Promise<{ status: number; call?: SimCall }> {
    const from = this.#next++;
    let status = 503;
    for (let tries = 0; tries < this.members.length; tries++) {
      const member = this.members[(from + tries) % this.members.length];
      if (member === undefined) continue;
      this.cucm.trunk = member.sip;
      const call = this.cucm.call({ to: user, sessionId, offer: from % 2 === 0 ? 'early' : 'delayed' });
      status = await statusOf(call, member);
      if (status !== 503 && status !== NO_STATUS) return { status, call };
      call.cancel();
    }
    return { status: status === NO_STATUS ? 503 : status };
  }
}

/** Nothing was said, or nothing final by a member that is gone. */
const NO_STATUS = 0;

/** What `awaited` gives, or undefined when that takes longer than `ms`. */
async function within<T>(ms: number, awaited: Promise<T>): Promise<T | undefined> {
  const over = new AbortController();
  const late = pause(ms, undefined, { signal: over.signal }).catch(() => undefined);
  try {
    return await Promise.race([awaited, late]);
  } finally {
    over.abort();
  }
}

/** The final status of an attempt. */
async function statusOf(call: SimCall, member: FaultyNode): Promise<number> {
  const final = call.answered.then(
    ({ status }) => status,
    () => call.responses.find(({ status }) => status >= 200)?.status ?? NO_STATUS,
  );
  const silent = pause(TRYING).then(() => (call.responses.length > 0 ? new Promise<never>(() => {}) : NO_STATUS));
  const gone = member.off.then(() => pause(NOTICED)).then(() => NO_STATUS);
  return Promise.race([final, silent, gone]);
}
