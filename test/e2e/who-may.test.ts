import test from 'ava';
import { ApiStage } from '../ops/api-stage.js';
import { stranger } from './stranger.js';
import { requestsIn, wire } from './support.js';

const QUICK = { wakeDelayMs: 50, answerDelayMs: 50 };
const ASLEEP = { ...QUICK, deaf: true } as const;
const SERVER = 'sip:corp.example';
const EDGE = '127.8.2.20';

test.serial('OPTIONS is answered to edges and to this machine; a stranger gets 403', async (t) => {
  const { stage } = await ApiStage.start(t, { edge: 'path', config: { edges: [{ name: 'e', addresses: [EDGE] }] } });
  const here = await stranger(t, '127.0.0.1', stage.sip);
  const edge = await stranger(t, EDGE, stage.sip);
  t.is((await here.ask({ method: 'OPTIONS', uri: SERVER })).status, 200);
  t.is((await edge.ask({ method: 'OPTIONS', uri: SERVER })).status, 200);
});

test.serial(
  'behind an edge it is the phone that is banned, by the address in the edge’s Via, and not the edge',
  async (t) => {
    const api = await ApiStage.start(t, {
      edge: 'path',
      config: {
        edges: [{ name: 'edge', addresses: [EDGE], digest: true }],
        registrar: { digest: { storedUsers: true } },
        limits: { bans: { failures: 2, within: '5m', for: '5m' } },
      },
    });
    await api.ask('/v1/users/2001', { method: 'PUT', body: { password: 'right-password' } });
    const edge = await stranger(t, EDGE, api.stage.sip);
    const via = (address: string) => `Via: SIP/2.0/TLS 10.0.0.1:5061;branch=z9hG4bKphone;received=${address}`;
    const attempt = async (address: string, password: string): Promise<number> => {
      const aor = 'sip:2001@corp.example';
      const register = { method: 'REGISTER', uri: SERVER, from: aor, to: aor };
      const challenge = await edge.ask({ ...register, headers: [via(address)] });
      if (challenge.status !== 401) return challenge.status;
      const credentials = edge.authorization(challenge, 'REGISTER', SERVER, '2001', password);
      return (await edge.ask({ ...register, headers: [via(address), credentials] })).status;
    };
    const guesses: number[] = [];
    for (let index = 0; index < 4; index++) guesses.push(await attempt('203.0.113.66', `guess ${index}`));
    t.deepEqual(guesses, [401, 401, 401, 403]);
    t.is(await attempt('203.0.113.66', 'right-password'), 403);
    t.is(await attempt('203.0.113.7', 'right-password'), 200, 'another phone behind the same edge');
    t.like((await api.ask('/v1/refusals')).json, { banned: [{ address: '203.0.113.66' }] });
  },
);

test.serial('a trunk has a budget of pushes, whoever calls whom', async (t) => {
  const limits = { pushes: { perTrunk: { count: 2, per: '1h' } } };
  const { stage } = await ApiStage.start(t, { edge: 'path', config: { limits } });
  const users = ['2001', '2002', '2003'];
  for (const user of users) await (await stage.phone({ user, behaviour: ASLEEP })).background();
  const calls = [];
  for (const [index, to] of users.entries()) {
    calls.push(stage.cucm.call({ to, from: `100${index}` }));
    const { callUuid } = await stage.callwake.logged('invite-received', ({ aor }) => aor === `sip:${to}@corp.example`);
    if (index < 2) await stage.callwake.logged('push-accepted', (line) => line.callUuid === callUuid);
  }
  t.is((await calls[2]?.ended)?.status, 480);
  t.like(await stage.callwake.logged('push-refused'), { reason: 'TrunkBudget' });
  for (const call of calls.slice(0, 2)) {
    call.cancel();
    await call.ended;
  }
  t.is(stage.apple.received.length, 2);
});

test.serial(
  'what a phone says of itself in its answers goes nowhere: the caller sees whom callwake reached',
  async (t) => {
    const { stage } = await ApiStage.start(t, { edge: 'path' });
    const phone = await stage.phone({ behaviour: QUICK, asserts: '<sip:boss@corp.example>' });
    const call = stage.cucm.call({ to: '2001' });
    await call.answered;
    await call.hangup();
    t.regex(wire(phone.messages), /P-Asserted-Identity: <sip:boss@corp\.example>/);
    t.false(wire(stage.cucm.messages).includes('boss'));
    const asserted = stage.cucm.messages.flatMap(({ message }) =>
      message.kind === 'response' && message.cseq.method === 'INVITE' && message.status > 100
        ? message.all('P-Asserted-Identity')
        : [],
    );
    t.deepEqual([...new Set(asserted)], ['<sip:2001@corp.example>']);
    t.is(requestsIn(phone.messages, 'INVITE').length, 1);
  },
);
