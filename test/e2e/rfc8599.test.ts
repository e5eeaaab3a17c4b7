import test, { type ExecutionContext } from 'ava';
import type { EdgeKind, Stage } from '../../src/demo/stage.js';
import { FakeRegistrar } from '../sim/support/registrar.js';
import { rawClient } from './raw.js';
import { externalEngine, requestsIn, stageFor, wire } from './support.js';

const QUICK = { wakeDelayMs: 50, answerDelayMs: 100 };
const APP_KEY = Buffer.alloc(32, 9).toString('base64url');
const PURRS = { devices: { purrKeyFile: 'purr.key' } };

test.serial('P26: a registrar that says 403 to the phone that was woken ends the wait at once', async (t) => {
  const registrar = await new FakeRegistrar().start();
  t.teardown(() => registrar.close());
  const peers = [{ host: '127.0.0.1', port: registrar.port, transport: 'udp' }];
  const stage = await stageFor(t, { edge: 'path', config: { registrar: { mode: 'upstream', upstream: { peers } } } });
  const phone = await stage.phone({ behaviour: QUICK });
  await phone.background();
  registrar.status = 403;
  const call = stage.cucm.call({ to: '2001' });
  t.is((await call.ended).status, 480);
  const end = await stage.callwake.logged('end');
  t.true(Number(end.ms) < 13_000, 'the hold was cut short');
  t.is(requestsIn(phone.messages, 'INVITE').length, 0);
});

test.serial('P33: callwake stays in the way of every dialog: its own Contact toward both sides', async (t) => {
  const stage = await stageFor(t, { edge: 'path' });
  const phone = await stage.phone({ behaviour: QUICK });
  const call = stage.cucm.call({ to: '2001' });
  await call.answered;
  const own = `@?${stage.sip.host}:${stage.sip.port}`;
  t.regex(requestsIn(phone.messages, 'INVITE')[0]?.get('Contact') ?? '', new RegExp(own));
  const answers = stage.cucm.messages.flatMap(({ direction, message }) =>
    direction === 'in' && message.kind === 'response' && message.status === 200 ? (message.get('Contact') ?? []) : [],
  );
  t.regex(answers[0] ?? '', new RegExp(own));
  await call.hangup();
  t.is((await phone.calls[0]?.ended)?.how, 'remote');
});

test.serial('P32: each 200 to REGISTER brings a new PURR', async (t) => {
  const stage = await stageFor(t, { edge: 'path', config: PURRS });
  const phone = await stage.phone({ behaviour: QUICK });
  await phone.register();
  const purrs = purrsOf(phone.messages.map(({ message }) => message.toString()));
  t.is(purrs.size, 2);
  for (const purr of purrs) t.regex(purr, /^[\w-]{80,}$/);
});

test.serial(
  'P34: an INFO for a phone that went to sleep in a call is held, the phone is pushed and then gets it',
  async (t) => {
    const stage = await stageFor(t, { edge: 'path', config: PURRS });
    const phone = await stage.phone({ behaviour: QUICK });
    const call = stage.cucm.call({ to: '2001' });
    await call.answered;
    const { instance, voipToken } = phone.identity;
    const asleep = await (await rawClient(t, stage)).register({
      contacts: [
        `<sip:2001@127.0.0.1:9;pn-provider=apns;pn-param=ABCDE12345.com.example.phone.voip;pn-prid=${voipToken}>` +
          `;+sip.instance="<${instance}>";reg-id=2;app-state=background`,
      ],
    });
    t.is(asleep.status, 200);
    t.is(stage.apple.received.length, 0);
    const info = await call.request('INFO', { body: 'Signal=5\r\n', contentType: 'application/dtmf-relay' });
    t.is(info.status, 200);
    t.is(stage.apple.received.length, 1);
    t.is(requestsIn(phone.messages, 'INFO').length, 1);
    const seen = phone.messages.map(({ direction, message }) =>
      message.kind === 'request'
        ? `${direction} ${message.method}`
        : `${direction} ${message.status} ${message.cseq.method}`,
    );
    t.true(seen.lastIndexOf('in 200 REGISTER') < seen.indexOf('in INFO'), 'not before the 2xx');
    await call.hangup();
    t.deepEqual(stage.faults(), []);
  },
);

test.serial(
  'P34: the same in a call that the phone has made: an INFO of the trunk is held, the phone is pushed and then gets it',
  async (t) => {
    const stage = await stageFor(t, { edge: 'path', config: PURRS });
    const phone = await stage.phone({ behaviour: QUICK });
    const call = await phone.call('1001');
    await call.answered;
    const { instance, voipToken } = phone.identity;
    const asleep = await (await rawClient(t, stage)).register({
      contacts: [
        `<sip:2001@127.0.0.1:9;pn-provider=apns;pn-param=ABCDE12345.com.example.phone.voip;pn-prid=${voipToken}>` +
          `;+sip.instance="<${instance}>";reg-id=2;app-state=background`,
      ],
    });
    t.is(asleep.status, 200);
    const there = stage.cucm.calls[0];
    const info = await there?.request('INFO', { body: 'Signal=5\r\n', contentType: 'application/dtmf-relay' });
    t.is(info?.status, 200);
    t.is(stage.apple.received.length, 1);
    t.is(requestsIn(phone.messages, 'INFO').length, 1);
    await there?.hangup();
    t.is((await call.ended).how, 'remote');
    t.deepEqual(stage.faults(), []);
  },
);

for (const edge of ['path', 'direct'] satisfies EdgeKind[]) {
  const title = `P34: what was held inside a dialog goes to where the phone has registered meanwhile, not to where it was: ${edge}`;
  (externalEngine === undefined ? test.serial : test.serial.skip)(title, async (t) => {
    const stage = await stageFor(t, { edge, config: PURRS });
    const phone = await stage.phone({ behaviour: QUICK });
    const call = stage.cucm.call({ to: '2001' });
    await call.answered;
    const before = await phone.wake();
    await phone.background();
    // The simulated app has lost its dialogs with its sleep: that it says so shows that it was reached.
    const info = await call.request('INFO', { body: 'Signal=5\r\n', contentType: 'application/dtmf-relay' });
    t.is(info.status, 481);
    t.not((await phone.wake()).port, before.port);
    t.is(requestsIn(phone.messages, 'INFO').length, 1);
    t.is(stage.apple.received.length, 1);
  });
}

for (const edge of ['path', 'rewrite', 'direct'] satisfies EdgeKind[]) {
  test.serial(`P37: no push parameter leaves toward anybody but its own phone: ${edge}`, async (t) => {
    const stage = await stageFor(t, { edge, config: PURRS });
    const phone = await stage.phone({ behaviour: QUICK, alertToken: 'cd'.repeat(32), encryptionKey: APP_KEY });
    await stage.phone({ platform: 'ipad', behaviour: { ...QUICK, answer: 'ignore' } });
    await phone.background();
    const call = stage.cucm.call({ to: '2001', offer: 'early' });
    await call.answered;
    await call.reinvite({ hold: true });
    await call.hangup();
    checkNothingLeaked(t, stage, phone.identity.voipToken ?? '');
    const answers = phone.messages.filter(
      ({ direction, message }) => direction === 'in' && message.kind === 'response',
    );
    t.false(wire(answers).includes(APP_KEY));
  });
}

function checkNothingLeaked(t: ExecutionContext, stage: Stage, token: string): void {
  const toTrunk = wire(stage.cucm.messages);
  t.true(toTrunk.length > 0);
  t.notRegex(toTrunk, /pn-(?!purr)/i);
  t.false(toTrunk.includes(token));
  const toPhones = wire(
    (stage.edge?.messages ?? []).filter(
      ({ direction, message }) => direction === 'in' && message.kind === 'request' && message.method !== 'REGISTER',
    ),
  );
  t.notRegex(toPhones, /pn-(?!purr)/i);
  for (const text of [toTrunk, toPhones]) t.false(text.includes(APP_KEY));
  for (const secret of [token, APP_KEY]) t.false(JSON.stringify(stage.callwake.log).includes(secret), 'in the log');
}

function purrsOf(messages: readonly string[]): Set<string> {
  return new Set(messages.flatMap((text) => /\+sip\.pnspurr="([^"]+)"/.exec(text)?.[1] ?? []));
}
