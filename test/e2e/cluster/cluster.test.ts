import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import { killApp } from '../../../src/demo/app-process.js';
import { eventually } from '../../support/eventually.js';
import { requestsIn } from '../support.js';
import { powerOff, Site } from './site.js';

const WAYS = [
  { edge: 'path', transport: 'tcp' },
  { edge: 'rewrite', transport: 'tcp' },
  { edge: 'direct', transport: 'tls' },
] as const;
for (const way of WAYS) {
  const { edge, transport } = way;
  test.serial(
    `an INVITE at one node, the phone registers at the other: one push, one INVITE (${edge}, ${transport})`,
    async (t) => {
      const site = await Site.start(t, way);
      const { stage } = site;
      const phone = await site.phoneAtB({ behaviour: { wakeDelayMs: 200, answerDelayMs: 100 } });
      await phone.background();
      const call = stage.cucm.call({ to: '2001' });
      t.is((await call.answered).status, 200);
      t.is(site.pushes.length, 1);
      t.is(requestsIn(phone.messages, 'INVITE').length, 1);
      t.like(await stage.callwake.logged('node-told'), { node: 'b' });
      if (edge === 'direct') {
        const between = (await site.b.callwake.ready()).find((listener) => listener.transport === 'tcp');
        t.is((await stage.callwake.logged('leg-invited')).node, `127.0.0.1:${between?.port}`);
      }
      await call.hangup();
      t.is((await phone.calls[0]?.ended)?.how, 'remote');
      t.deepEqual(stage.faults(), []);
    },
  );
}

test.serial('two nodes see a REGISTER of the device at once: one INVITE', async (t) => {
  const site = await Site.start(t);
  const { stage } = site;
  const behaviour = { wakeDelayMs: 100, answerDelayMs: 100 };
  const first = await stage.phone({ behaviour, instance: INSTANCE, voipToken: TOKEN });
  await first.background();
  const second = await site.phoneAtB({ behaviour, instance: INSTANCE, voipToken: TOKEN });
  await second.background();
  const call = stage.cucm.call({ to: '2001' });
  t.is((await call.answered).status, 200);
  await Promise.all([first, second].map((phone) => phone.events.seen('registered')));
  await call.hangup();
  const invites = [first, second].flatMap((phone) => requestsIn(phone.messages, 'INVITE'));
  t.is(invites.length, 1);
  t.is(site.pushes.length, 1);
});

test.serial(
  'the machine with a held call is gone: the retry at the other node rings without a second push',
  async (t) => {
    const site = await Site.start(t);
    const { stage } = site;
    const phone = await site.phoneAtB({ behaviour: { wakeDelayMs: 3_000, answerDelayMs: 100 } });
    await phone.background();
    const sessionId = 'ab'.repeat(16);
    const lost = stage.cucm.call({ to: '2001', sessionId });
    lost.answered.catch(() => undefined);
    await phone.events.seen('pushed');
    powerOff(stage.callwake);
    site.trunkTo('b');
    const call = stage.cucm.call({ to: '2001', sessionId });
    t.is((await call.answered).status, 200);
    t.is(site.pushes.length, 1);
    t.is(requestsIn(phone.messages, 'INVITE').length, 1);
    t.like(await site.b.callwake.logged('call-inherited'), { from: 'a', journal: 'read' });
    await call.hangup();
  },
);

test.serial(
  'the same call comes to another node while the first one lives: that one leaves it, and the phone gets one push and one INVITE',
  async (t) => {
    const site = await Site.start(t);
    const { stage } = site;
    const phone = await site.phoneAtB({ behaviour: { wakeDelayMs: 1_500, answerDelayMs: 100 } });
    await phone.background();
    const sessionId = 'ba'.repeat(16);
    const first = stage.cucm.call({ to: '2001', sessionId });
    first.answered.catch(() => undefined);
    await phone.events.seen('pushed');
    site.trunkTo('b');
    const second = stage.cucm.call({ to: '2001', sessionId });
    t.is((await second.answered).status, 200);
    t.is(first.responses.find(({ status }) => status >= 200)?.status, 503);
    t.like(await site.b.callwake.logged('node-asked'), { node: 'a' });
    t.like(await stage.callwake.logged('left-to-node'), { node: 'b' });
    t.like(await site.b.callwake.logged('call-inherited'), { from: 'a' });
    t.is(site.pushes.length, 1);
    t.is(requestsIn(phone.messages, 'INVITE').length, 1);
    await second.hangup();
  },
);

test.serial('the phone had registered before the retry came: it rings at once', async (t) => {
  const site = await Site.start(t);
  const { stage } = site;
  const phone = await site.phoneAtB({ behaviour: { wakeDelayMs: 1_000, answerDelayMs: 100 } });
  await phone.background();
  const sessionId = 'cd'.repeat(16);
  const lost = stage.cucm.call({ to: '2001', sessionId });
  lost.answered.catch(() => undefined);
  await phone.events.seen('pushed');
  powerOff(stage.callwake);
  await site.b.callwake.logged('registered', ({ aor }) => String(aor).includes('2001'));
  await eventually(() => phone.events.all('registered').length === 3, 'the REGISTER after the push');
  site.trunkTo('b');
  const call = stage.cucm.call({ to: '2001', sessionId });
  t.is((await call.answered).status, 200);
  t.is(site.pushes.length, 1);
  t.is(requestsIn(phone.messages, 'INVITE').length, 1);
  await call.hangup();
});

test.serial('the app with a held call dies: the next one goes on, with the journal in Redis', async (t) => {
  const site = await Site.start(t);
  const { stage } = site;
  const phone = await site.phoneAtB({ behaviour: { wakeDelayMs: 1_500, answerDelayMs: 100 } });
  await phone.background();
  const call = stage.cucm.call({ to: '2001' });
  await phone.events.seen('pushed');
  await killApp(stage);
  t.is((await call.answered).status, 200);
  t.is(site.pushes.length, 1);
  t.is(requestsIn(phone.messages, 'INVITE').length, 1);
  await call.hangup();
  t.is((await phone.calls[0]?.ended)?.how, 'remote');
  await phone.background();
  const second = stage.cucm.call({ to: '2001' });
  await eventually(() => phone.events.all('pushed').length === 2, 'the second push');
  site.redis.freeze();
  await killApp(stage);
  await eventually(() => phone.events.all('registered').length === 5, 'the REGISTER without Redis');
  site.redis.thaw();
  t.is((await second.answered).status, 200, 'and when Redis is away at that moment, once it is back');
  t.is(site.pushes.length, 2);
  t.is(requestsIn(phone.messages, 'INVITE').length, 2);
  await second.hangup();
});

test.serial(
  'Redis dies and comes back empty: registrations and wakes go on, and nothing acknowledged is lost',
  async (t) => {
    const site = await Site.start(t);
    const { stage, redis } = site;
    const behaviour = { wakeDelayMs: 200, answerDelayMs: 100 };
    const known = await stage.phone({ behaviour });
    await known.background();
    t.deepEqual(await site.get('a', '/ready'), { status: 200, text: '{"status":"ready"}' });
    await redis.kill();
    const alarms = async (): Promise<boolean> => /StoreUnavailable/.test((await site.get('a', '/v1/alarms')).text);
    await eventually(alarms, 'the alarm');
    t.like(await site.get('a', '/ready'), { status: 200 }, 'all nodes share that Redis');
    t.regex((await site.get('a', '/ready')).text, /"impaired":\["Redis is away/);
    const late = await site.phoneAtB({ user: '2002', behaviour });
    await late.background();
    const during = stage.cucm.call({ to: '2001' });
    t.is((await during.answered).status, 200, 'a wake within one node');
    await during.hangup();
    await known.background();
    await redis.restart();
    await eventually(async () => Number(await redis.ask('EXISTS', 'callwake:{sip:2001@corp.example}:devices')) === 1);
    await eventually(async () => Number(await redis.ask('EXISTS', 'callwake:{sip:2002@corp.example}:devices')) === 1);
    t.is((await site.get('a', '/ready')).text, '{"status":"ready"}');
    const after = stage.cucm.call({ to: '2002' });
    t.is((await after.answered).status, 200, 'registered at b while Redis was away, called at a');
    await after.hangup();
    t.is(new Set(site.pushes).size, site.pushes.length, 'no call was pushed twice');
    t.deepEqual(stage.faults(), []);
  },
);

test.serial(
  'Redis fails over to its replica while a phone wakes at the other node: it rings once, and what was registered is there',
  async (t) => {
    // A Sentinel that was kept from a processor for two seconds promotes nobody for half a minute.
    const site = await Site.start(t, { sentinel: true, trunk: { hold: '45s' } });
    const { stage, redis } = site;
    const behaviour = { wakeDelayMs: 300, answerDelayMs: 100 };
    const phone = await site.phoneAtB({ behaviour });
    const other = await stage.phone({ user: '2002', behaviour });
    for (const each of [phone, other]) await each.background();
    const call = stage.cucm.call({ to: '2001' });
    await phone.events.seen('pushed');
    await redis.kill();
    t.is((await call.answered).status, 200);
    t.is(requestsIn(phone.messages, 'INVITE').length, 1);
    t.is(site.pushes.length, 1);
    await call.hangup();
    site.trunkTo('b');
    await eventually(async () => {
      const after = stage.cucm.call({ to: '2002' });
      const status = await after.answered.then(
        (answer) => answer.status,
        () => after.responses.at(-1)?.status,
      );
      if (status === 200) await after.hangup();
      else t.is(status, 503, 'a CUCM would try another node');
      return status === 200;
    }, 'registered at a before, called at b afterwards');
    t.is(site.pushes.length, 2);
    t.deepEqual(stage.faults(), []);
  },
);

test.serial(
  'what the other node could not say is read: the phone that registered while Redis was away is rung',
  async (t) => {
    const site = await Site.start(t, { redis: ['--appendonly', 'yes', '--appendfsync', 'always'] });
    const { stage, redis } = site;
    const phone = await site.phoneAtB({ behaviour: { wakeDelayMs: 300, answerDelayMs: 100 } });
    await phone.background();
    const call = stage.cucm.call({ to: '2001' });
    await phone.events.seen('pushed');
    redis.freeze();
    await eventually(() => phone.events.all('registered').length === 3, 'the REGISTER without Redis');
    await pause(500);
    redis.thaw();
    t.is((await call.answered).status, 200);
    t.like(await stage.callwake.logged('device-woke'), { from: 'store' });
    t.is(requestsIn(phone.messages, 'INVITE').length, 1);
    t.is(site.pushes.length, 1);
    await call.hangup();
  },
);

test.serial(
  'a node is cut off from Redis: its phones go on; one that woke there for a call elsewhere rings once it can be told',
  async (t) => {
    const site = await Site.start(t);
    const { stage, b } = site;
    const behaviour = { wakeDelayMs: 300, answerDelayMs: 100 };
    const phone = await site.phoneAtB({ behaviour });
    const own = await site.phoneAtB({ user: '2002', behaviour });
    for (const each of [phone, own]) await each.background();
    const call = stage.cucm.call({ to: '2001' });
    await phone.events.seen('pushed');
    b.wire.cut();
    await eventually(() => phone.events.all('registered').length === 3, 'the REGISTER at the node without Redis');
    site.trunkTo('b');
    const local = stage.cucm.call({ to: '2002' });
    t.is((await local.answered).status, 200);
    t.is(requestsIn(phone.messages, 'INVITE').length, 0);
    b.wire.mend();
    t.is((await call.answered).status, 200);
    t.is(requestsIn(phone.messages, 'INVITE').length, 1);
    t.is(site.pushes.length, 2);
    await call.hangup();
    await local.hangup();
  },
);

test.serial(
  'the machine is gone while the phone rings: the retry calls it again under the same call UUID, without a push',
  async (t) => {
    const site = await Site.start(t);
    const { stage } = site;
    const phone = await site.phoneAtB({ behaviour: { wakeDelayMs: 100, answer: 'ignore' } });
    await phone.background();
    const sessionId = 'ef'.repeat(16);
    const lost = stage.cucm.call({ to: '2001', sessionId });
    lost.answered.catch(() => undefined);
    await phone.events.seen('ringing');
    powerOff(stage.callwake);
    site.trunkTo('b');
    const call = stage.cucm.call({ to: '2001', sessionId });
    call.answered.catch(() => undefined);
    // The simulated phone refuses it; an app would take it in place of the first one, which can't be answered any more.
    await eventually(() => phone.events.all('invited').length === 2, 'the second INVITE');
    t.is(new Set(phone.events.all('invited').map(({ callUuid }) => callUuid)).size, 1);
    t.is(site.pushes.length, 1);
    await eventually(() => call.responses.some(({ status }) => status >= 200), 'the final response');
  },
);

const INSTANCE = '00000000-0000-4000-8000-0000000000c1';
const TOKEN = 'c1'.repeat(32);
