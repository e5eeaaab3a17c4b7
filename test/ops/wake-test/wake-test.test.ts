import test from 'ava';
import type { PhoneAnswer } from '../../../src/calls/phone-probe.js';
import type { Binding, Device, DeviceState } from '../../../src/devices/types.js';
import type { WakeMode, WakePushOrder, WakeStep } from '../../../src/ops/wake-test/types.js';
import { WakeTestBusy, WakeTests } from '../../../src/ops/wake-test/wake-test.js';
import type { PushOutcome } from '../../../src/push/provider.js';
import { FakeClock } from '../../support/fake-clock.js';

const ACCEPTED: PushOutcome = { kind: 'accepted', apnsId: 'ID', queuedMs: 0, answerMs: 20, attempts: 1 };
const OK: PhoneAnswer = { status: 200, reason: 'OK' };
const RINGING: PhoneAnswer = { status: 180, reason: 'Ringing' };

function binding(clock: FakeClock): Binding {
  return {
    uri: 'sip:2001@192.0.2.1',
    path: ['<sip:edge.example;lr>'],
    mode: 'path',
    registeredAt: clock.now(),
    expiresAt: clock.now() + 60_000,
    callId: 'c',
    cseq: 1,
    q: 1,
    source: 'tls/192.0.2.20:5061',
  };
}

function device(clock: FakeClock, id = 'phone'): Device {
  return {
    id,
    aor: 'sip:2001@corp.example',
    platform: 'iphone',
    bindings: [{ ...binding(clock), registeredAt: clock.now() - 1000 }],
    tokens: [],
    seenAt: clock.now() - 1000,
  };
}

interface Play {
  readonly state?: DeviceState;
  readonly outcome?: PushOutcome | Promise<PushOutcome>;
  readonly options?: PhoneAnswer;
  readonly rung?: PhoneAnswer;
  readonly mode?: WakeMode;
}

function setUp({ state = 'suspended', outcome = ACCEPTED, options = OK, rung = RINGING, mode = 'call' }: Play = {}) {
  const clock = new FakeClock();
  const phone = device(clock);
  const pushes: WakePushOrder[] = [];
  const asked: string[] = [];
  const tests = new WakeTests({
    clock,
    devices: {
      devicesOf: async (aor) => (aor === phone.aor ? [phone, device(clock, 'other')] : []),
      stateOf: () => ({ state, reason: 'because' }),
    },
    push: async (order) => {
      pushes.push(order);
      return outcome;
    },
    probe: {
      options: async (_device, { registeredAt }) => {
        asked.push(`OPTIONS ${registeredAt - clock.now()}`);
        return options;
      },
      ringBriefly: async (_device, _binding, callUuid) => {
        asked.push(`INVITE ${callUuid === pushes[0]?.callUuid}`);
        return rung;
      },
    },
    modeOf: () => mode,
    patience: 13_000,
  });
  const steps: WakeStep[] = [];
  const run = tests.run(phone.aor, phone.id, { onStep: (step) => steps.push(step) });
  const register = (id = phone.id) => tests.registered([{ ...device(clock, id), bindings: [binding(clock)] }]);
  return { clock, phone, tests, pushes, asked, steps, run, register };
}

test('a sleeping phone is pushed, registers, answers OPTIONS and rings for a moment under the call’s UUID', async (t) => {
  const { clock, pushes, asked, run, register, steps } = setUp();
  await clock.advanceAsync(700);
  t.deepEqual(
    steps.map(({ step }) => step),
    ['device', 'push'],
  );
  register('other');
  register();
  const report = await run;
  t.true(report?.woken);
  t.deepEqual(
    report?.steps.map(({ step, ok, ms }) => `${step} ${ok} ${ms}`),
    ['device true 0', 'push true 0', 'register true 700', 'options true 700', 'call true 700'],
  );
  t.deepEqual(asked, ['OPTIONS 0', 'INVITE true']);
  t.is(pushes.length, 1);
  t.is(pushes[0]?.mode, 'call');
  t.regex(report?.verdict ?? '', /The phone wakes: back in 700 ms/);
  t.is(clock.pending, 0);
});

test('silently: no INVITE', async (t) => {
  const { clock, asked, run, register } = setUp({ mode: 'silent' });
  await clock.advanceAsync(1);
  register();
  t.true((await run)?.woken);
  t.deepEqual(asked, ['OPTIONS 0']);
});

test('a phone that is awake is asked over the binding it has, and not pushed', async (t) => {
  const { pushes, asked, run } = setUp({ state: 'active' });
  const report = await run;
  t.true(report?.woken);
  t.deepEqual(asked, ['OPTIONS -1000']);
  t.deepEqual(pushes, []);
  t.is(report?.verdict, 'The phone is awake and answers.');
});

test('where it broke is told with what to do', async (t) => {
  const refused = await setUp({
    outcome: { kind: 'refused', status: 410, reason: 'Unregistered', token: 'dead', attempts: 1 },
  }).run;
  t.false(refused?.woken);
  t.deepEqual(
    refused?.steps.map(({ step }) => step),
    ['device', 'push'],
  );
  t.regex(refused?.verdict ?? '', /^It broke at push: Apple refused the VoIP push: 410 Unregistered\. .+/);

  const silent = setUp();
  await silent.clock.advanceAsync(13_000);
  t.regex((await silent.run)?.verdict ?? '', /^It broke at register: no REGISTER within 13 s\. .*swiped away/);
  t.is(silent.clock.pending, 0);

  const unreachable = setUp({ options: { status: 480, reason: 'Temporarily Unavailable' } });
  await unreachable.clock.advanceAsync(1);
  unreachable.register();
  t.regex((await unreachable.run)?.verdict ?? '', /^It broke at options: OPTIONS was answered with 480/);

  const deaf = setUp({ rung: { status: 408, reason: 'Request Timeout', local: true } });
  await deaf.clock.advanceAsync(1);
  deaf.register();
  t.regex((await deaf.run)?.verdict ?? '', /^It broke at call: no answer to INVITE\. /);
});

test('a phone that is back before Apple answers has been woken', async (t) => {
  const { clock, run, register } = setUp({ outcome: new Promise<PushOutcome>(() => {}) });
  await clock.advanceAsync(300);
  register();
  const report = await run;
  t.true(report?.woken);
  t.regex(report?.steps[1]?.text ?? '', /before Apple had answered/);
});

test('one test of a phone at a time; an unknown device is none', async (t) => {
  const { tests, phone, run, clock } = setUp();
  await clock.advanceAsync(1);
  await t.throwsAsync(tests.run(phone.aor, phone.id), { instanceOf: WakeTestBusy });
  t.is(await tests.run(phone.aor, 'nobody'), undefined);
  t.is(await tests.run('sip:nobody@corp.example', phone.id), undefined);
  await clock.advanceAsync(13_000);
  t.false((await run)?.woken);
  const again = tests.run(phone.aor, phone.id);
  await clock.advanceAsync(13_000);
  t.false((await again)?.woken);
});
