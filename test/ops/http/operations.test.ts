import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import type { PhoneSimulator } from '../../../src/sim/phone/index.js';
import { requestsIn } from '../../e2e/support.js';
import { type Answer, ApiStage, token } from '../api-stage.js';

const QUICK = { wakeDelayMs: 50, answerDelayMs: 50 };
const ALERT_TOKEN = 'ab'.repeat(32);

/** A port on loopback that nobody listens on. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A callwake with a sleeping phone of 2001, and the alarms that its webhook was told of. */
async function started(t: Parameters<typeof ApiStage.start>[0]) {
  const told: string[] = [];
  const receiver = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    request.on('end', () => {
      told.push(String(JSON.parse(text).name));
      response.writeHead(204).end();
    });
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  t?.teardown(() => receiver.close());
  const port = await closedPort();
  const api = await ApiStage.start(t, {
    peers: (cucm) => [cucm, { host: '127.0.0.1', port, transport: 'tcp', priority: 9 }],
    config: {
      alarms: {
        webhooks: [
          { url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`, secret: 'hush, says the webhook' },
        ],
      },
    },
  });
  const phone = await api.stage.phone({ alertToken: ALERT_TOKEN, behaviour: QUICK });
  await phone.background();
  return { api, phone, told };
}

const wakeTestOf = (phone: PhoneSimulator): string =>
  `/v1/devices/${encodeURIComponent('sip:2001@corp.example')}/${phone.identity.instance.replace('urn:uuid:', '')}/wake-test`;

/** The methods of the requests that came to the phone, retransmissions and ACKs left out. */
const methods = (phone: PhoneSimulator): string[] =>
  ['OPTIONS', 'INVITE', 'CANCEL'].flatMap((method) => requestsIn(phone.messages, method).map(() => method));

const first = (answer: Answer, list: string): Record<string, unknown> =>
  ((answer.json[list] as Record<string, unknown>[])[0] ?? {}) as Record<string, unknown>;

/** What matters in the ladder of a call that woke a phone, in order; the phone may be faster than Apple's answer. */
const STORY = [
  'trunk>callwake INVITE',
  'callwake>apns VoIP push',
  'phone>callwake REGISTER (path)',
  'callwake>phone INVITE (path)',
  'phone>callwake 180',
  'callwake>trunk 180',
  'phone>callwake 200 (INVITE)',
  'callwake>trunk 200 (INVITE)',
  'trunk>callwake BYE',
];

test('a call is found, told event by event, and drawn; figures, trunks and alarms are told; secrets are not', async (t) => {
  const { api, phone, told } = await started(t);
  const { stage } = api;
  const events = await fetch(`${api.url}/v1/events`, { headers: { authorization: `Bearer ${token()}` } });
  t.is(events.headers.get('content-type'), 'text/event-stream; charset=utf-8');
  const call = stage.cucm.call({ to: '2001', displayName: 'Ada Lovelace', from: '1001' });
  await call.answered;
  await call.hangup();
  await call.ended;
  await stage.callwake.logged('end');

  const list = await api.ask('/v1/calls?text=1001&reason=answered');
  t.is(list.status, 200);
  const summary = first(list, 'calls');
  t.like(summary, { caller: '1001', called: 'sip:2001@corp.example', trunk: 'cucm', state: 'over', pushes: 1 });
  t.true(Number(summary.wakeTook) >= 50);
  for (const id of [summary.callUuid, summary.callId, summary.sessionId]) {
    const { json } = await api.ask(`/v1/calls/${encodeURIComponent(String(id))}`);
    const arrows = (json.events as { arrow: { from: string; to?: string; label: string } }[])
      .filter(({ arrow }) => arrow.to !== undefined)
      .map(({ arrow }) => `${arrow.from}>${arrow.to} ${arrow.label.replace(/\d+ ms/, 'n ms')}`);
    const drawn = arrows.filter((arrow) => STORY.includes(arrow));
    t.deepEqual(drawn, STORY);
    t.true(arrows.indexOf('apns>callwake 200 (n ms)') > arrows.indexOf('callwake>apns VoIP push'));
  }
  const ladder = await api.ask(`/v1/calls/${summary.callUuid}/ladder`);
  t.is(ladder.headers.get('content-type'), 'text/plain; charset=utf-8');
  t.regex(ladder.text, /^1001 -> sip:2001@corp\.example, .*: answered\n/);
  t.is((await api.ask('/v1/calls/nothing')).status, 404);
  const wrong = await api.ask('/v1/calls?state=asleep');
  t.is(wrong.status, 400);
  t.regex(String(wrong.json.detail), /state: .*held, ringing, up or over/);

  const { value } = (await events.body?.getReader().read()) ?? {};
  t.regex(Buffer.from(value ?? []).toString(), /^: callwake\n\n/);

  const overview = await api.ask('/v1/overview');
  t.like(overview.json, {
    ready: true,
    calls: { held: 0, ringing: 0, up: 0 },
    outcomes: { answered: 1 },
    pushes: { 200: 1 },
    push: { provider: 'apns' },
  });
  t.is((overview.json.wake as { count: number }).count, 1);
  const trunk = first(overview, 'trunks');
  t.like(trunk, { name: 'cucm', held: 0, active: 0 });
  t.deepEqual(
    (trunk.peers as { state: string }[]).map(({ state }) => state),
    ['in-service', 'out-of-service'],
  );
  const alarm = first(await api.ask('/v1/alarms'), 'active');
  t.like(alarm, { name: 'SIPTrunkPartiallyISV', subject: 'cucm', severity: 'warning', state: 'active' });
  t.regex(String(alarm.text), /CUCM nodes/);
  t.deepEqual(told, ['SIPTrunkPartiallyISV']);

  const configuration = await api.ask('/v1/configuration');
  t.regex(configuration.text, /secret: \(hidden\)/);
  t.notRegex(configuration.text, /hush, says|with more than 32 characters/);
  const everything = [list.text, overview.text, ladder.text, configuration.text].join('\n');
  t.false(everything.includes(String(phone.identity.voipToken)), 'a push token');
});

test('the wake test pushes as a call does, waits for the REGISTER, asks the phone, and takes the call off its screen', async (t) => {
  const { api, phone } = await started(t);
  phone.behaviour = { ...QUICK, answerDelayMs: 600_000 };
  const streamed = await api.ask(wakeTestOf(phone), {
    body: { mode: 'call' },
    headers: { accept: 'text/event-stream' },
  });
  t.is(streamed.status, 200);
  const names = [...streamed.text.matchAll(/^event: (\w+)$/gm)].map(([, name]) => name);
  t.deepEqual(names, ['step', 'step', 'step', 'step', 'step', 'report']);
  const report = JSON.parse(/event: report\ndata: (.*)/.exec(streamed.text)?.[1] ?? '{}');
  t.like(report, { woken: true, mode: 'call' });
  t.regex(report.verdict, /^The phone wakes: back in \d+ ms\.$/);
  await phone.calls[0]?.ended;
  t.deepEqual(methods(phone), ['OPTIONS', 'INVITE', 'CANCEL']);
  t.like(api.stage.apple.received[0], { answer: 200 });
  t.like(api.stage.apple.received[0]?.payload, { callwake: { callerName: 'Wake test', calledNumber: '2001' } });
  t.deepEqual(api.stage.faults(), []);

  const awake = await api.ask(wakeTestOf(phone).replace(/sip%3A2001%40corp.example/, '2001'), { body: {} });
  t.like(awake.json, { woken: true, verdict: 'The phone is awake and answers.' });
  t.is(api.stage.apple.received.length, 1);

  await phone.background();
  const silent = await api.ask(wakeTestOf(phone), { body: { mode: 'silent' } });
  t.like(silent.json, { woken: true, mode: 'silent' });
  t.is(api.stage.apple.received.at(-1)?.headers['apns-push-type'], 'background');
  t.deepEqual(methods(phone), ['OPTIONS', 'OPTIONS', 'OPTIONS', 'INVITE', 'CANCEL']);
});

test('a wake test of a phone that does not come says so; a second one meanwhile is refused; one of nobody is not found', async (t) => {
  const api = await ApiStage.start(t, { trunk: { hold: '1s' } });
  const phone = await api.stage.phone({ behaviour: { deaf: true } });
  await phone.background();
  const [one, other] = await Promise.all([
    api.ask(wakeTestOf(phone), { body: {} }),
    api.ask(wakeTestOf(phone), { body: {} }),
  ]);
  const [refused, done] = one.status === 409 ? [one, other] : [other, one];
  t.is(refused.status, 409);
  t.regex(String(done.json.verdict), /^It broke at register: no REGISTER within 1 s\. /);
  t.is((await api.ask('/v1/devices/sip%3Anobody%40corp.example/x/wake-test', { body: {} })).status, 404);
  t.is((await api.ask(wakeTestOf(phone), { body: { mode: 'loud' } })).status, 400);
  t.is((await api.ask(wakeTestOf(phone), { body: {}, token: token(['calls:read']) })).status, 403);
});

test('the dashboard is served to everybody, to nothing but itself, and not again when it has not changed', async (t) => {
  const api = await ApiStage.start(t);
  const page = await api.ask('/', { token: null });
  t.is(page.status, 200);
  t.regex(page.text, /<title>callwake<\/title>/);
  const policy = page.headers.get('content-security-policy') ?? '';
  t.regex(policy, /default-src 'none'/);
  t.notRegex(policy, /unsafe/);
  const sources = [...page.text.matchAll(/(?:src|href)="([^":]+)"|"(\.\/lib\/[^"]+)"/g)].map(
    ([, a, b]) => a ?? b ?? '',
  );
  t.true(sources.length >= 6);
  for (const source of sources) {
    const file = await api.ask(`/dashboard/${source.replace(/^\.\//, '')}`, { token: null });
    t.is(file.status, 200, source);
    const again = await api.ask(`/dashboard/${source.replace(/^\.\//, '')}`, {
      token: null,
      headers: { 'if-none-match': file.headers.get('etag') ?? '' },
    });
    t.is(again.status, 304);
  }
  for (const path of ['/dashboard/../package.json', '/dashboard/..%2f..%2fpackage.json', '/dashboard/nothing.js']) {
    t.is((await api.ask(path, { token: null })).status, 404, path);
  }
});
