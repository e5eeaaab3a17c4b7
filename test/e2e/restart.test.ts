import { setTimeout as pause } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { killApp } from '../../src/demo/app-process.js';
import type { EdgeKind } from '../../src/demo/stage.js';
import { openStore } from '../../src/store/open.js';
import { externalEngine, requestsIn, stageFor } from './support.js';

/** The embedded engine keeps for the next process what one leaves when it dies; drachtio-server doesn't (docs/calls.md, "Restart"). */
const kept = externalEngine === undefined;

const onKeeping = kept ? test.serial : () => {};
const onForgetting = kept ? () => {} : test.serial;

const QUICK = { wakeDelayMs: 50, answerDelayMs: 200 };

/** A call that was answered after its phone was woken. */
async function callThatIsUp(t: ExecutionContext, offer: 'early' | 'delayed' = 'early') {
  const stage = await stageFor(t, { edge: 'path', transport: 'tcp' });
  const phone = await stage.phone({ behaviour: QUICK });
  await phone.background();
  const call = stage.cucm.call({ to: '2001', offer });
  await call.answered;
  return { stage, phone, call };
}

for (const [edge, transport, offer] of [
  ['path', 'udp', kept ? 'delayed' : 'early'],
  ['rewrite', 'tcp', 'early'],
] as const satisfies readonly (readonly [EdgeKind, 'udp' | 'tcp', 'early' | 'delayed'])[]) {
  test.serial(
    `killed while a call is held: no second push, the phone rings once (${edge}, ${transport}, ${offer} offer)`,
    async (t) => {
      const stage = await stageFor(t, { edge, transport });
      const phone = await stage.phone({ behaviour: { wakeDelayMs: 2_500, answerDelayMs: 100 } });
      await phone.background();
      const call = stage.cucm.call({ to: '2001', offer });
      await phone.events.seen('pushed');
      await killApp(stage);
      t.is((await call.answered).status, 200);
      t.is(stage.apple.received.length, 1);
      t.is(requestsIn(phone.messages, 'INVITE').length, 1);
      await call.hangup();
      t.is((await phone.calls[0]?.ended)?.how, 'remote');
      t.deepEqual(stage.faults(), []);
    },
  );
}

test.serial(
  'killed while a call is held: a phone that registers before the next process is there rings at once',
  async (t) => {
    const stage = await stageFor(t, { edge: 'path' });
    const phone = await stage.phone({ behaviour: { wakeDelayMs: 20, answerDelayMs: 100 } });
    await phone.background();
    const call = stage.cucm.call({ to: '2001', offer: 'early' });
    await phone.events.seen('pushed');
    const ready = killApp(stage);
    t.is((await call.answered).status, 200);
    await ready;
    t.is(stage.apple.received.length, 1);
    t.is(requestsIn(phone.messages, 'INVITE').length, 1);
    await call.hangup();
  },
);

onKeeping('killed while the phone rings: it rings on, once, and its answer reaches the caller', async (t) => {
  const stage = await stageFor(t, { edge: 'path' });
  const phone = await stage.phone({ behaviour: { wakeDelayMs: 20, answer: 'ignore' } });
  await phone.background();
  const call = stage.cucm.call({ to: '2001', offer: 'early' });
  await phone.events.seen('ringing');
  await killApp(stage);
  t.is(phone.calls[0]?.state, 'ringing');
  phone.calls[0]?.accept();
  t.is((await call.answered).status, 200);
  t.is(requestsIn(phone.messages, 'INVITE').length, 1);
  t.is(requestsIn(phone.messages, 'CANCEL').length, 0);
  t.is(stage.apple.received.length, 1);
  await call.hangup();
  t.is((await phone.calls[0]?.ended)?.how, 'remote');
});

onKeeping('killed while the phone rings: an answer that comes meanwhile is not lost', async (t) => {
  const stage = await stageFor(t, { edge: 'path', transport: 'tcp' });
  const phone = await stage.phone({ behaviour: { wakeDelayMs: 20, answerDelayMs: 100 } });
  await phone.background();
  const call = stage.cucm.call({ to: '2001' });
  await phone.events.seen('ringing');
  const ready = killApp(stage);
  t.is((await call.answered).status, 200);
  await ready;
  await call.hangup();
  t.is((await phone.calls[0]?.ended)?.how, 'remote');
  t.is(requestsIn(phone.messages, 'INVITE').length, 1);
});

onKeeping(
  'killed while calls are up: they stay up; re-INVITE, UPDATE, INFO and BYE of either side go through',
  async (t) => {
    const { stage, phone, call } = await callThatIsUp(t);
    const there = phone.calls[0];
    if (there === undefined) throw new Error('the phone has no call');
    await killApp(stage);
    t.is((await call.reinvite({ hold: true })).status, 200);
    t.is((await call.reinvite({ offer: 'delayed' })).status, 200);
    t.is((await there.reinvite({ hold: true })).status, 200);
    t.is((await call.request('INFO', { body: 'Signal=5\r\n', contentType: 'application/dtmf-relay' })).status, 200);
    t.is((await there.request('UPDATE')).status, 200);
    await killApp(stage);
    await there.hangup();
    t.is((await call.ended).how, 'remote');
    const ended = await stage.callwake.logged('end');
    t.is(ended.reason, 'answered');
  },
);

onKeeping('a BYE that comes while no process is there waits for it', async (t) => {
  const { stage, phone, call } = await callThatIsUp(t, 'delayed');
  const ready = killApp(stage);
  await call.hangup();
  t.is((await phone.calls[0]?.ended)?.how, 'remote');
  await ready;
});

test.serial(
  'CANCEL while no process is there: 487 at once, and the ringing phone is told by the next one',
  async (t) => {
    const stage = await stageFor(t, { edge: 'path' });
    const phone = await stage.phone({ behaviour: { wakeDelayMs: 20, answer: 'ignore' } });
    await phone.background();
    const call = stage.cucm.call({ to: '2001' });
    await phone.events.seen('ringing');
    const ready = killApp(stage);
    await pause(50);
    call.cancel();
    t.is((await call.ended).status, 487);
    await ready;
    t.is((await phone.calls[0]?.ended)?.how, 'cancelled');
    t.is(requestsIn(phone.messages, 'INVITE').length, 1);
  },
);

test.serial('killed after a call was cancelled: the phone that wakes late is still told', async (t) => {
  const stage = await stageFor(t, { edge: 'path' });
  const phone = await stage.phone({ behaviour: { wakeDelayMs: 3_000 } });
  await phone.background();
  const told = phone.events.next('cancelled');
  const call = stage.cucm.call({ to: '2001' });
  await phone.events.seen('pushed');
  call.cancel('Q.850;cause=16');
  t.is((await call.ended).status, 487);
  await stage.callwake.logged('end');
  await killApp(stage);
  t.regex((await told).reason ?? '', /cause=16/);
  t.is(requestsIn(phone.messages, 'INVITE').length, 1);
});

test.serial('deadlines are those of the INVITE, not of the process: nobody wakes, 480 after the hold', async (t) => {
  const stage = await stageFor(t, { edge: 'path', trunk: { hold: '4s', ringbackAfter: '500ms' } });
  const phone = await stage.phone({ behaviour: { deaf: true } });
  await phone.background();
  const call = stage.cucm.call({ to: '2001', offer: 'early' });
  await call.response(180);
  await killApp(stage);
  const end = await call.ended;
  t.is(end.status, 480);
  const over = await stage.callwake.logged('hold-over');
  const takenOver = await stage.callwake.logged('taken-over');
  t.true(Number(over.ms) >= 3_990, String(over.ms));
  t.true(Number(over.ms) - Number(takenOver.ms) < 4_000, 'the hold did not begin again');
  t.is(stage.apple.received.length, 1);
});

test.serial(
  'SIGTERM drains: new calls get 503 with Retry-After, the held one is finished, then all ends',
  async (t) => {
    const stage = await stageFor(t, { edge: 'path' });
    const phone = await stage.phone({ behaviour: { wakeDelayMs: 800, answerDelayMs: 50, hangupAfterMs: 50 } });
    await phone.background();
    const call = stage.cucm.call({ to: '2001' });
    await phone.events.seen('pushed');
    const exit = stage.callwake.stop();
    await stage.callwake.logged('stopping');
    const refused = stage.cucm.call({ to: '2001' });
    t.is((await refused.ended).status, 503);
    t.truthy(refused.responses.at(-1)?.header('Retry-After'));
    t.is(refused.responses.at(-1)?.header('Warning'), '399 callwake "callwake is about to end"');
    t.is((await call.answered).status, 200);
    t.is(await exit, 0);
  },
);

test.serial('calls that are over leave nothing in the journal', async (t) => {
  const stage = await stageFor(t, { edge: 'path' });
  const [iphone, busy] = [
    await stage.phone({ behaviour: QUICK }),
    await stage.phone({ user: '2002', behaviour: { wakeDelayMs: 20, answer: 'busy', answerDelayMs: 0 } }),
  ];
  await Promise.all([iphone.background(), busy.background()]);
  const call = stage.cucm.call({ to: '2001' });
  const refused = stage.cucm.call({ to: '2002' });
  await call.answered;
  await call.hangup();
  t.is((await refused.ended).status, 486);
  const data = stage.configFile.replace(/callwake\.yaml$/, 'data');
  t.is(await stage.callwake.stop(), 0);
  const store = await openStore({ kind: 'lmdb', path: data, durable: true, cache: 0 });
  t.teardown(() => store.close());
  const left: string[] = [];
  for await (const [key] of store.calls()) left.push(key);
  t.deepEqual(left, []);
});

onForgetting(
  'drachtio-server: a ringing phone is cancelled, not rung twice, and the call ends by the policy',
  async (t) => {
    const stage = await stageFor(t, { edge: 'path' });
    const phone = await stage.phone({ behaviour: { wakeDelayMs: 20, answer: 'ignore' } });
    await phone.background();
    const call = stage.cucm.call({ to: '2001', offer: 'early' });
    await phone.events.seen('ringing');
    await killApp(stage);
    t.is((await call.ended).status, 480);
    t.is((await phone.calls[0]?.ended)?.how, 'cancelled');
    t.is(requestsIn(phone.messages, 'INVITE').length, 1);
  },
);

onForgetting(
  'drachtio-server: a held call whose offer is to come in the 2xx gets 503, for CUCM to try elsewhere',
  async (t) => {
    const stage = await stageFor(t, { edge: 'path' });
    const phone = await stage.phone({ behaviour: { wakeDelayMs: 20_000 } });
    await phone.background();
    const call = stage.cucm.call({ to: '2001', offer: 'delayed' });
    await phone.events.seen('pushed');
    await killApp(stage);
    t.is((await call.ended).status, 503);
  },
);

onForgetting(
  'drachtio-server: killed while a call is up: it stays up, but what comes inside it gets 481',
  async (t) => {
    const { stage, phone, call } = await callThatIsUp(t);
    await killApp(stage);
    for (const side of [call, phone.calls[0]]) {
      t.is((await side?.reinvite({ hold: true }))?.status, 481);
      for (const method of ['UPDATE', 'INFO']) t.is((await side?.request(method))?.status, 481, method);
      t.is(side?.state, 'answered');
    }
  },
);

for (const who of ['phone', 'caller'] as const) {
  onForgetting(
    `drachtio-server: after a restart the ${who} hangs up, and within ten seconds the other side is told`,
    async (t) => {
      const { stage, phone, call } = await callThatIsUp(t);
      await killApp(stage);
      const there = phone.calls[0];
      await (who === 'phone' ? there : call)?.hangup();
      t.is((await (who === 'phone' ? call : there)?.ended)?.how, 'remote');
    },
  );
}
