import test from 'ava';
import { type RefreshEvent, Refresher } from '../../src/calls/refresher.js';
import { TokenPush } from '../../src/calls/token-push.js';
import type { DeviceSettings } from '../../src/devices/settings.js';
import type { PushRequest } from '../../src/push/provider.js';
import { ALERT, apns, INSTANCE, iphone, VOIP, bench as withRegistry } from '../devices/support.js';
import { settle } from '../support/fake-clock.js';
import { ACCEPTED } from './fakes.js';

const BOTH = apns(`${VOIP}:voip&${ALERT}:remote`, 'ABCDE12345.com.example.phone.voip&remote');

/** A registry whose refresh pushes go to a provider in the test's hands. */
async function bench(settings: Partial<DeviceSettings> = {}) {
  const inner = withRegistry({ refreshPushes: true, ...settings });
  const { registry, clock } = inner;
  const sent: PushRequest[] = [];
  const events: RefreshEvent[] = [];
  const pushes = new TokenPush({
    clock,
    platforms: registry.settings.pushPlatforms,
    environmentOf: () => 'production',
    onVerdict: async () => {},
    provider: {
      push: async (request) => {
        sent.push(request);
        return ACCEPTED;
      },
      status: () => ({ provider: 'test', queued: 0, inFlight: 0, connections: [] }),
      close: async () => {},
    },
  });
  const refresher = new Refresher({ pushes, clock, onEvent: (event) => events.push(event) });
  registry.onRefreshDue((due) => void refresher.refresh(due));
  await registry.start();
  const pass = async (ms: number): Promise<void> => {
    await clock.advanceAsync(ms);
    await settle();
  };
  return { ...inner, sent, events, pass };
}

test('P6: a refresh is a background push to the alert token, worth nothing after the binding’s end', async (t) => {
  const { register, sent, events, clock, pass, registry } = await bench();
  const start = clock.now();
  await register([iphone(undefined, BOTH)], { expires: 600 });
  await pass(500_000);
  t.is(sent.length, 1);
  const [push] = sent;
  t.like(push, {
    kind: 'background',
    token: ALERT,
    topic: 'com.example.phone',
    expiresAt: start + 600_000,
    deadline: start + 600_000,
    payload: { aps: { 'content-available': 1 }, callwake: { v: 1, type: 'refresh', expiresAt: start + 600_000 } },
  });
  t.is(push?.priority, undefined, 'the provider’s own for background pushes, 5');
  t.like(events, [{ device: INSTANCE, outcome: 'accepted' }]);
  t.true(push?.stillWanted?.());
  await registry.close();
});

test('P6: a phone with a VoIP token alone gets no refresh push: PushKit’s pushes are for calls', async (t) => {
  const { register, sent, events, pass, registry } = await bench();
  await register([iphone()], { expires: 600 });
  await pass(700_000);
  t.deepEqual(sent, []);
  t.deepEqual(
    events.map(({ outcome }) => outcome),
    ['no-token'],
  );
  await registry.close();
});

test('P6: a phone of a platform that gets no pushes gets none', async (t) => {
  const { register, sent, pass, registry } = await bench();
  await register([`${iphone(undefined, BOTH)};app-platform=other`], { expires: 600 });
  await pass(700_000);
  t.deepEqual(sent, []);
  await registry.close();
});

for (const [what, expires] of [
  ['its own REGISTER', 600],
  ['an unregister', 0],
] as const) {
  test(`P8: a refresh push that still waits is not sent any more after ${what}`, async (t) => {
    const { register, sent, pass, registry } = await bench({ unregisterEndsToken: false });
    await register([iphone(undefined, BOTH)], { expires: 600 });
    await pass(500_000);
    t.true(sent[0]?.stillWanted?.());
    await register([iphone(undefined, expires === 0 ? '' : BOTH)], { expires });
    t.false(sent[0]?.stillWanted?.());
    await registry.close();
  });
}

test('P8: nor after the binding’s end, nor after an operator has deleted the phone', async (t) => {
  for (const end of ['expiry', 'deletion'] as const) {
    const { register, sent, pass, registry } = await bench();
    await register([iphone(undefined, BOTH)], { expires: 600 });
    await pass(500_000);
    if (end === 'expiry') await pass(100_001);
    else await registry.forget('sip:2001@corp.example', INSTANCE);
    t.false(sent[0]?.stillWanted?.(), end);
    t.is(sent.length, 1);
    await registry.close();
  }
});

test('P8: no refresh push to a phone that unregistered in time', async (t) => {
  const { register, sent, pass, registry } = await bench({ unregisterEndsToken: false });
  await register([iphone(undefined, BOTH)], { expires: 600 });
  await pass(300_000);
  await register([iphone(undefined, '')], { expires: 0 });
  await pass(600_000);
  t.deepEqual(sent, []);
  await registry.close();
});

test('P7: a phone with sip.pnsreg that refreshed by itself gets none, one that did not gets one', async (t) => {
  const { register, sent, pass, registry } = await bench();
  const contact = `${iphone(undefined, BOTH)};+sip.pnsreg`;
  await register([contact], { expires: 600 });
  await pass(470_000);
  await register([contact], { expires: 600 });
  await pass(475_000);
  t.is(sent.length, 0);
  await pass(60_000);
  t.is(sent.length, 1);
  await registry.close();
});
