import test from 'ava';
import { requestsIn, stageFor } from './support.js';

for (const transport of ['udp', 'tcp'] as const) {
  test.serial(
    `a phone that registers over two sockets at once after its push gets one INVITE: ${transport}`,
    async (t) => {
      const stage = await stageFor(t, { edge: 'path', transport });
      const identity = { instance: '7d3fd0a5-6a3c-4a4c-9d39-6f2b1a9f6f10', voipToken: 'ab'.repeat(32) };
      const behaviour = { deaf: true, answerDelayMs: 200 };
      const sockets = [
        await stage.phone({ ...identity, behaviour, regId: 1 }),
        await stage.phone({ ...identity, behaviour, regId: 2 }),
      ];
      for (const socket of sockets) await socket.background();
      const pushed = Promise.any(sockets.map(({ events }) => events.next('pushed')));
      const call = stage.cucm.call({ to: '2001' });
      await pushed;
      await Promise.all(sockets.map((socket) => socket.wake()));
      t.deepEqual(await Promise.all(sockets.map((socket) => socket.register())), [true, true]);
      await call.answered;
      // And over both again, while the call is up.
      await Promise.all(sockets.map((socket) => socket.register()));
      await call.hangup();
      t.is(sockets.flatMap(({ messages }) => requestsIn(messages, 'INVITE')).length, 1);
      t.is(stage.apple.received.length, 1);
      t.deepEqual(stage.faults(), []);
    },
  );
}

test.serial(
  'a phone in another call, pushed for one that was answered elsewhere, gets no INVITE and CANCEL for it',
  async (t) => {
    const stage = await stageFor(t, { edge: 'path', transport: 'tcp', trunk: { probe: '300ms' } });
    const ipad = await stage.phone({ platform: 'ipad', behaviour: { answerDelayMs: 50 } });
    const talk = stage.cucm.call({ to: '2001' });
    await talk.answered;
    const iphone = await stage.phone({ behaviour: { wakeDelayMs: 50, answer: 'ignore' } });
    await iphone.background();
    // Its signalling has gone quiet, its audio hasn't: the second call finds no sign of life and pushes it.
    ipad.behaviour = { answer: 'mute', wakeDelayMs: 1_500 };
    const second = stage.cucm.call({ to: '2001' });
    await ipad.events.seen('pushed');
    await iphone.events.seen('ringing');
    iphone.calls[0]?.accept();
    await second.answered;
    const before = requestsIn(ipad.messages, 'INVITE').length;
    await stage.callwake.logged('late-device-busy');
    t.is((await talk.reinvite({ hold: true })).status, 200);
    const since = requestsIn(ipad.messages, 'INVITE').slice(before);
    t.deepEqual(
      since.map(({ toTag }) => toTag === undefined),
      [false],
    );
    await talk.hangup();
    await second.hangup();
    t.is((await ipad.calls[0]?.ended)?.how, 'remote');
  },
);

test.serial(
  'a phone that is called, sleeps and is called again wakes each time: one push and one INVITE a call',
  async (t) => {
    const stage = await stageFor(t, { edge: 'rewrite', transport: 'tcp' });
    const phone = await stage.phone({ behaviour: { wakeDelayMs: 50, answerDelayMs: 50 } });
    for (let round = 1; round <= 3; round++) {
      await phone.background();
      const call = stage.cucm.call({ to: '2001', offer: round % 2 === 0 ? 'early' : 'delayed' });
      t.is((await call.answered).status, 200);
      await call.hangup();
      t.is((await phone.calls.at(-1)?.ended)?.how, 'remote');
      t.is(requestsIn(phone.messages, 'INVITE').length, round);
      t.is(stage.apple.received.length, round);
    }
    t.deepEqual(stage.faults(), []);
  },
);
