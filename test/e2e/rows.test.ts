import test, { type ExecutionContext } from 'ava';
import type { EdgeKind, Stage } from '../../src/demo/stage.js';
import { externalEngine, requestsIn, stageExactly } from './support.js';

type Offer = 'early' | 'delayed';
type Row = (t: ExecutionContext, stage: Stage, offer: Offer) => Promise<void>;

/** What has to become of a call, each with a number of its own so that all can be under way at once. */
const ROWS: readonly Row[] = [
  async function forked(t, stage, offer) {
    const ipad = await stage.phone({ user: '2001', platform: 'ipad', behaviour: { answer: 'ignore' } });
    const behaviour = { wakeDelayMs: 200, answerDelayMs: 200, registersPerPush: 3 };
    const iphone = await stage.phone({ user: '2001', behaviour });
    await iphone.background();
    const call = stage.cucm.call({ to: '2001', offer });
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
    const phone = await stage.phone({ user: '2002', behaviour: { wakeDelayMs: 900, answerDelayMs: 100 } });
    await phone.background();
    const call = stage.cucm.call({ to: '2002', offer });
    await call.response('18x');
    t.is(requestsIn(phone.messages, 'INVITE').length, 0);
    t.is((await call.answered).status, 200);
    await call.hangup();
  },
  async function cancelledWhileHeld(t, stage, offer) {
    const phone = await stage.phone({ user: '2003', behaviour: { wakeDelayMs: 500 } });
    await phone.background();
    const told = phone.events.next('cancelled');
    const call = stage.cucm.call({ to: '2003', offer });
    await phone.events.seen('pushed');
    call.cancel('Q.850;cause=16');
    t.is((await call.ended).status, 487);
    t.regex((await told).reason ?? '', /cause=16/);
    t.is(requestsIn(phone.messages, 'INVITE').length, 1);
    t.is(phone.pushes.length, 1);
  },
  async function cancelledWhileRinging(t, stage, offer) {
    const phone = await stage.phone({ user: '2004', behaviour: { wakeDelayMs: 50, answer: 'ignore' } });
    await phone.background();
    const call = stage.cucm.call({ to: '2004', offer });
    await phone.events.seen('ringing');
    call.cancel();
    t.is((await call.ended).status, 487);
    t.is((await phone.calls[0]?.ended)?.how, 'cancelled');
  },
  async function notWoken(t, stage, offer) {
    const phone = await stage.phone({ user: '2005', behaviour: { deaf: true } });
    await phone.background();
    const call = stage.cucm.call({ to: '2005', offer });
    t.is((await call.ended).status, 480);
    t.deepEqual(
      call.responses.map(({ status }) => status),
      [100, 180, 480],
    );
    t.is(phone.pushes.length, 1);
  },
  async function refusedPush(t, stage, offer) {
    const phone = await stage.phone({ user: '2006' });
    await phone.background();
    stage.apple.unregisterToken(phone.identity.voipToken ?? '');
    const call = stage.cucm.call({ to: '2006', offer });
    t.is((await call.ended).status, 480);
    const end = await stage.callwake.logged('end', (line) => line.reason === 'push-failed');
    t.true(Number(end.ms) < 3_000, 'not after the hold');
  },
  async function declined(t, stage, offer) {
    const behaviour = { wakeDelayMs: 50, answerDelayMs: 100 };
    const phone = await stage.phone({ user: '2007', behaviour: { ...behaviour, answer: 'busy' } });
    await phone.background();
    const call = stage.cucm.call({ to: '2007', offer });
    t.is((await call.ended).status, 486);
  },
];

for (const transport of ['udp', 'tls'] as const) {
  if (transport === 'tls' && externalEngine !== undefined) continue;
  for (const edge of ['path', 'rewrite'] satisfies EdgeKind[]) {
    for (const offer of ['early', 'delayed'] as const) {
      test.serial(`all that becomes of a call: ${transport}, ${edge}, ${offer} offer`, async (t) => {
        const stage = await stageExactly(t, { edge, transport, trunk: { hold: '3s', ringbackAfter: '400ms' } });
        await Promise.all(ROWS.map((row) => row(t, stage, offer)));
        t.deepEqual(stage.faults(), []);
      });
    }
  }
}
