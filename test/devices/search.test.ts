import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { DeviceIndex } from '../../src/devices/search/device-index.js';
import { type DeviceFilter, matchesDevice } from '../../src/devices/search/filter.js';
import { DeviceSearch, type FoundDevices } from '../../src/devices/search/search.js';
import { deviceSettings } from '../../src/devices/settings.js';
import type { Device } from '../../src/devices/types.js';
import { tokenHash } from '../../src/log/mask.js';
import { MemoryStore } from '../../src/store/memory-store.js';
import { openStore } from '../../src/store/open.js';
import type { Store } from '../../src/store/store.js';
import { bench, instance, iphone, VOIP } from './support.js';

const NOW = 1_800_000_000_000;
const SETTINGS = deviceSettings({ awakeFor: 30_000 });

const times = fc.constantFrom(NOW - 7_200_000, NOW - 10_000, NOW, NOW + 60_000);
const anyDevice = fc.record({
  id: fc.constantFrom('a1', 'b2', 'c3'),
  platform: fc.constantFrom('iphone' as const, 'ipad' as const, 'other' as const),
  userAgent: fc.constantFrom('Example/1.0 (iPhone; iOS 18.5)', 'Jabber/14', undefined),
  deviceName: fc.constantFrom('TCTALICE', undefined),
  bound: fc.option(fc.record({ registeredAt: times, expiresAt: times }), { nil: undefined }),
  token: fc.constantFrom('1a'.repeat(32), '2b'.repeat(32), undefined),
  origin: fc.constantFrom('api' as const, 'register' as const),
  word: fc.constantFrom('foreground' as const, 'background' as const, undefined),
  asleepAt: fc.option(times, { nil: undefined }),
});

type Drawn = typeof anyDevice extends fc.Arbitrary<infer T> ? T : never;

function deviceOf(aor: string, drawn: Drawn): Device {
  const { id, platform, userAgent, deviceName, bound, token, origin, word, asleepAt } = drawn;
  const binding = {
    uri: 'sip:x@192.0.2.1',
    path: [],
    mode: 'direct' as const,
    callId: 'c',
    cseq: 1,
    q: 1,
    source: 's',
  };
  return {
    id,
    aor,
    platform,
    ...(userAgent !== undefined && { userAgent }),
    ...(deviceName !== undefined && { deviceName }),
    bindings: bound === undefined ? [] : [{ ...binding, ...bound }],
    tokens:
      token === undefined
        ? []
        : [{ kind: 'voip', token, teamId: 'TEAM', bundleId: 'com.example', seenAt: NOW - 86_400_000, origin }],
    ...(word !== undefined && { word: { state: word, at: NOW - 5000 } }),
    ...(asleepAt !== undefined && { asleep: { reason: 'no answer', at: asleepAt } }),
    seenAt: NOW,
  };
}

const aors = fc.constantFrom(
  ...['2001', '2002', '2010', '3001', 'Alice', 'bob'].map((user) => `sip:${user}@corp.example`),
);
const change = fc.tuple(aors, fc.uniqueArray(anyDevice, { maxLength: 3, selector: ({ id }) => id }));
const filter: fc.Arbitrary<DeviceFilter> = fc.record(
  {
    text: fc.constantFrom(
      '200',
      '2001@corp',
      'ALICE',
      'ios 18',
      'jabber',
      'b2',
      tokenHash('1a'.repeat(32)),
      '2b'.repeat(32),
      'zz',
    ),
    state: fc.constantFrom('active', 'suspended', 'unregistered', 'unreachable'),
    platform: fc.constantFrom('iphone', 'other'),
  },
  { requiredKeys: [] },
);

async function plainSearch(store: Store, wanted: DeviceFilter, tokenOutlivesBinding: boolean): Promise<string[]> {
  const settings = { ...SETTINGS, tokenOutlivesBinding };
  const all = await store.devicesAfter('', 1000);
  return all.filter(([, devices]) => devices.some((d) => matchesDevice(d, wanted, NOW, settings))).map(([aor]) => aor);
}

test('an index finds what looking at each device finds, page by page, whatever has changed since it was read', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(change, { maxLength: 8 }),
      fc.array(change, { maxLength: 8 }),
      filter,
      fc.boolean(),
      fc.integer({ min: 1, max: 4 }),
      async (first, later, wanted, tokenOutlivesBinding, limit) => {
        const store = new MemoryStore();
        const put = ([aor, drawn]: [string, Drawn[]]) =>
          store.putDevices(
            aor,
            drawn.map((one) => deviceOf(aor, one)),
          );
        for (const one of first) await put(one);
        const index = new DeviceIndex(store, { ...SETTINGS, tokenOutlivesBinding });
        await index.read();
        for (const one of later) {
          await put(one);
          await index.changed([one[0]]);
        }
        const found: string[] = [];
        for (let after: string | undefined = ''; after !== undefined; ) {
          const page = index.find({ filter: wanted, after, limit, now: NOW });
          found.push(...page.aors);
          after = page.more ? page.aors.at(-1) : undefined;
        }
        t.deepEqual(found, await plainSearch(store, wanted, tokenOutlivesBinding));
      },
    ),
    { numRuns: 200 },
  );
});

const many = (n: number): string => `sip:${String(n).padStart(5, '0')}@corp.example`;
const drawn: Drawn = {
  id: 'a1',
  platform: 'iphone',
  userAgent: 'Jabber/14',
  deviceName: undefined,
  bound: undefined,
  token: VOIP,
  origin: 'api',
  word: undefined,
  asleepAt: undefined,
};

test('very many changes are merged in', async (t) => {
  const store = new MemoryStore();
  for (let n = 0; n < 30_000; n += 2) await store.putDevices(many(n), [deviceOf(many(n), drawn)]);
  const index = new DeviceIndex(store, SETTINGS);
  await index.read();
  for (let n = 0; n < 25_000; n++) await store.putDevices(many(n), n % 3 === 0 ? [] : [deviceOf(many(n), drawn)]);
  await index.changed(Array.from({ length: 25_000 }, (_, n) => many(n)));
  const { total, aors } = index.find({ filter: {}, after: '', limit: 3, now: NOW });
  t.is(total, 25_000 - Math.ceil(25_000 / 3) + 2_500);
  t.deepEqual(aors, [many(1), many(2), many(4)]);
  t.deepEqual(index.find({ filter: { text: '24999' }, after: '', limit: 3, now: NOW }).aors, []);
  t.deepEqual(index.find({ filter: { text: '24998' }, after: '', limit: 3, now: NOW }).aors, [many(24_998)]);
});

async function settled(ask: () => Promise<FoundDevices>): Promise<FoundDevices> {
  for (;;) {
    const found = await ask();
    if (!found.reading) return found;
  }
}

async function walk(t: ExecutionContext, store: Store): Promise<void> {
  const { registry, register, clock } = bench({}, store);
  await register([iphone()], { userAgent: 'Example/1.0 (iPhone; iOS 18.5)' });
  const search = new DeviceSearch({ store, registry, clock, onFault: (error) => t.fail(String(error)) });
  t.teardown(() => search.close());
  const find = (wanted: DeviceFilter) => settled(() => search.find(wanted, '', 10));
  t.like(await find({ text: 'ios 18' }), { total: 1, items: [{ aor: 'sip:2001@corp.example' }] });
  t.like(await find({ text: VOIP }), { total: 1 });
  t.like(await find({ text: tokenHash(VOIP).slice(0, 12) }), { total: 1 });
  t.like(await find({ text: 'android' }), { total: 0, items: [], states: { active: 0 } });
  await register([`<sip:2002@192.0.2.2>${instance('00000000-0000-4000-8000-0000000000b2')}`], {
    aor: 'sip:2002@corp.example',
    callId: 'another',
  });
  t.like(await find({ text: 'corp' }), {
    total: 2,
    items: [{ aor: 'sip:2001@corp.example' }, { aor: 'sip:2002@corp.example' }],
  });
  t.like(await search.find({ text: 'corp' }, '', 1), { total: 2, next: 'sip:2001@corp.example' });
  t.like(await search.find({ text: 'corp' }, 'sip:2001@corp.example', 1), {
    items: [{ aor: 'sip:2002@corp.example' }],
  });
  await register(['*'], { expires: 0 });
  t.like(await find({ state: 'active' }), { total: 1, states: { active: 1 } });
  t.is((await find({ text: VOIP })).items.length, (await find({ text: '2001' })).items.length);
}

test('a search over a store in memory follows what registers', (t) => walk(t, new MemoryStore()));

test('a search over a store on disk, in a thread of its own, follows what registers', async (t) => {
  const path = mkdtempSync(join(tmpdir(), 'callwake-search-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  const store = await openStore({ kind: 'lmdb', path, durable: false, cache: 100 });
  t.teardown(() => store.close());
  await walk(t, store);
});
