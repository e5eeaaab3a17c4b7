import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { FakeRegistrar } from '../sim/support/registrar.js';
import { rawClient } from './raw.js';
import { requestsIn, stageFor, wire } from './support.js';

const QUICK = { wakeDelayMs: 50, answerDelayMs: 100 };
const TOKEN = 'ab'.repeat(32);
const PUSH = `;pn-provider=apns;pn-param=ABCDE12345.com.example.phone.voip;pn-prid=${TOKEN}`;

function usersFile(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'callwake-users-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const ha1 = (algorithm: string) => createHash(algorithm).update('2001:corp.example:right').digest('hex');
  const file = join(folder, 'users.htdigest');
  writeFileSync(file, `2001:corp.example:${ha1('sha256')}\n2001:corp.example:${ha1('md5')}\n`);
  return file;
}

test.serial('digest: a direct phone with the right password registers, is woken and answers', async (t) => {
  const stage = await stageFor(t, { edge: 'direct', config: { registrar: { digest: { usersFile: usersFile(t) } } } });
  const phone = await stage.phone({ behaviour: QUICK, credentials: { username: '2001', password: 'right' } });
  const granted = phone.messages.find(({ message }) => message.kind === 'response' && message.status === 200)?.message;
  t.is(granted?.get('Flow-Timer'), '120', 'its flow is its own (RFC 5626 4.4.1)');
  await phone.background();
  const call = stage.cucm.call({ to: '2001' });
  await call.answered;
  t.is(stage.apple.received.length, 1);
  t.is(requestsIn(phone.messages, 'INVITE').length, 1);
  await call.hangup();
  t.deepEqual(stage.faults(), []);
});

test.serial('digest: users in the store count, and nobody else gets in', async (t) => {
  const stage = await stageFor(t, { edge: 'direct', config: { registrar: { digest: { storedUsers: true } } } });
  const phone = await stage.phone({ behaviour: QUICK, credentials: { username: '2001', password: 'right' } });
  t.false(phone.registered);
  t.is((await stage.callwake.logged('register refused')).why, 'unknown user');
});

test.serial('P24: the 401 of the REGISTER after a push releases nothing; one INVITE, after the 200', async (t) => {
  const stage = await stageFor(t, { edge: 'direct', config: { registrar: { digest: { usersFile: usersFile(t) } } } });
  const phone = await stage.phone({ behaviour: QUICK, credentials: { username: '2001', password: 'right' } });
  await phone.background();
  const from = phone.messages.length;
  const call = stage.cucm.call({ to: '2001' });
  await call.answered;
  const seen = phone.messages
    .slice(from)
    .map(({ direction, message }) =>
      message.kind === 'request'
        ? `${direction} ${message.method}`
        : `${direction} ${message.status} ${message.cseq.method}`,
    );
  const order = ['out REGISTER', 'in 401 REGISTER', 'in 200 REGISTER', 'in INVITE'].map((what) => seen.indexOf(what));
  t.true(
    order.every((at, index) => at >= 0 && (index === 0 || at > (order[index - 1] ?? 0))),
    seen.join(', '),
  );
  t.is(seen.filter((what) => what === 'in INVITE').length, 1);
  await call.hangup();
});

test.serial('digest: wrong passwords and foreign addresses get clear answers, and nothing is stored', async (t) => {
  const stage = await stageFor(t, { edge: 'direct', config: { registrar: { digest: { usersFile: usersFile(t) } } } });
  const contact = `<sip:2001@127.0.0.1${PUSH}>`;
  const nobody = await (await rawClient(t, stage)).register({ contacts: [contact] });
  t.is(nobody.status, 401);
  t.deepEqual(
    nobody.all('WWW-Authenticate').map((value) => /algorithm=([\w-]+)/.exec(value)?.[1]),
    ['SHA-256', 'MD5'],
  );
  const wrong = await rawClient(t, stage, { username: '2001', password: 'wrong' });
  t.is((await wrong.register({ contacts: [contact] })).status, 401);
  const other = await rawClient(t, stage, { username: '2001', password: 'right' });
  t.is((await other.register({ aor: 'sip:2002@corp.example', contacts: [contact] })).status, 403);
  t.is((await stage.cucm.call({ to: '2001' }).ended).status, 404);
  t.is((await stage.cucm.call({ to: '2002' }).ended).status, 404);
});

async function upstreamStage(t: ExecutionContext) {
  const registrar = await new FakeRegistrar().start();
  t.teardown(() => registrar.close());
  const peers = [{ host: '127.0.0.1', port: registrar.port, transport: 'udp' }];
  const stage = await stageFor(t, { edge: 'path', config: { registrar: { mode: 'upstream', upstream: { peers } } } });
  return { stage, registrar };
}

test.serial(
  'P14, P15, P23: upstream: relayed with callwake on top of the Path and no push parameters (P37); its 2xx counts',
  async (t) => {
    const { stage, registrar } = await upstreamStage(t);
    registrar.challenge = 'Digest realm="corp.example", nonce="n1", algorithm=MD5, qop="auth"';
    registrar.grants = 1800;
    registrar.extras = [['Service-Route', '<sip:orig@192.0.2.9;lr>']];
    const phone = await stage.phone({ behaviour: QUICK, credentials: { username: '2001', password: 'x' } });
    t.is(registrar.registers.length, 2, 'the challenge went to the phone, its answer came back');
    const [first, second] = registrar.registers;
    t.is(first?.callId, second?.callId);
    t.true(second?.has('Authorization'));
    const path = second?.list('Path') ?? [];
    t.is(path.length, 2);
    const own = (await stage.callwake.ready()).find((listener) => listener.transport === 'udp');
    t.regex(path[0] ?? '', new RegExp(`^<sip:[^@]+@${own?.host}:${own?.port};transport=udp;lr>$`));
    t.false(second?.toString().includes('pn-'));
    t.regex(second?.get('Feature-Caps') ?? '', /^\*;\+sip\.pns="apns"/);
    const answers = phone.messages.flatMap(({ direction, message }) =>
      direction === 'in' && message.kind === 'response' && message.status === 200 ? [message] : [],
    );
    t.regex(answers[0]?.get('Contact') ?? '', /expires=1800/);
    t.regex(answers[0]?.get('Contact') ?? '', /pn-prid=/);
    t.regex(answers[0]?.get('Feature-Caps') ?? '', /\+sip\.pns="apns"/);
    t.is(answers[0]?.get('Service-Route'), '<sip:orig@192.0.2.9;lr>');

    await phone.background();
    const call = stage.cucm.call({ to: '2001' });
    await call.answered;
    t.is(stage.apple.received.length, 1);
    t.is(requestsIn(phone.messages, 'INVITE').length, 1);
    await call.hangup();
    t.false(wire(stage.cucm.messages).includes('pn-'));
  },
);

test.serial('upstream: a call that the registrar sends over the Path reaches that phone', async (t) => {
  const { stage, registrar } = await upstreamStage(t);
  const phone = await stage.phone({ behaviour: QUICK });
  const call = registrar.call();
  t.is((await call.answered).status, 200);
  await phone.calls[0]?.answered;
  await call.hangup();
});

test.serial('upstream: a refusal passes through and nothing is stored', async (t) => {
  const { stage, registrar } = await upstreamStage(t);
  registrar.status = 403;
  const phone = await stage.phone({ behaviour: QUICK });
  t.false(phone.registered);
  t.is((await stage.callwake.logged('register refused')).status, 403);
  t.is((await stage.cucm.call({ to: '2001' }).ended).status, 404);
});

test.serial('upstream: a registrar that is not there is passed over for the next one', async (t) => {
  const registrar = await new FakeRegistrar().start();
  t.teardown(() => registrar.close());
  const peer = { host: '127.0.0.1', transport: 'tcp' };
  const peers = [
    { ...peer, port: 9 },
    { ...peer, port: registrar.port },
  ];
  const stage = await stageFor(t, {
    edge: 'path',
    transport: 'tcp',
    config: { registrar: { mode: 'upstream', upstream: { peers } } },
  });
  await stage.phone({ behaviour: QUICK });
  t.is(registrar.registers.length, 1);
});
