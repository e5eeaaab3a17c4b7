import { randomBytes } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import type { EdgeKind, Stage } from '../../src/demo/stage.js';
import { eventually } from '../support/eventually.js';
import { externalEngine, requestsIn, stageExactly } from './support.js';

const OFFERS = ['early', 'delayed'] as const;
type Offer = (typeof OFFERS)[number];
type Row = (t: ExecutionContext, stage: Stage, offer: Offer) => Promise<void>;

/** The number of a row's user: both offers are played at once. */
function userOf(row: number, offer: Offer): string {
  return String((offer === 'early' ? 2000 : 2100) + row);
}

/** What has to become of a call, each with a number of its own so that all can be under way at once. */
const ROWS: readonly Row[] = [
  async function forked(t, stage, offer) {
    const user = userOf(1, offer);
    const ipad = await stage.phone({ user, platform: 'ipad', behaviour: { answer: 'ignore' } });
    const behaviour = { wakeDelayMs: 200, answerDelayMs: 200, registersPerPush: 3 };
    const iphone = await stage.phone({ user, behaviour });
    await iphone.background();
    const call = stage.cucm.call({ to: user, offer });
    const told = ipad.events.next('cancelled');
    t.is((await call.answered).status, 200);
    t.is(call.responses[0]?.status, 100);
    t.true(call.responses.some(({ status }) => status === 180));
    t.truthy(call.remoteSdp);
    t.regex((await told).reason ?? '', /^SIP;cause=200;text="Call completed elsewhere"$/);
    for (const phone of [ipad, iphone]) t.is(requestsIn(phone.messages, 'INVITE').length, 1);
    t.deepEqual([ipad.pushes.length, iphone.pushes.length], [0, 1]);
    await call.hangup();
    const there = iphone.calls[0];
    t.is((await there?.ended)?.how, 'remote');
    t.truthy(there?.remoteSdp);
  },
  async function ringback(t, stage, offer) {
    const user = userOf(2, offer);
    const phone = await stage.phone({ user, behaviour: { wakeDelayMs: 900, answerDelayMs: 100 } });
    await phone.background();
    const call = stage.cucm.call({ to: user, offer });
    await call.response('18x');
    t.is(requestsIn(phone.messages, 'INVITE').length, 0);
    t.is((await call.answered).status, 200);
    await call.hangup();
  },
  async function cancelledWhileHeld(t, stage, offer) {
    const user = userOf(3, offer);
    const phone = await stage.phone({ user, behaviour: { wakeDelayMs: 500 } });
    await phone.background();
    const told = phone.events.next('cancelled');
    const call = stage.cucm.call({ to: user, offer });
    await phone.events.seen('pushed');
    call.cancel('Q.850;cause=16');
    t.is((await call.ended).status, 487);
    t.regex((await told).reason ?? '', /cause=16/);
    t.is(requestsIn(phone.messages, 'INVITE').length, 1);
    t.is(phone.pushes.length, 1);
  },
  async function cancelledWhileRinging(t, stage, offer) {
    const user = userOf(4, offer);
    const phone = await stage.phone({ user, behaviour: { wakeDelayMs: 50, answer: 'ignore' } });
    await phone.background();
    const call = stage.cucm.call({ to: user, offer });
    await phone.events.seen('ringing');
    const { instance, voipToken = null } = phone.identity;
    const overAnotherEdge = await stage.phone({ user, instance, voipToken, server: stage.sip });
    call.cancel();
    t.is((await call.ended).status, 487);
    t.is((await phone.calls[0]?.ended)?.how, 'cancelled');
    t.true(overAnotherEdge.registered);
    t.deepEqual(
      [phone, overAnotherEdge].map(({ messages }) => requestsIn(messages, 'INVITE').length),
      [1, 0],
    );
  },
  async function notWoken(t, stage, offer) {
    const user = userOf(5, offer);
    const alertToken = randomBytes(32).toString('hex');
    const phone = await stage.phone({ user, alertToken, behaviour: { deaf: true } });
    await phone.background();
    const call = stage.cucm.call({ to: user, offer });
    t.is((await call.ended).status, 480);
    t.deepEqual(
      call.responses.map(({ status }) => status),
      [100, 180, 480],
    );
    await phone.events.seen('pushed', ({ kind }) => kind === 'alert');
    const missed = phone.pushes.map(({ kind, payload }) => [kind, typeOf(payload)]);
    t.deepEqual(missed, [
      ['voip', 'call'],
      ['alert', 'missed-call'],
    ]);
  },
  async function refusedPush(t, stage, offer) {
    const user = userOf(6, offer);
    const phone = await stage.phone({ user });
    await phone.background();
    stage.apple.unregisterToken(phone.identity.voipToken ?? '');
    const call = stage.cucm.call({ to: user, offer });
    t.is((await call.ended).status, 480);
    const push = stage.apple.received.find(({ token }) => token === phone.identity.voipToken);
    const payload = push?.payload as { callwake: { callUuid: string } } | undefined;
    t.truthy(payload);
    const end = await stage.callwake.logged('end', (line) => line.callUuid === payload?.callwake.callUuid);
    t.is(end.reason, 'push-failed');
    t.true(Number(end.ms) < 8_000, 'not after the hold');
  },
  async function declined(t, stage, offer) {
    const user = userOf(7, offer);
    const behaviour = { wakeDelayMs: 50, answerDelayMs: 100 };
    const phone = await stage.phone({ user, behaviour: { ...behaviour, answer: 'busy' } });
    await phone.background();
    const call = stage.cucm.call({ to: user, offer });
    t.is((await call.ended).status, 486);
  },
  async function fallback(t, stage, offer) {
    const user = userOf(8, offer);
    const phone = await stage.phone({ user, behaviour: { deaf: true } });
    await phone.background();
    const call = stage.cucm.call({ to: user, offer });
    t.is((await call.answered).status, 200);
    t.truthy(call.remoteSdp);
    const number = new RegExp(`^sip:\\${FALLBACK}${user}@`);
    const [invite, ...more] = requestsIn(stage.cucm.messages, 'INVITE').filter(({ uri }) => number.test(uri));
    t.deepEqual(more, []);
    t.is(invite?.body.length === 0, offer === 'delayed');
    t.is(phone.pushes.length, 1);
    await call.hangup();
  },
  async function wakesAfterTheAnswer(t, stage, offer) {
    const user = userOf(9, offer);
    const iphone = await stage.phone({ user, behaviour: { wakeDelayMs: 20, answerDelayMs: 20 } });
    const ipad = await stage.phone({ user, platform: 'ipad', behaviour: { deaf: true } });
    await Promise.all([iphone.background(), ipad.background()]);
    const told = ipad.events.next('cancelled');
    const call = stage.cucm.call({ to: user, offer });
    t.is((await call.answered).status, 200);
    await ipad.events.seen('pushed');
    t.true(await ipad.register());
    t.is((await told).reason, 'SIP;cause=200;text="Call completed elsewhere"');
    t.deepEqual([requestsIn(ipad.messages, 'INVITE').length, ipad.pushes.length], [1, 1]);
    t.is(call.state, 'answered');
    await call.hangup();
  },
  async function oneIsBusy(t, stage, offer) {
    const user = userOf(10, offer);
    const ipad = await stage.phone({ user, platform: 'ipad', behaviour: { answer: 'busy', answerDelayMs: 0 } });
    const iphone = await stage.phone({ user, behaviour: { wakeDelayMs: 300, answerDelayMs: 100 } });
    await iphone.background();
    const call = stage.cucm.call({ to: user, offer });
    t.is((await call.answered).status, 200);
    t.is((await ipad.calls[0]?.ended)?.status, 486);
    await call.hangup();
  },
  async function declinedForAll(t, stage, offer) {
    const user = userOf(11, offer);
    const ipad = await stage.phone({ user, platform: 'ipad', behaviour: { answer: 'ignore' } });
    const iphone = await stage.phone({ user, behaviour: { answer: 'decline', answerDelayMs: 300 } });
    const call = stage.cucm.call({ to: user, offer });
    t.is((await call.ended).status, 603);
    t.is((await ipad.calls[0]?.ended)?.reason, 'SIP;cause=603;text="Declined elsewhere"');
    t.is(requestsIn(iphone.messages, 'INVITE').length, 1);
  },
  async function registersBeforeApplesAnswer(t, stage, offer) {
    const user = userOf(12, offer);
    const phone = await stage.phone({ user, behaviour: { deaf: true, answer: 'ignore' } });
    await phone.background();
    const token = phone.identity.voipToken ?? '';
    stage.apple.script({ token, delayMs: 1_000 });
    const call = stage.cucm.call({ to: user, offer });
    // A script is used up when its push has come.
    await eventually(() => !stage.apple.scripts.list.some((script) => script.token === token));
    t.true(await phone.register());
    await phone.events.seen('ringing');
    await phone.events.seen('pushed');
    phone.calls[0]?.accept();
    t.is((await call.answered).status, 200);
    t.deepEqual([requestsIn(phone.messages, 'INVITE').length, phone.pushes.length], [1, 1]);
    await call.hangup();
  },
  async function asleepWithoutAWord(t, stage, offer) {
    const user = userOf(13, offer);
    const phone = await stage.phone({ user, behaviour: { wakeDelayMs: 20, answerDelayMs: 100 } });
    await phone.sleepSilently();
    const call = stage.cucm.call({ to: user, offer });
    t.is((await call.answered).status, 200);
    t.deepEqual([requestsIn(phone.messages, 'INVITE').length, phone.pushes.length], [1, 1]);
    await call.hangup();
  },
];

const FALLBACK = '+4930';

/** What a push says that it tells of. */
function typeOf(payload: unknown): unknown {
  return (payload as { readonly callwake?: { readonly type?: unknown } }).callwake?.type;
}

const CONFIG = {
  users: Object.fromEntries(
    OFFERS.map((offer) => userOf(8, offer)).map((user) => [user, { fallback: `${FALLBACK}${user}` }]),
  ),
  alerts: { missedCall: true },
};

for (const transport of ['udp', 'tls'] as const) {
  if (transport === 'tls' && externalEngine !== undefined) continue;
  for (const edge of ['path', 'rewrite'] satisfies EdgeKind[]) {
    test.serial(`all that becomes of a call: ${transport}, ${edge}, early and delayed offer`, async (t) => {
      const stage = await stageExactly(t, {
        edge,
        transport,
        trunk: { hold: '8s', ringbackAfter: '400ms' },
        config: CONFIG,
      });
      await Promise.all(ROWS.flatMap((row) => OFFERS.map((offer) => row(t, stage, offer))));
      t.deepEqual(stage.faults(), []);
    });
  }
}
