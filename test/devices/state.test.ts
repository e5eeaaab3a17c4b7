import test from 'ava';
import { DeviceRegistry } from '../../src/devices/registry.js';
import { MemoryStore } from '../../src/store/memory-store.js';
import { FakeClock } from '../support/fake-clock.js';
import { AOR, apns, bench, INSTANCE, instance, iphone, request, VOIP } from './support.js';

const A = 'sip:2001@192.0.2.1:5060';

test('a phone is active for awakeFor after its REGISTER, then suspended; its token outlives its binding', async (t) => {
  const { register, registry, device, clock } = bench({ awakeFor: 30_000 });
  const state = async () => registry.stateOf(await device());
  await register([iphone()], { expires: 600 });
  t.deepEqual(await state(), { state: 'active', reason: 'registered 0 s ago' });
  clock.advance(30_000);
  t.is((await state()).state, 'active');
  clock.advance(1000);
  t.deepEqual(await state(), { state: 'suspended', reason: 'silent for 31 s' });
  clock.advance(569_000);
  t.deepEqual(await state(), { state: 'unregistered', reason: 'no binding, a push token is known' });
});

test('a phone that no push can wake stays active for as long as it is registered', async (t) => {
  const { register, registry, device, clock } = bench();
  await register([`<${A}>`], { userAgent: 'Deskphone', expires: 3600 });
  clock.advance(3_000_000);
  t.is(registry.stateOf(await device()).state, 'active');
  await registry.noteAsleep(AOR, (await device()).id, 'no answer to INVITE');
  t.is(registry.stateOf(await device()).state, 'active');
});

test('only the platforms that are pushed to can be suspended', async (t) => {
  const { register, registry, device, clock } = bench({ pushPlatforms: ['iphone'] });
  await register([iphone()], { userAgent: 'Phone (iPad)' });
  clock.advance(3_000_000);
  t.is((await device()).platform, 'ipad');
  t.is(registry.stateOf(await device()).state, 'active');
  clock.advance(3_000_000);
  t.deepEqual(registry.stateOf(await device()), {
    state: 'unreachable',
    reason: 'no binding, no pushes to platform ipad',
  });
});

for (const [how, contact, rest] of [
  ['a Contact parameter', `${iphone()};app-state=`, {}],
  ['a URI parameter', '', {}],
  ['a header', '', {}],
] as const) {
  test(`the word of a phone in ${how} counts more than the time`, async (t) => {
    const { register, registry, device, clock } = bench();
    const say = (word: string) => {
      if (how === 'a URI parameter') return register([`<${A};app-state=${word}${apns()}>${instance()}`]);
      return how === 'a header' ? register([iphone()], { stateHeader: word }) : register([`${contact}${word}`], rest);
    };
    await say('background');
    t.deepEqual(registry.stateOf(await device()), {
      state: 'suspended',
      reason: 'the phone said it is in the background',
    });
    await say('Foreground');
    clock.advance(1_000_000);
    t.is(registry.stateOf(await device()).state, 'active');
    t.false((await device()).bindings[0]?.uri.includes('app-state'));
    await say('nonsense');
    t.deepEqual(registry.stateOf(await device()), { state: 'active', reason: 'registered 0 s ago' });
  });
}

test('what a call has seen counts from then on, more than an earlier word, until the next REGISTER', async (t) => {
  const { register, registry, device, clock } = bench();
  await register([`${iphone()};app-state=foreground`]);
  clock.advance(5000);
  await registry.noteAsleep(AOR, INSTANCE, 'no answer to INVITE');
  t.deepEqual(registry.stateOf(await device()), { state: 'suspended', reason: 'no answer to INVITE' });
  await register([`${iphone()};app-state=foreground`]);
  t.is(registry.stateOf(await device()).state, 'active');
  t.is((await device()).asleep, undefined);
});

test('a sign of life takes the mark back', async (t) => {
  const { register, registry, device } = bench();
  await register([iphone()]);
  await registry.noteAsleep(AOR, INSTANCE, 'flow closed');
  t.is(registry.stateOf(await device()).state, 'suspended');
  await registry.noteAwake(AOR, INSTANCE);
  t.is(registry.stateOf(await device()).state, 'active');
});

test('without binding and token a phone is unreachable', async (t) => {
  const { register, registry, device, clock } = bench();
  await register([`<${A}>`]);
  const known = await device();
  clock.advance(3_600_000);
  t.is(registry.stateOf(known).state, 'unreachable');
});

test('a dead token makes an unregistered phone unreachable and then unknown', async (t) => {
  const { register, registry, device, clock } = bench();
  await register([iphone()], { expires: 600 });
  clock.advance(600_000);
  t.is(registry.stateOf(await device()).state, 'unregistered');
  await registry.tokenVerdict(AOR, INSTANCE, { token: VOIP, verdict: 'dead', at: clock.now() });
  t.false(await registry.knownAor(AOR));
});

test('what a call finds out about a phone is logged with its reason, once', async (t) => {
  const lines: unknown[] = [];
  const log = { info: (event: string, meta = {}) => lines.push({ event, ...meta }), warn: () => t.fail() };
  const registry = new DeviceRegistry({ store: new MemoryStore(), clock: new FakeClock(), log });
  await registry.register(request([iphone()]));
  await registry.noteAsleep(AOR, INSTANCE, 'flow closed');
  await registry.noteAsleep(AOR, INSTANCE, 'flow closed');
  await registry.noteAwake(AOR, INSTANCE);
  await registry.noteAwake(AOR, INSTANCE);
  const of = { event: 'device state', aor: AOR, device: INSTANCE };
  t.deepEqual(lines, [
    { ...of, state: 'suspended', reason: 'flow closed' },
    { ...of, state: 'active', reason: 'registered 0 s ago' },
  ]);
});
