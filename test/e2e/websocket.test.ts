import test from 'ava';
import { externalEngine, requestsIn, stageExactly } from './support.js';

if (externalEngine === undefined) {
  for (const phonesOver of ['ws', 'wss'] as const) {
    test(`a call wakes a phone that registers over ${phonesOver.toUpperCase()}, and both ends can end it`, async (t) => {
      const stage = await stageExactly(t, { edge: 'direct', phonesOver });
      const phone = await stage.phone({ behaviour: { wakeDelayMs: 50, answerDelayMs: 50 } });
      const awake = stage.cucm.call({ to: '2001' });
      await awake.answered;
      t.is(stage.apple.received.length, 0, 'an active phone is called over its WebSocket, without a push');
      t.is((await awake.reinvite({ hold: true })).status, 200);
      await phone.calls[0]?.hangup();
      t.is((await awake.ended).how, 'remote');

      await phone.background();
      const call = stage.cucm.call({ to: '2001' });
      await call.answered;
      t.is(stage.apple.received.length, 1);
      await call.hangup();
      t.is((await phone.calls[1]?.ended)?.how, 'remote');
      const invites = requestsIn(phone.messages, 'INVITE').filter((invite) => invite.toTag === undefined);
      t.is(invites.length, 2);
      for (const invite of invites) {
        t.regex(
          invite.uri,
          /@[0-9a-f]{12}\.invalid;transport=ws/,
          'the Contact of RFC 7118, which no name server knows',
        );
        t.is(invite.via.protocol, phonesOver.toUpperCase());
      }
      t.not(invites[0]?.uri, invites[1]?.uri);

      await phone.sleepSilently();
      const silent = stage.cucm.call({ to: '2001' });
      await silent.answered;
      t.is(stage.apple.received.length, 2, 'its WebSocket is closed, so it is woken');
      await silent.hangup();
      t.deepEqual(stage.faults(), []);
    });
  }
}
