import test, { type ExecutionContext } from 'ava';
import { ApiStage } from '../ops/api-stage.js';
import { type Stranger, stranger } from './stranger.js';
import { requestsIn, wire } from './support.js';

const QUICK = { wakeDelayMs: 50, answerDelayMs: 100 };
const ASLEEP = { ...QUICK, deaf: true } as const;
const SERVER = 'sip:corp.example';
const STORED = { registrar: { digest: { storedUsers: true } } };
const NAMED = { username: '2001', password: 'right' };

/** Users 2001 and 2002 with passwords, no edge. */
async function withUsers(t: ExecutionContext, limits: object = {}): Promise<ApiStage> {
  const api = await ApiStage.start(t, { edge: 'direct', config: { ...STORED, limits } });
  for (const user of ['2001', '2002']) {
    const { status } = await api.ask(`/v1/users/${user}`, { method: 'PUT', body: { password: 'right' } });
    t.is(status, 201);
  }
  return api;
}

async function guess(who: Stranger, user: string, password: string): Promise<number> {
  const register = {
    method: 'REGISTER',
    uri: SERVER,
    from: `sip:${user}@corp.example`,
    to: `sip:${user}@corp.example`,
  };
  const challenge = await who.ask(register);
  if (challenge.status !== 401) return challenge.status;
  const header = who.authorization(challenge, 'REGISTER', SERVER, user, password);
  return (await who.ask({ ...register, headers: [header] })).status;
}

test.serial(
  'who guesses passwords is banned, whatever he asks for; others are not, and the ban clears itself',
  async (t) => {
    const api = await withUsers(t, { bans: { failures: 4, within: '5m', for: '3s' } });
    const { stage } = api;
    const phone = await stage.phone({ behaviour: QUICK, credentials: NAMED });
    const attacker = await stranger(t, '127.8.1.66', stage.sip);
    const other = await stranger(t, '127.8.1.67', stage.sip);
    const statuses: number[] = [];
    for (let index = 0; index < 7; index++) statuses.push(await guess(attacker, `20${index}`, 'secret'));
    t.deepEqual(statuses, [401, 401, 401, 401, 401, 403, 403]);
    t.is((await attacker.ask({ method: 'OPTIONS', uri: SERVER })).status, 403);
    t.is(await guess(other, '2001', 'right'), 200);
    t.like(await stage.callwake.logged('banned'), { address: '127.8.1.66', reason: 'unknown user' });
    const { json } = await api.ask('/v1/refusals');
    t.like(json, { banned: [{ address: '127.8.1.66', reason: 'unknown user' }] });
    t.regex((await api.ask('/metrics')).text, /callwake_refusals_total\{what="REGISTER",reason="unknown user"\} 5/);
    t.true((await api.ask('/v1/alarms')).text.includes('SIPSourcesBanned'));
    const call = stage.cucm.call({ to: '2001' });
    await call.answered;
    await call.hangup();
    t.true(requestsIn(phone.messages, 'INVITE').length === 1);
    const deadline = Date.now() + 30_000;
    while ((await guess(attacker, '2001', 'right')) !== 200) t.true(Date.now() < deadline, 'the ban ends');
    t.deepEqual((await api.ask('/v1/refusals')).json.banned, []);
  },
);

test.serial('a ban is lifted over the API', async (t) => {
  const api = await withUsers(t, { bans: { failures: 1 } });
  const attacker = await stranger(t, '127.8.1.66', api.stage.sip);
  for (let index = 0; index < 2; index++) await guess(attacker, '2001', 'wrong');
  t.is(await guess(attacker, '2001', 'right'), 403);
  t.is((await api.ask('/v1/bans/127.8.1.66', { method: 'DELETE' })).status, 204);
  t.is(await guess(attacker, '2001', 'right'), 200);
  t.is((await api.ask('/v1/bans/127.8.1.66', { method: 'DELETE' })).status, 404);
});

test.serial('a REGISTER claims a held call only with the right to its AOR', async (t) => {
  const { stage } = await withUsers(t);
  const phone = await stage.phone({ behaviour: ASLEEP, credentials: NAMED });
  await phone.background();
  const attacker = await stranger(t, '127.8.1.66', stage.sip);
  const call = stage.cucm.call({ to: '2001' });
  await stage.callwake.logged('push-accepted');
  const claim = { method: 'REGISTER', uri: SERVER, from: 'sip:2001@corp.example', to: 'sip:2001@corp.example' };
  t.is((await attacker.ask(claim)).status, 401, 'no credentials');
  t.is(await guess(attacker, '2001', 'wrong'), 401, 'a wrong password');
  const challenge = await attacker.ask(claim);
  const other = attacker.authorization(challenge, 'REGISTER', SERVER, '2002', 'right');
  t.is((await attacker.ask({ ...claim, headers: [other] })).status, 403, 'somebody else’s password');
  await phone.register();
  await call.answered;
  t.deepEqual(attacker.requests, []);
  t.is(requestsIn(phone.messages, 'INVITE').length, 1);
  await call.hangup();
});

test.serial(
  'strangers get 403 for whatever they ask, nothing rings, nothing is pushed, the trunk hears nothing',
  async (t) => {
    const api = await ApiStage.start(t, { edge: 'path' });
    const { stage } = api;
    const phone = await stage.phone({ behaviour: QUICK });
    await phone.background();
    const attacker = await stranger(t, '127.8.1.66', stage.sip);
    const from = 'sip:2001@corp.example';
    const methods = ['REGISTER', 'INVITE', 'MESSAGE', 'NOTIFY'];
    for (const method of methods) {
      const answer = await attacker.ask({ method, uri: 'sip:2001@corp.example', from, body: 'hello' });
      t.is(answer.status, 403, method);
    }
    t.is(
      (await attacker.ask({ method: 'INVITE', uri: 'sip:+4930123456@corp.example', from })).status,
      403,
      'toll fraud',
    );
    const scanner = ['User-Agent: friendly-scanner'];
    t.is((await attacker.ask({ method: 'OPTIONS', uri: 'sip:100@1.1.1.1', headers: scanner })).status, 403);
    t.like(await stage.callwake.logged('banned'), { address: '127.8.1.66', reason: 'scanner' });
    t.is(stage.apple.received.length, 0);
    t.is(requestsIn(stage.cucm.messages, 'INVITE').length + requestsIn(phone.messages, 'INVITE').length, 0);
    const counts = (await api.ask('/v1/refusals')).json.counts as { what: string; count: number }[];
    t.deepEqual(counts.map(({ what }) => what).sort(), ['INVITE', 'MESSAGE', 'NOTIFY', 'OPTIONS', 'REGISTER'].sort());
  },
);

test.serial(
  'pushes have budgets per phone and per caller: beyond, the call ends at once and Apple hears nothing',
  async (t) => {
    const limits = { pushes: { perDevice: { count: 2, per: '1h' }, perCaller: { count: 5, per: '1h' } } };
    const api = await ApiStage.start(t, { edge: 'path', config: { limits } });
    const { stage } = api;
    for (const user of ['2001', '2002', '2003']) await (await stage.phone({ user, behaviour: ASLEEP })).background();
    const ring = async (to: string, from: string): Promise<void> => {
      const call = stage.cucm.call({ to, from });
      await stage.callwake.logged('push-asked', (line) => line.callUuid !== undefined);
      const pushed = stage.apple.received.length;
      await Promise.race([call.ended, waitFor(() => stage.apple.received.length > pushed)]);
      call.cancel();
      await call.ended;
    };
    for (let index = 0; index < 4; index++) await ring('2001', '1001');
    t.is(stage.apple.received.length, 2);
    await ring('2002', '1001');
    await ring('2003', '1001');
    await ring('2003', '1009');
    t.is(stage.apple.received.length, 4);
    const reasons = stage.callwake.log.filter(({ event }) => event === 'push-refused').map(({ reason }) => reason);
    t.deepEqual(reasons, ['DeviceBudget', 'DeviceBudget', 'CallerBudget']);
    const { text } = await api.ask('/v1/alarms');
    t.true(text.includes('AbuseBudgetReached'));
  },
);

test.serial('calls that wait for one user have a limit: beyond, 486, and the first call goes on', async (t) => {
  const api = await ApiStage.start(t, { edge: 'path', config: { limits: { heldPerAor: 2 } } });
  const { stage } = api;
  const phone = await stage.phone({ behaviour: ASLEEP });
  await phone.background();
  const first = stage.cucm.call({ to: '2001', from: '1001' });
  const second = stage.cucm.call({ to: '2001', from: '1002' });
  await stage.callwake.logged('push-accepted');
  const third = stage.cucm.call({ to: '2001', from: '1003' });
  t.is((await third.ended).status, 486);
  second.cancel();
  await second.ended;
  await phone.register();
  await first.answered;
  await first.hangup();
  t.regex((await api.ask('/metrics')).text, /callwake_refusals_total\{what="INVITE",reason="budget heldPerAor"\} 1/);
});

test.serial('REGISTERs of one address, and calls of one user to the trunk, have budgets', async (t) => {
  const api = await ApiStage.start(t, {
    edge: 'direct',
    config: { limits: { registrations: { count: 3, per: '1h' }, outboundCalls: { count: 2, per: '1h' } } },
  });
  const { stage } = api;
  const phone = await stage.phone({ behaviour: QUICK });
  for (let index = 0; index < 2; index++) {
    const call = await phone.call('1001', {}, { register: false });
    await call.answered;
    await call.hangup();
  }
  t.is((await (await phone.call('1001', {}, { register: false })).ended).status, 403);
  t.is(requestsIn(stage.cucm.messages, 'INVITE').length, 2);
  const many = await stranger(t, '127.8.1.70', stage.sip);
  const statuses: number[] = [];
  for (let index = 0; index < 4; index++) {
    const aor = `sip:30${index}@corp.example`;
    statuses.push((await many.ask({ method: 'REGISTER', uri: SERVER, from: aor, to: aor })).status);
  }
  t.deepEqual(statuses, [200, 200, 200, 503]);
});

test.serial(
  'what phones assert of identities, diversions and charging goes nowhere, in requests, answers and inside the call',
  async (t) => {
    const { stage } = await ApiStage.start(t, { edge: 'path' });
    const phone = await stage.phone({ behaviour: QUICK });
    const spoofed = [
      ['P-Asserted-Identity', '<sip:boss@corp.example>'],
      ['Diversion', '<sip:boss@corp.example>;reason=unconditional'],
      ['History-Info', '<sip:boss@corp.example>;index=1'],
      ['P-Charging-Vector', 'icid-value=boss'],
      ['Identity', 'boss'],
      ['X-Callwake-Call-UUID', 'boss'],
    ] as const;
    const call = await phone.call('1001', { headers: spoofed });
    await call.answered;
    t.is((await call.request('INFO', { headers: spoofed, body: 'x', contentType: 'text/plain' })).status, 200);
    await call.hangup();
    t.false(wire(stage.cucm.messages).includes('boss'));
    t.deepEqual(requestsIn(stage.cucm.messages, 'INVITE')[0]?.all('P-Asserted-Identity'), ['<sip:2001@corp.example>']);
  },
);

test.serial(
  'a caller who wants privacy stays unknown to the phone, which is outside the trust domain (RFC 3325 section 7)',
  async (t) => {
    const { stage } = await ApiStage.start(t, { edge: 'path' });
    const phone = await stage.phone({ behaviour: QUICK });
    const call = stage.cucm.call({
      to: '2001',
      from: 'anonymous',
      headers: [
        ['Privacy', 'id'],
        ['P-Asserted-Identity', '<sip:1001@corp.example>'],
        ['Remote-Party-ID', '<sip:1001@corp.example>;party=calling;privacy=full'],
      ],
    });
    await call.answered;
    const [invite] = requestsIn(phone.messages, 'INVITE');
    t.false(invite?.has('P-Asserted-Identity'));
    t.false(invite?.has('Remote-Party-ID'));
    t.is(invite?.get('Privacy'), 'id');
    await call.hangup();
  },
);

async function waitFor(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('it did not come to that');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
