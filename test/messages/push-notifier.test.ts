import test from 'ava';
import type { Device, PushToken, StateOf } from '../../src/devices/types.js';
import type { Notification, NotifyOptions } from '../../src/messages/notification.js';
import { Preferences } from '../../src/messages/preferences.js';
import { type AlertPushes, PushNotifier } from '../../src/messages/push-notifier.js';
import type { PushOutcome } from '../../src/push/provider.js';
import { MemoryStore } from '../../src/store/memory-store.js';
import { FakeClock } from '../support/fake-clock.js';

const AOR = 'sip:2001@corp.example';
const ACCEPTED: PushOutcome = { kind: 'accepted', apnsId: 'X', queuedMs: 0, answerMs: 1, attempts: 1 };
const DEAD: PushOutcome = { kind: 'refused', status: 410, reason: 'Unregistered', token: 'dead', attempts: 1 };
const DOWN: PushOutcome = { kind: 'unreachable', reason: 'no connection', attempts: 3 };

interface Phone {
  readonly state?: StateOf['state'];
  /** Seconds since it was in use. */
  readonly used?: number;
  readonly alert?: boolean;
  readonly push?: PushOutcome;
}

type Order = Parameters<AlertPushes['push']>[1];

class Bench {
  readonly clock = new FakeClock();
  readonly preferences = new Preferences(new MemoryStore());
  readonly orders: Order[] = [];
  readonly notifier: PushNotifier;

  constructor(phones: Readonly<Record<string, Phone>>, { otherActive = 300_000 } = {}) {
    const phone = ({ id }: Device): Phone => phones[id] ?? {};
    const devices = Object.entries(phones).map(
      ([id, { alert = true }]): Device => ({
        id,
        aor: AOR,
        platform: 'iphone',
        bindings: [],
        tokens: alert
          ? [{ kind: 'alert', token: 'aa', teamId: 'ABCDE12345', bundleId: 'com.example.phone', seenAt: 0 }]
          : [],
        seenAt: 0,
      }),
    );
    this.notifier = new PushNotifier({
      clock: this.clock,
      preferences: this.preferences,
      devices: {
        devicesOf: async (aor) => (aor === AOR ? devices : []),
        notifiedStateOf: (device) => ({ state: phone(device).state ?? 'suspended', reason: 'as told' }),
        lastActiveOf: (device) => {
          const { used, state } = phone(device);
          if (used !== undefined) return this.clock.now() - used * 1000;
          return state === 'active' ? this.clock.now() : undefined;
        },
      },
      pushes: {
        tokenFor: (device): PushToken | undefined => device.tokens[0],
        push: async (_kind, order) => {
          if (order.stillWanted?.() === false) return { kind: 'withdrawn', attempts: 0 };
          this.orders.push(order);
          return phone(order.device).push ?? ACCEPTED;
        },
      },
      settings: { otherActive, keep: 86_400_000 },
    });
  }

  async tell(over: Partial<Notification> = {}, options?: NotifyOptions): Promise<Record<string, string>> {
    const results = await this.notifier.notify(message(over), options);
    return Object.fromEntries(results.map(({ device, outcome }) => [device, outcome]));
  }

  get pushed(): string[] {
    return this.orders.map(({ device }) => device.id);
  }
}

const message = (over: Partial<Notification> = {}): Notification =>
  ({
    id: 'm1',
    kind: 'message',
    aor: AOR,
    sender: { name: 'Ada' },
    text: 'Lunch?',
    conversation: 'c1',
    ...over,
  }) as Notification;

test('a sleeping phone is pushed, an active one is not', async (t) => {
  const bench = new Bench({ asleep: {}, awake: { state: 'active' } }, { otherActive: 0 });
  t.deepEqual(await bench.tell(), { asleep: 'pushed', awake: 'active' });
  t.deepEqual(bench.pushed, ['asleep']);
});

test('one device only; nobody for an unknown AOR or device', async (t) => {
  const bench = new Bench({ a: {}, b: {} });
  t.deepEqual(await bench.tell({ deviceId: 'b' }), { b: 'pushed' });
  t.deepEqual(await bench.tell({ deviceId: 'c' }), {});
  t.deepEqual(await bench.tell({ aor: 'sip:2002@corp.example' }), {});
});

test('only a token for alerts is pushed to', async (t) => {
  const bench = new Bench({ a: { alert: false } });
  t.deepEqual(await bench.tell(), { a: 'unreachable' });
});

test('what has expired is not pushed, and Apple forgets it when it does', async (t) => {
  const bench = new Bench({ a: {} });
  const expiresAt = bench.clock.now() + 5_000;
  t.deepEqual(await bench.tell({ expiresAt }), { a: 'pushed' });
  t.like(bench.orders[0], { expiresAt, deadline: expiresAt });
  bench.clock.advance(5_000);
  t.deepEqual(await bench.tell({ expiresAt }), { a: 'expired' });
  t.is(bench.orders.length, 1);
});

test('muted, or in quiet hours: no push', async (t) => {
  const bench = new Bench({ a: {}, b: { state: 'active' } }, { otherActive: 0 });
  await bench.preferences.put(AOR, { mute: {} });
  t.deepEqual(await bench.tell(), { a: 'muted', b: 'active' });
  await bench.preferences.put(AOR, { quietHours: { from: '08:00', to: '09:00', timeZone: 'UTC' } });
  t.deepEqual(await bench.tell(), { a: 'quiet', b: 'active' });
  bench.clock.advance(3_600_000);
  t.deepEqual(await bench.tell(), { a: 'pushed', b: 'active' });
  await bench.preferences.put(AOR, { mutedConversations: ['c1'] });
  t.deepEqual(await bench.tell(), { a: 'muted', b: 'active' });
  t.deepEqual(await bench.tell({ conversation: 'c2' }), { a: 'pushed', b: 'active' });
});

for (const [why, phones, expected] of [
  ['another one is active', { a: {}, b: { state: 'active' } }, { a: 'other-active', b: 'active' }],
  ['another one was used a minute ago', { a: {}, b: { used: 60 } }, { a: 'other-active', b: 'pushed' }],
  ['the other one was used too long ago', { a: {}, b: { used: 301 } }, { a: 'pushed', b: 'pushed' }],
  ['both were used: the later one', { a: { used: 100 }, b: { used: 60 } }, { a: 'other-active', b: 'pushed' }],
  ['both at once: one of them', { a: { used: 60 }, b: { used: 60 } }, { a: 'pushed', b: 'other-active' }],
  ['the other one can’t be pushed to', { a: {}, b: { used: 60, alert: false } }, { a: 'pushed', b: 'unreachable' }],
  ['the other one’s token is dead', { a: {}, b: { used: 60, push: DEAD } }, { a: 'pushed', b: 'unreachable' }],
  ['Apple does not answer for the other one', { a: {}, b: { used: 60, push: DOWN } }, { a: 'pushed', b: 'failed' }],
] as const satisfies readonly (readonly [string, Record<string, Phone>, Record<string, string>])[]) {
  test(`two devices: ${why}`, async (t) => {
    t.deepEqual(await new Bench(phones).tell(), expected);
  });
}

test('a desk phone that is always registered stands in for nobody', async (t) => {
  const bench = new Bench({ a: {}, desk: { state: 'suspended', alert: false } });
  t.deepEqual(await bench.tell({}, { delivered: new Set(['desk']) }), { a: 'pushed', desk: 'active' });
});

test('what was delivered over SIP is not pushed, and a phone in use that has it stands in for the others', async (t) => {
  const bench = new Bench({ a: {}, b: { used: 0 } });
  t.deepEqual(await bench.tell({}, { delivered: new Set(['b']) }), { a: 'other-active', b: 'active' });
});

test('a push whose message was delivered meanwhile is withdrawn', async (t) => {
  const bench = new Bench({ a: {} });
  t.deepEqual(await bench.tell({}, { stillWanted: () => false }), { a: 'active' });
});

test('what the push tells: sender, text, badge of the device', async (t) => {
  const bench = new Bench({ a: {}, b: {} }, { otherActive: 0 });
  const options = { badgeOf: (id: string) => (id === 'a' ? 3 : undefined) };
  await bench.tell({ sender: { name: 'Ada', address: '1001' }, badge: 1 }, options);
  const [a, b] = bench.orders.map(({ payload }) => payload({ content: 'clear' }));
  t.like(a, {
    aps: { alert: { title: 'Ada', body: 'Lunch?' }, badge: 3 },
    callwake: { type: 'message', sender: '1001' },
  });
  t.like(b, { aps: { badge: 1 } });
  t.notRegex(JSON.stringify(bench.orders[0]?.payload({ content: 'nothing' })), /Ada|Lunch|1001/);
});

for (const [notification, told] of [
  [
    {
      kind: 'invitation',
      invitation: {
        title: 'Planning',
        organiser: 'Grace',
        start: 1_800_000_000_000,
        joinUrl: 'https://meet.example/1',
      },
    },
    {
      type: 'invitation',
      senderName: 'Grace',
      subject: 'Planning',
      startsAt: 1_800_000_000_000,
      link: 'https://meet.example/1',
    },
  ],
  [
    { kind: 'voicemail', counts: { new: 2, old: 1 } },
    { type: 'voicemail', newMessages: 2, oldMessages: 1 },
  ],
  [
    { kind: 'missed-call', sender: { address: '1001' }, at: 1_700_000_000_000 },
    { type: 'missed-call', callerNumber: '1001', at: 1_700_000_000_000 },
  ],
] as const) {
  test(`what the push tells: ${notification.kind}`, async (t) => {
    const bench = new Bench({ a: {} });
    await bench.notifier.notify({ id: 'n1', aor: AOR, ...notification });
    t.like(bench.orders[0]?.payload({ content: 'clear' }), { callwake: told });
  });
}

test('a conversation has one place on the screen; a badge alone is not urgent', async (t) => {
  const bench = new Bench({ a: {} });
  await bench.tell({ id: 'm1' });
  await bench.tell({ id: 'm2' });
  await bench.tell({ id: 'm3', conversation: 'c2' });
  const [first, second, third] = bench.orders.map(({ collapseId }) => collapseId);
  t.is(first, second);
  t.not(first, third);
  t.true(Buffer.byteLength(first ?? '') <= 64);
  t.is(bench.orders[0]?.priority, 10);
  await bench.notifier.notify({
    id: 'v1',
    kind: 'voicemail',
    aor: AOR,
    counts: { new: 2, old: 0 },
    badge: 2,
    silent: true,
  });
  t.is(bench.orders[3]?.priority, 5);
  t.like(bench.orders[3]?.payload({ content: 'clear' }), { aps: { badge: 2 } });
  t.notRegex(JSON.stringify(bench.orders[3]?.payload({ content: 'clear' })), /"alert"|"sound"/);
});
