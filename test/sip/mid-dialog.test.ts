import test from 'ava';
import { createPurr } from '../../src/devices/purr.js';
import type { Device } from '../../src/devices/types.js';
import type { PushOutcome } from '../../src/push/provider.js';
import { MidDialogHold, purrOf } from '../../src/sip/mid-dialog.js';
import { binding, DEAD, device } from '../calls/fakes.js';
import { FakeClock, settle } from '../support/fake-clock.js';

const KEY = new Uint8Array(32).fill(3);
const ASLEEP = { word: { state: 'background', at: 0 } } as const;

function bench(devices: readonly Device[]) {
  const clock = new FakeClock();
  const pushes: { id: string; settle: (outcome: PushOutcome) => void }[] = [];
  const hold = new MidDialogHold({
    clock,
    purrKey: KEY,
    devicesOf: async (aor) => devices.filter((known) => known.aor === aor),
    canWake: ({ tokens }) => tokens.length > 0,
    wake: ({ id }) => new Promise((resolve) => pushes.push({ id, settle: resolve })),
    reroutes: true,
    patience: 10_000,
    onFault: (error) => {
      throw error;
    },
  });
  const told: string[] = [];
  const send = (name: string, purr: string) =>
    hold.pass({
      callUuid: 'call',
      purr,
      go: (moved) => told.push(`${name} sent${moved === undefined ? '' : ` to ${moved.uri}`}`),
      refuse: (status) => told.push(`${name} ${status}`),
    });
  const [first] = devices;
  const purr = first === undefined ? '' : createPurr(KEY, first.aor, first.id);
  return { clock, hold, pushes, told, send, purr };
}

test('P34: requests inside a dialog with a sleeping phone are held, one push is sent, and its REGISTER lets them go in order', async (t) => {
  const sleeper = device('a', ASLEEP);
  const { hold, pushes, told, send, purr, clock } = bench([sleeper]);
  send('re-INVITE', purr);
  send('INFO', purr);
  await settle();
  t.deepEqual(told, []);
  t.is(pushes.length, 1);
  hold.registered([device('a', { bindings: [binding('sip:2001@198.51.100.1:9')] })]);
  const to = 'sip:2001@198.51.100.1:9';
  t.deepEqual(told, [`re-INVITE sent to ${to}`, `INFO sent to ${to}`]);
  t.is(hold.size, 0);
  t.is(clock.pending, 0);
});

test('P34: the REGISTER of another phone lets nothing go', async (t) => {
  const { hold, told, send, purr } = bench([device('a', ASLEEP), device('b', ASLEEP)]);
  send('INFO', purr);
  await settle();
  hold.registered([device('b')]);
  t.deepEqual(told, []);
  t.is(hold.size, 1);
});

for (const [what, phone] of [
  ['that says it is in the foreground', device('a', { word: { state: 'foreground', at: 0 } })],
  ['that has only been silent', device('a')],
  ['that no push can reach', device('a', { ...ASLEEP, tokens: [] })],
] as const) {
  test(`P30: a phone ${what} gets requests inside a dialog at once`, async (t) => {
    const { pushes, told, send, purr } = bench([phone]);
    send('INFO', purr);
    await settle();
    t.deepEqual(told, ['INFO sent']);
    t.deepEqual(pushes, []);
  });
}

test('P32: a PURR that callwake did not make, or made under another key, holds nothing', async (t) => {
  const { told, send } = bench([device('a', ASLEEP)]);
  send('one', 'forged');
  send('two', createPurr(new Uint8Array(32).fill(4), device('a').aor, 'a'));
  await settle();
  t.deepEqual(told, ['one sent', 'two sent']);
});

test('P32: older PURRs of a phone stay good while dialogs use them', async (t) => {
  const { pushes, send, hold, told, purr } = bench([device('a', ASLEEP)]);
  const newer = createPurr(KEY, device('a').aor, 'a');
  t.not(newer, purr);
  send('old', purr);
  send('new', newer);
  await settle();
  t.is(pushes.length, 1);
  hold.registered([device('a')]);
  t.deepEqual(told, ['old sent to sip:2001@192.0.2.9:5060', 'new sent to sip:2001@192.0.2.9:5060']);
});

test('P29, P35: nobody wakes: 480 for each request, well within 32 s, and nothing else', async (t) => {
  const { clock, told, send, purr, hold } = bench([device('a', ASLEEP)]);
  send('INFO', purr);
  await settle();
  clock.advance(10_000);
  t.deepEqual(told, ['INFO 480']);
  t.is(hold.size, 0);
});

test('P35: a push that fails ends the wait at once', async (t) => {
  const { told, send, purr, pushes, clock } = bench([device('a', ASLEEP)]);
  send('INFO', purr);
  await settle();
  pushes[0]?.settle(DEAD);
  await settle();
  t.deepEqual(told, ['INFO 480']);
  t.is(clock.pending, 0);
});

test('a request that is withdrawn while it waits is never sent', async (t) => {
  const { hold, told, send, purr, clock } = bench([device('a', ASLEEP)]);
  const early = send('early', purr);
  early();
  const late = send('late', purr);
  await settle();
  late();
  hold.registered([device('a')]);
  t.deepEqual(told, []);
  t.is(clock.pending, 0);
});

test('the PURR is found in a Contact, quoted text around it or not', (t) => {
  t.is(purrOf('"x" <sip:a@b;transport=tcp;pn-purr=AbC-_1;ob>;q=1'), 'AbC-_1');
  t.is(purrOf('<sip:a@b>'), undefined);
  t.is(purrOf(undefined), undefined);
});
