import test, { type ExecutionContext } from 'ava';
import type { Stage } from '../../src/demo/stage.js';
import type { PhoneSimulator } from '../../src/sim/phone/index.js';
import { KamailioEdge } from './kamailio.js';
import { requestsIn, stageExactly, wire } from './support.js';

type Transport = 'udp' | 'tcp';

interface Bench {
  readonly stage: Stage;
  readonly edge: KamailioEdge;
  readonly phone: PhoneSimulator;
}

/** callwake, and a phone that reaches it through a real Kamailio. */
async function bench(t: ExecutionContext, transport: Transport): Promise<Bench> {
  const stage = await stageExactly(t, {
    edge: 'direct',
    transport,
    config: { edges: [{ name: 'kamailio', addresses: ['127.0.0.1'] }], directPhones: { allow: false } },
  });
  const edge = await KamailioEdge.start(stage.sip);
  t.teardown(() => edge.close());
  const phone = await stage.phone({
    server: { host: '127.0.0.1', port: edge.port, transport },
    behaviour: { wakeDelayMs: 50, answerDelayMs: 100 },
  });
  return { stage, edge, phone };
}

for (const transport of ['udp', 'tcp'] as const) {
  test.serial(
    `a call wakes a phone behind Kamailio, ${transport}: one push, one INVITE, through the edge`,
    async (t) => {
      const { stage, edge, phone } = await bench(t, transport);
      await phone.background();
      const call = stage.cucm.call({ to: '2001' });
      await call.answered;
      await call.hangup();
      await phone.events.seen('ended');
      t.is(stage.apple.total, 1);
      const [invite, ...others] = requestsIn(phone.messages, 'INVITE');
      t.deepEqual(others, []);
      t.is(invite?.via.port, edge.port);
      t.is(invite?.list('Via').length, 2);
      t.regex(invite?.get('Record-Route') ?? '', new RegExp(`127\\.0\\.0\\.1:${edge.port}`));
      t.is(invite?.get('Route'), undefined);
      t.notRegex(wire(stage.cucm.messages), /pn-(prid|param|provider)/);
      t.is(requestsIn(phone.messages, 'BYE').length, 1);
      t.deepEqual(stage.faults(), []);
    },
  );

  test.serial(`the phone hangs up, ${transport}: its BYE reaches CUCM through the edge`, async (t) => {
    const { stage, phone } = await bench(t, transport);
    const call = stage.cucm.call({ to: '2001' });
    await call.answered;
    await phone.calls[0]?.hangup();
    t.is((await call.ended).how, 'remote');
    t.is(stage.apple.total, 0);
    t.deepEqual(stage.faults(), []);
  });
}

test.serial('the phone left without a word: the edge tells that its flow is gone, and the call wakes it', async (t) => {
  const { stage, phone } = await bench(t, 'tcp');
  await phone.sleepSilently();
  const call = stage.cucm.call({ to: '2001' });
  await call.answered;
  await call.hangup();
  t.is(stage.apple.total, 1);
  t.is(requestsIn(phone.messages, 'INVITE').length, 1);
});

test.serial('CANCEL while the phone rings goes through the edge', async (t) => {
  const { stage, phone } = await bench(t, 'tcp');
  const ringing = phone.events.next('ringing');
  const cancelled = phone.events.next('cancelled');
  const call = stage.cucm.call({ to: '2001' });
  await ringing;
  await call.cancel();
  t.is((await call.ended).status, 487);
  await cancelled;
  t.deepEqual(stage.faults(), []);
});
