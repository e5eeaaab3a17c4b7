import test from 'ava';
import type { EdgeKind, Stage } from '../../src/demo/stage.js';
import { externalEngine, requestsIn, requestsOut, stageExactly } from './support.js';

const QUICK = { wakeDelayMs: 50, answerDelayMs: 100 };
const NOT_ALLOWED = /^380 callwake "SIPS Not Allowed"/;

/** The latest answer of that status that CUCM got to an INVITE. */
function answerOf({ cucm }: Stage, status: number) {
  const answers = cucm.messages.flatMap(({ direction, message }) =>
    direction === 'in' && message.kind === 'response' && message.cseq.method === 'INVITE' ? message : [],
  );
  return answers.findLast((answer) => answer.status === status);
}

if (externalEngine === undefined) {
  for (const edge of ['path', 'direct'] satisfies EdgeKind[]) {
    test.serial(`a call for sips goes over TLS all the way, wake included, and no other way: ${edge}`, async (t) => {
      const stage = await stageExactly(t, { edge, transport: 'tls' });
      const phone = await stage.phone({ behaviour: QUICK, sips: true });
      const plain = await stage.phone({ behaviour: QUICK, user: '2002' });
      const awake = stage.cucm.call({ to: '2001', sips: true });
      t.is((await awake.answered).status, 200);
      t.regex(answerOf(stage, 200)?.get('Contact') ?? '', /^<sips:/, 'as RFC 3261 section 12.1.1 wants it');
      await awake.hangup();
      await phone.background();
      const woken = stage.cucm.call({ to: '2001', sips: true });
      t.is((await woken.answered).status, 200);
      await woken.hangup();
      for (const invite of requestsIn(phone.messages, 'INVITE')) {
        t.regex(invite.uri, /^sips:2001@/);
        t.regex(invite.get('Contact') ?? '', /^<sips:/);
        t.is(invite.via.protocol, 'TLS');
      }

      const refused = await stage.cucm.call({ to: '2002', sips: true }).ended;
      t.is(refused.status, 480);
      t.regex(answerOf(stage, 480)?.get('Warning') ?? '', NOT_ALLOWED);
      t.like(await stage.callwake.logged('call refused'), { why: 'no phone takes sips', status: 480 });
      t.deepEqual(requestsIn(plain.messages, 'INVITE'), []);
      const usual = stage.cucm.call({ to: '2002' });
      await usual.answered;
      await usual.hangup();

      const out = await phone.call('sips:1001@corp.example');
      t.is((await out.answered).status, 200);
      await out.hangup();
      t.regex(requestsIn(stage.cucm.messages, 'INVITE')[0]?.uri ?? '', /^sips:1001@127\.0\.0\.1:\d+$/);
      t.true(requestsOut(phone.messages, 'INVITE').length === 1);

      t.is((await phone.sendMessage('sips:2002@corp.example', 'Lunch at noon?')).status, 416);
      t.is((await phone.sendMessage('2002', 'Dinner at eight?')).status, 200);
      await plain.events.seen('message', ({ body }) => body === 'Dinner at eight?');
      t.is(requestsIn(plain.messages, 'MESSAGE').length, 1, 'nothing of what was for sips alone');
      t.deepEqual(stage.faults(), []);
    });
  }
}

test.serial('sips over UDP, and for a trunk without TLS, is refused', async (t) => {
  const stage = await stageExactly(t, { edge: 'direct', transport: 'udp' });
  const phone = await stage.phone({ behaviour: QUICK });
  const { status } = await stage.cucm.call({ to: '2001', sips: true }).ended;
  t.is(status, 480);
  t.regex(answerOf(stage, 480)?.get('Warning') ?? '', NOT_ALLOWED);
  const out = await phone.call('sips:1001@corp.example');
  t.is((await out.ended).status, 480);
  t.deepEqual([...requestsIn(phone.messages, 'INVITE'), ...requestsIn(stage.cucm.messages, 'INVITE')], []);
});
