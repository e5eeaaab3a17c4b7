import test, { type ExecutionContext } from 'ava';
import { keyOf } from '../../src/calls/journal.js';
import type { CallInfo } from '../../src/calls/records.js';
import { systemClock } from '../../src/clock/clock.js';
import type { BusMessage } from '../../src/cluster/bus.js';
import { Claims } from '../../src/cluster/claims.js';
import { PushBudget } from '../../src/cluster/push-budget.js';
import { DEFAULT_REDIS } from '../../src/store/redis/options.js';
import { RedisStore } from '../../src/store/redis/redis-store.js';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis.js';

const CALL: CallInfo = { callUuid: 'U', aor: 'sip:1@a.example', trunk: 'cucm', callId: 'c1' };

class Site {
  readonly living = new Set<string>();
  readonly told: BusMessage[] = [];
  /** Of nodes to come. */
  sinceStall = Number.POSITIVE_INFINITY;

  private constructor(
    readonly t: ExecutionContext,
    readonly redis: RedisServer,
  ) {}

  static async start(t: ExecutionContext): Promise<Site> {
    const redis = await RedisServer.start();
    t.teardown(() => redis.stop());
    return new Site(t, redis);
  }

  async store(node: string): Promise<RedisStore> {
    const redis = { ...DEFAULT_REDIS, urls: [this.redis.url], timeout: 5_000 };
    const store = new RedisStore({ redis, clock: systemClock, node, cache: 100 });
    this.t.teardown(() => store.close());
    await store.link.up();
    this.living.add(node);
    return store;
  }

  async node(name: string): Promise<{ store: RedisStore; claims: Claims }> {
    const store = await this.store(name);
    const claims = new Claims({
      store,
      clock: systemClock,
      nodes: { lives: async (node) => this.living.has(node), sinceStall: this.sinceStall },
      bus: { tell: (_node, message) => this.told.push(message) },
      engine: `engine of ${name}`,
      othersFirst: 300,
      onFault: (error) => this.t.fail(String(error)),
    });
    return { store, claims };
  }
}

/** The call, claimed by that node without a word about it. */
function claimed({ claims }: { claims: Claims }, info = CALL): ReturnType<Claims['claim']> {
  return claims.claim(
    info,
    () => true,
    () => {},
  );
}

test('a claim is one node’s until it gives it up; who waits asks for it again and again, as that may not be heard', async (t) => {
  const site = await Site.start(t);
  const [a, b] = [await site.node('a'), await site.node('b')];
  t.truthy(await claimed(a));
  let got = false;
  const waiting = b.claims
    .claim(
      CALL,
      () => true,
      () => {},
    )
    .then((claim) => {
      got = true;
      return claim;
    });
  await eventually(() => site.told.length >= 3, 'being asked for the call');
  t.deepEqual(site.told[0], { type: 'wanted', aor: CALL.aor, callUuid: CALL.callUuid, from: 'b' });
  t.false(got);
  await a.claims.release(CALL.aor, CALL.callUuid);
  t.deepEqual(await waiting, { sameEngine: false });
});

test('an INVITE that is cancelled soon takes the call from nobody', async (t) => {
  const site = await Site.start(t);
  const [a, b] = [await site.node('a'), await site.node('b')];
  await claimed(a);
  let asked = 0;
  t.is(
    await b.claims.claim(
      CALL,
      () => asked++ === 0,
      () => {},
    ),
    undefined,
  );
  t.deepEqual(site.told, []);
});

test('after a stall an INVITE waits for its CANCEL; and no call goes without a claim for a Redis that was gone for a moment', async (t) => {
  const site = await Site.start(t);
  const a = await site.node('a');
  await claimed(a);
  site.sinceStall = 0;
  const b = await site.node('b');
  await site.redis.ask('CLIENT', 'KILL', 'TYPE', 'normal');
  await eventually(() => b.store.link.state === 'away');
  let cancelled = false;
  const claim = b.claims.claim(
    CALL,
    () => !cancelled,
    () => {},
  );
  await b.store.link.up();
  cancelled = true;
  t.is(await claim, undefined);
});

test('a Redis that comes back without claims gets them again; one that another node has by then is that one’s', async (t) => {
  const site = await Site.start(t);
  const [a, b] = [await site.node('a'), await site.node('b')];
  const other = { ...CALL, callUuid: 'V' };
  for (const call of [CALL, other]) await claimed(a, call);
  await site.redis.ask('FLUSHALL');
  await b.claims.claim(
    other,
    () => true,
    () => {},
  );
  t.deepEqual(await a.claims.restore([CALL, other]), [other]);
  site.living.delete('a');
  await a.store.putCall('sip:1@a.example U x', {
    version: 1,
    engine: 'engine of a',
    info: CALL,
    startedAt: 1,
    port: undefined,
    held: { holdUntil: 2, ringUntil: 2, legs: [] },
  });
  const claim = await b.claims.claim(
    { ...CALL, callId: 'c2' },
    () => true,
    () => {},
  );
  t.is(claim?.left?.info.callId, 'c1', 'the other node finds what the first has left');
  t.false(claim?.sameEngine);
});

test('a claim that was given up while Redis was away is nobody’s once it is back', async (t) => {
  const site = await Site.start(t);
  const { store, claims } = await site.node('a');
  await claims.claim(
    CALL,
    () => true,
    () => {},
  );
  await site.redis.kill();
  await claims.release(CALL.aor, CALL.callUuid);
  await site.redis.restart();
  await site.redis.ask('HSET', store.keys.holders(CALL.aor), CALL.callUuid, 'a');
  await store.link.up();
  t.deepEqual(await claims.restore([]), []);
  t.deepEqual(await site.redis.ask('HKEYS', store.keys.holders(CALL.aor)), []);
});

test('a device has one budget of pushes from all nodes together, and none that is known while Redis is away', async (t) => {
  const site = await Site.start(t);
  const rate = { count: 3, per: 3_600_000 };
  const [a, b] = [await site.store('a'), await site.store('b')].map((store) => new PushBudget(store, rate));
  const device = { aor: CALL.aor, id: 'd' };
  const taken = await Promise.all([a, b, a, b, a].map((budget) => budget?.take(device)));
  t.deepEqual(taken.filter((may) => may).length, 3);
  t.is(await b?.take({ ...device, id: 'another' }), true);
  t.true(Number(await site.redis.ask('PTTL', `callwake:{${CALL.aor}}:pushes:d`)) > 0);
  await site.redis.kill();
  t.is(await a?.take(device), undefined);
});

test('a call that went on here while Redis was away is not told of by a node that is gone and comes back; who has it tells', async (t) => {
  const site = await Site.start(t);
  const [a, b] = [await site.node('a'), await site.node('b')];
  const record = (info: CallInfo) => ({ version: 1, engine: 'engine of a', info, startedAt: 1 });
  const over = { ...CALL, callUuid: 'V' };
  for (const info of [CALL, over]) {
    await claimed(a, info);
    await a.store.putCall(keyOf(info), record(info));
  }
  t.true(await a.claims.owns(CALL, false));
  t.false(await b.claims.owns(CALL, false));
  t.deepEqual([await a.claims.isElsewhere(CALL), await b.claims.isElsewhere(CALL)], [false, true]);
  site.living.delete('a');
  await site.redis.kill();
  await eventually(() => b.store.link.state === 'away');
  t.true(await b.claims.owns(CALL, false));
  t.false(await b.claims.isElsewhere(CALL), 'nobody can say so');
  t.false(await b.claims.owns(CALL, true), 'what a process before had may be another node’s by now');
  const here = { ...CALL, callId: 'c2' };
  await b.store.putCall(keyOf(here), record(here));
  await b.claims.release(over.aor, over.callUuid);
  await site.redis.restart();
  await b.store.link.up();
  // Redis came back empty; the other node had written it before.
  for (const info of [CALL, over])
    await site.redis.ask('HSET', b.store.keys.calls(CALL.aor), keyOf(info), JSON.stringify(record(info)));
  await site.redis.ask('HSET', b.store.keys.holders(CALL.aor), CALL.callUuid, 'a');
  t.deepEqual(await b.claims.restore([here]), []);
  const left = (await site.redis.ask('HGETALL', b.store.keys.calls(CALL.aor))) as string[];
  t.is(left[left.indexOf(keyOf(CALL)) + 1], 'null');
  t.is(left[left.indexOf(keyOf(over)) + 1], 'null');
  t.true(left.includes(keyOf(here)));
});

test('a call of a sibling that is gone is gone on with, whether its INVITE comes before or after its record', async (t) => {
  const site = await Site.start(t);
  const [a, b, c] = [await site.node('a'), await site.node('b'), await site.node('c')];
  const engine = 'engine of b';
  const held = { holdUntil: 2, ringUntil: 2, legs: [{ device: 'd', state: 'waking' as const, pushedAt: 1 }] };
  const record = { version: 1 as const, engine, info: CALL, startedAt: 1, held };
  const leave = async (info: CallInfo): Promise<void> => {
    await claimed(a, info);
    await a.store.putCall(keyOf(info), { ...record, info });
  };
  await leave(CALL);
  site.living.delete('a');
  t.deepEqual(await b.claims.inherit('a', keyOf(CALL), CALL), record);
  t.deepEqual(await claimed(b), { left: record, sameEngine: true }, 'its INVITE comes between claim and record');

  await b.store.putCall(keyOf(CALL), record);
  t.deepEqual(await claimed(b), { sameEngine: false }, 'what this process wrote down is nothing that was left');
  t.is(await b.claims.inherit('a', keyOf(CALL), CALL), undefined, 'nor is it taken in once more');

  const elsewhere = { ...CALL, callUuid: 'V' };
  await leave(elsewhere);
  t.deepEqual((await claimed(c, elsewhere))?.left?.info, elsewhere);
  t.is(await b.claims.inherit('a', keyOf(elsewhere), elsewhere), undefined, 'another one was quicker');

  const over = { ...CALL, callUuid: 'W' };
  t.is(await b.claims.inherit('a', keyOf(over), over), undefined);
  t.is(await b.store.link.run((client) => client.hget(b.store.keys.holders(CALL.aor), 'W')), null);
});

test('what was read of a call before Redis went away counts: whom the other node has pushed isn’t pushed again', async (t) => {
  const site = await Site.start(t);
  const [a, b] = [await site.node('a'), await site.node('b')];
  await claimed(a);
  const held = { holdUntil: 2, ringUntil: 2, legs: [{ device: 'd', state: 'waking', pushedAt: 1 }] };
  const record = { version: 1, engine: 'engine of a', info: CALL, startedAt: 1, held };
  await a.store.putCall(keyOf(CALL), record);
  const notes: string[] = [];
  const claim = b.claims.claim(
    { ...CALL, callId: 'c2' },
    () => true,
    (type) => notes.push(type),
  );
  await eventually(() => site.told.length > 0, 'being asked for the call');
  await site.redis.kill();
  t.deepEqual(await claim, { left: record, sameEngine: false });
  t.deepEqual(notes, ['node-asked', 'claim-skipped']);
});
