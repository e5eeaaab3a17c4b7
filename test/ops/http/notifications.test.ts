import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import fc from 'fast-check';
import { killApp } from '../../../src/demo/app-process.js';
import { SCOPES, type Scope } from '../../../src/ops/http/scopes.js';
import { requestsIn } from '../../e2e/support.js';
import { ApiStage, type AskOptions, token } from '../api-stage.js';

const MESSAGE = {
  kind: 'message',
  to: 'sip:2001@corp.example',
  sender: { name: 'Ada Lovelace' },
  text: 'Lunch at noon?',
  conversation: 'ada',
  badge: 3,
};

/** The alerts that Apple got: one whose answer is late on a busy machine may come twice, under the same apns-id. */
const alerts = ({ stage }: ApiStage): number => new Set(stage.apple.received.map(({ apnsId }) => apnsId)).size;

test('a notification becomes an alert push at Apple, once for each Idempotency-Key, restart or not', async (t) => {
  const api = await ApiStage.start(t);
  const alertToken = 'a1'.repeat(32);
  const phone = await api.stage.phone({ alertToken });
  const send = (body: unknown, key?: string, by = token()) =>
    api.ask('/v1/notifications', {
      body,
      token: by,
      ...(key === undefined ? {} : { headers: { 'idempotency-key': key } }),
    });
  t.like(await send(MESSAGE), { status: 200, json: { results: [{ outcome: 'active' }] } });
  await phone.background();
  const first = await send(MESSAGE, 'key-1');
  t.like(first, { status: 200, json: { results: [{ outcome: 'pushed', reason: 'Apple took it' }] } });
  t.is(first.headers.get('idempotency-replayed'), null);
  const [push, ...more] = api.stage.apple.received;
  t.deepEqual(more, []);
  t.like(push, {
    token: alertToken,
    answer: 200,
    headers: { 'apns-push-type': 'alert', 'apns-topic': 'com.example.phone' },
  });
  t.like(push?.payload, { aps: { badge: 3 } });

  const again = await send(MESSAGE, 'key-1');
  t.deepEqual(again.json, first.json);
  t.is(again.headers.get('idempotency-replayed'), 'true');
  t.like(await send({ ...MESSAGE, text: 'Dinner?' }, 'key-1'), { status: 422 });
  t.like(await send(MESSAGE, 'not a key'), {
    status: 400,
    json: { errors: [{ in: 'header', path: 'idempotency-key' }] },
  });
  t.is(alerts(api), 1);
  t.is((await send(MESSAGE, 'key-1', token(undefined, 'somebody else'))).headers.get('idempotency-replayed'), null);
  t.is(alerts(api), 2);

  const listening = api.stage.callwake.logged('api listening', ({ url }) => url !== api.url);
  await killApp(api.stage);
  const { url } = await listening;
  const response = await fetch(`${url}/v1/notifications`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token()}`, 'content-type': 'application/json', 'idempotency-key': 'key-1' },
    body: JSON.stringify(MESSAGE),
  });
  t.deepEqual(await response.json(), first.json);
  t.is(response.headers.get('idempotency-replayed'), 'true');
  t.is(alerts(api), 2);
  t.notRegex(JSON.stringify(api.stage.callwake.log), /Lunch|(a1){32}/);
});

test('invitations, voicemail, missed calls; what is expired, muted or for nobody', async (t) => {
  const api = await ApiStage.start(t);
  await api.stage.callwake.logged('connected to APNs');
  const send = (body: unknown) => api.ask('/v1/notifications', { body });
  const to = '2001';
  t.like(await send({ ...MESSAGE, to }), { status: 404 });
  const phone = await api.stage.phone({ alertToken: 'b2'.repeat(32) });
  await phone.background();
  const soon = new Date(Date.now() + 600_000).toISOString();
  const invitation = {
    kind: 'invitation',
    to,
    invitation: { title: 'Review', start: soon, joinUrl: 'https://meet.example/1' },
  };
  t.like((await send(invitation)).json, { results: [{ outcome: 'pushed' }] });
  t.like((await send({ ...invitation, expiresAt: Date.now() - 1000 })).json, { results: [{ outcome: 'expired' }] });
  t.like((await send({ kind: 'voicemail', to, counts: { new: 1, old: 0 } })).json, {
    results: [{ outcome: 'pushed' }],
  });
  const missed = { kind: 'missed-call', to, sender: { address: '+49301234' }, at: Date.now() };
  t.like((await send(missed)).json, { results: [{ outcome: 'pushed' }] });
  t.is(alerts(api), 3);
  t.like(await send({ ...missed, device: 'another' }), { status: 404 });

  const preferences = '/v1/users/2001/preferences';
  t.deepEqual((await api.ask(preferences)).json, {});
  const until = Date.now() + 60_000;
  t.deepEqual((await api.ask(preferences, { method: 'PUT', body: { mute: { until } } })).json, { mute: { until } });
  t.like((await send(missed)).json, { results: [{ outcome: 'muted' }] });
  t.deepEqual((await api.ask(preferences)).json, { mute: { until } });
  const quiet = { quietHours: { from: '22:00', to: '07:00', timeZone: 'Mars/Olympus' } };
  const refused = await api.ask(preferences, { method: 'PUT', body: quiet });
  t.like(refused, { status: 422, json: { errors: [{ path: 'quietHours.timeZone' }] } });
  t.like(await api.ask(preferences, { method: 'PUT', body: { quietHours: { from: '24:00' } } }), { status: 400 });
  t.deepEqual((await api.ask(preferences)).json, { mute: { until } }, 'nothing half done');
  t.is(alerts(api), 3);
});

test('bad input: the right status, a problem that says why, and nothing half done', async (t) => {
  const api = await ApiStage.start(t);
  const phone = await api.stage.phone({ alertToken: 'c3'.repeat(32) });
  await phone.background();
  const everything = Object.keys(SCOPES) as Scope[];
  for (const [why, status, words, ask] of [
    ['half a JSON text', 400, /JSON/, { body: '{"kind":"message",' }],
    ['an unknown kind', 400, /kind|message, invitation/, { body: { ...MESSAGE, kind: 'fax' } }],
    ['an unknown member', 400, /urgent/, { body: { ...MESSAGE, urgent: true } }],
    ['too long a text', 400, /4000 characters/, { body: { ...MESSAGE, text: 'x'.repeat(4001) } }],
    [
      'a join URL that is none',
      400,
      /invitation/,
      { body: { kind: 'invitation', to: '2001', invitation: { title: 'x', start: 1, joinUrl: 'here' } } },
    ],
    ['an unknown AOR', 404, /2999/, { body: { ...MESSAGE, to: '2999' } }],
    ['an unknown device', 404, /another/, { body: { ...MESSAGE, device: 'another' } }],
    ['another domain', 404, /elsewhere/, { body: { ...MESSAGE, to: 'sip:2001@elsewhere.example' } }],
    ['an expired token', 401, /expired/, { body: MESSAGE, token: token(everything, 'tests', -60_000) }],
    ['no token', 401, /token/i, { body: MESSAGE, token: null }],
    ['a token without the scope', 403, /notifications:write/, { body: MESSAGE, token: token(['status:read']) }],
    ['another type', 415, /json/, { body: 'kind=message', headers: { 'content-type': 'text/plain' } }],
    ['a body above the bound', 413, /too large/, { body: { ...MESSAGE, text: 'x'.repeat(300_000) } }],
  ] as const satisfies readonly (readonly [string, number, RegExp, AskOptions])[]) {
    const answer = await api.ask('/v1/notifications', ask);
    t.is(answer.status, status, `${why}: ${answer.text}`);
    t.regex(answer.headers.get('content-type') ?? '', /^application\/problem\+json/, why);
    t.like(answer.json, { status }, why);
    t.regex(answer.text, words, why);
  }
  // 10 MB are not read to their end: the answer comes, or the connection is cut while they are written.
  const big = await api.ask('/v1/notifications', { body: { ...MESSAGE, text: 'x'.repeat(10_000_000) } }).then(
    ({ status }) => status,
    (error: Error) => String((error.cause as NodeJS.ErrnoException | undefined)?.code),
  );
  t.true(big === 413 || big === 'EPIPE' || big === 'ECONNRESET', String(big));
  t.is(alerts(api), 0);
  t.like((await api.ask('/v1/notifications', { body: MESSAGE })).json, { results: [{ outcome: 'pushed' }] });
  t.is(alerts(api), 1);
  t.deepEqual(api.stage.faults(), []);
});

test('messages that were given up are listed, page by page, without their text', async (t) => {
  const api = await ApiStage.start(t, { transport: 'tcp' });
  const phone = await api.stage.phone();
  await phone.background();
  const { cucm, callwake } = api.stage;
  for (const body of ['secret 1', 'secret 2']) {
    const headers = [['Expires', '1']] as const;
    t.is((await cucm.send('MESSAGE', '2001', { contentType: 'text/plain', body, headers })).status, 202);
  }
  await pause(1_100);
  let dead = 0;
  const given = callwake.logged('message-dead', () => ++dead === 2);
  await phone.register();
  await given;
  const page = (query: string) => api.ask(`/v1/dead-messages?limit=1${query}`);
  const first = await page('');
  const second = await page(`&after=${first.json.next}`);
  const shown = { aor: 'sip:2001@corp.example', contentType: 'text/plain', reason: 'kept too long' };
  t.like(first.json, { items: [shown] });
  t.like(second.json, { items: [shown] });
  t.not(first.text, second.text);
  t.deepEqual((await page(`&after=${second.json.next}`)).json, { items: [] });
  t.notRegex(first.text, /secret/);
  t.is(requestsIn(phone.messages, 'MESSAGE').length, 0);
});

test('whatever comes as a body, the answer is never 500', async (t) => {
  const api = await ApiStage.start(t);
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('message', 'voicemail', '2001', 'sip:2001@corp.example'),
  );
  const value = fc.oneof(fc.anything({ maxDepth: 3 }), text);
  const shaped = fc.record(
    {
      kind: fc.oneof(fc.constantFrom('message', 'invitation', 'voicemail', 'missed-call'), value),
      to: text,
      sender: value,
      text: value,
      counts: value,
      invitation: value,
      at: value,
      badge: value,
      expiresAt: value,
      platform: value,
      tokens: value,
      password: value,
      quietHours: value,
      mute: value,
    },
    { requiredKeys: [] },
  );
  const places = [
    ['POST', '/v1/notifications'],
    ['PUT', '/v1/users/2001'],
    ['PUT', '/v1/users/2001/preferences'],
    ['PUT', '/v1/devices/2001/phone'],
  ] as const;
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...places), fc.oneof(shaped, value), async ([method, path], body) => {
      const sent = JSON.stringify(body, (_, part) => (typeof part === 'bigint' ? String(part) : part)) ?? 'null';
      const { status } = await api.ask(path, { method, body: sent });
      t.true([200, 201, 400, 404, 413, 422].includes(status), `${status} for ${path} ${sent}`);
    }),
    { numRuns: 150 },
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('users', 'devices'), fc.string({ unit: 'binary' }), async (kind, name) => {
      const { status } = await api.ask(`/v1/${kind}/${encodeURIComponent(name)}`, {
        method: 'GET',
      });
      t.true([200, 400, 404, 414].includes(status), `${status} for ${name}`);
    }),
    { numRuns: 50 },
  );
});
