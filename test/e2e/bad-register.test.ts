import test from 'ava';
import { type RawClient, rawClient } from './raw.js';
import { stageFor } from './support.js';

const TOKEN = 'ab'.repeat(32);
const HERE = '2001@127.0.0.1:40000';
const push = (param: string, prid: string, provider = 'apns'): string =>
  `<sip:${HERE};pn-provider=${provider};pn-param=${param};pn-prid=${prid}>`;
const PARAM = 'ABCDE12345.com.example.phone.voip';

test.serial(
  'REGISTERs that make no sense get clear answers over the wire, and nothing of them is stored',
  async (t) => {
    const stage = await stageFor(t, { edge: 'direct', transport: 'tcp' });
    const client = await rawClient(t, stage);
    const ask = async (contacts: readonly string[], expires?: string, from: RawClient = client) => {
      const headers = expires === undefined ? [] : ([['Expires', expires]] as const);
      const { status, reason } = await from.register({ contacts, headers });
      return { status, reason };
    };
    const many = Array.from({ length: 200 }, (_, n) => `<sip:c${n}@192.0.2.1>`);
    t.deepEqual(await ask(many), { status: 403, reason: 'Too many contacts' });
    t.deepEqual(await ask(['*'], '3600'), { status: 400, reason: 'Contact * needs Expires: 0' });
    t.deepEqual(await ask(['*']), { status: 400, reason: 'Contact * needs Expires: 0' });
    t.deepEqual(await ask(['*', `<sip:${HERE}>`], '0'), { status: 400, reason: 'Contact * must stand alone' });
    t.is((await ask(['<sip:broken'])).status, 400);
    t.is((await ask([`<sip:${HERE}>;q=7`])).status, 400);
    t.is((await ask([`<sip:${HERE}>;reg-id=0`])).status, 400);
    t.is((await ask(['<tel:+4912345>'])).status, 416);
    t.is((await ask([`<sip:${HERE};x=${'y'.repeat(5000)}>`])).status, 400);
    t.is((await ask([push(PARAM, 'f'.repeat(4000))])).status, 400);
    t.deepEqual(await ask([push(PARAM, 'not-hexadecimal')]), {
      status: 400,
      reason: 'Device token is not hexadecimal, 8 to 512 digits',
    });
    t.is((await ask([push('no-dots', TOKEN)])).status, 400);
    t.is((await ask([`<sip:${HERE};pn-provider=apns;pn-prid=${TOKEN};pn-prid=${TOKEN}>`])).status, 400);
    t.deepEqual(await ask([push(PARAM, TOKEN)], '60'), { status: 423, reason: 'Interval Too Brief' });
    t.is((await stage.cucm.call({ to: '2001' }).ended).status, 404);
    t.is(stage.apple.total, 0);
  },
);

for (const [what, param] of [
  ['team', 'ZZZZZ99999.com.example.phone.voip'],
  ['app', 'ABCDE12345.com.example.other.voip'],
] as const) {
  test.serial(`P12: a token of a foreign ${what} is not kept; 555 where that may be said`, async (t) => {
    for (const allow555 of [false, true]) {
      const stage = await stageFor(t, {
        edge: 'direct',
        transport: 'tcp',
        config: { devices: { allow555 } },
        account: { bundleIds: ['com.example.phone'] },
        trunk: { probe: '0s', ring: '1s' },
      });
      const client = await rawClient(t, stage);
      const reachable = push(param, TOKEN).replace(':40000', `:${client.port}`);
      const answer = await client.register({ contacts: [reachable] });
      t.is(answer.status, allow555 ? 555 : 200);
      t.false(answer.has('Feature-Caps'));
      t.is((await stage.cucm.call({ to: '2001' }).ended).status, allow555 ? 404 : 486, 'it rings over SIP');
      t.is(stage.apple.total, 0);
    }
  });
}

test.serial('unknown push services register as plain SIP', async (t) => {
  const stage = await stageFor(t, { edge: 'direct', transport: 'tcp' });
  const client = await rawClient(t, stage);
  const answer = await client.register({ contacts: [push('project', 'token', 'fcm')] });
  t.is(answer.status, 200);
  t.false(answer.has('Feature-Caps'));
});

test.serial('an old REGISTER that comes late changes nothing', async (t) => {
  const stage = await stageFor(t, { edge: 'direct', transport: 'tcp' });
  const client = await rawClient(t, stage);
  const contacts = [`<sip:${HERE}>`];
  t.is((await client.register({ contacts, callId: 'one', cseq: 10 })).status, 200);
  t.is((await client.register({ contacts: [`<sip:${HERE}>;expires=0`], callId: 'one', cseq: 9 })).status, 500);
  const asked = await client.register({ contacts: [] });
  t.is(asked.all('Contact').length, 1);
});
