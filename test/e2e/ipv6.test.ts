import test from 'ava';
import type { EdgeKind } from '../../src/demo/stage.js';
import { externalEngine, requestsIn, stageExactly } from './support.js';

if (externalEngine === undefined) {
  for (const [edge, transport] of [
    ['path', 'udp'],
    ['rewrite', 'tcp'],
    ['direct', 'udp'],
    ['direct', 'tls'],
  ] as const satisfies (readonly [EdgeKind, string])[]) {
    test(`IPv6: a call wakes a phone, and a phone calls: ${edge}, ${transport}`, async (t) => {
      const stage = await stageExactly(t, { edge, transport, address: '::1' });
      const phone = await stage.phone({ behaviour: { wakeDelayMs: 50, answerDelayMs: 50 } });
      t.true((await stage.cucm.ping()).inService);
      await phone.background();
      const call = stage.cucm.call({ to: '2001' });
      await call.answered;
      t.is(stage.apple.received.length, 1);
      t.is((await call.reinvite({ hold: true })).status, 200);
      await phone.calls[0]?.hangup();
      t.is((await call.ended).how, 'remote');

      const out = await phone.call('4000');
      await out.answered;
      await out.hangup();
      const [invite] = requestsIn(phone.messages, 'INVITE');
      t.is(invite?.via.host, '[::1]');
      t.regex(invite?.get('Contact') ?? '', /sips?:(?:[^@>]+@)?\[::1\]:\d+/);
      t.is(requestsIn(stage.cucm.messages, 'INVITE').filter(({ toTag }) => toTag === undefined).length, 1);
      t.deepEqual(stage.faults(), []);
    });
  }
}
