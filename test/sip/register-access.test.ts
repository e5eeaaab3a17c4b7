import { createHash } from 'node:crypto';
import test from 'ava';
import { DigestAuthenticator } from '../../src/devices/digest.js';
import { parseDigestUsers } from '../../src/devices/digest-users.js';
import { answerChallenge } from '../../src/sim/ua/digest.js';
import type { SrfRequest } from '../../src/sip/drachtio.js';
import type { HeaderLines } from '../../src/sip/header-lines.js';
import { type AccessOptions, accessOf, type EdgeTrust } from '../../src/sip/register-access.js';
import { FakeClock } from '../support/fake-clock.js';

const REALM = 'corp.example';
const AOR = 'sip:2001@corp.example';
const WHO = { username: '2001', password: 'secret' };
const EDGES: Readonly<Record<string, EdgeTrust>> = {
  '192.0.2.1': { name: 'trusted', digest: false },
  '192.0.2.2': { name: 'plain', digest: true },
};

function bench(allowDirect = true, withUsers = true) {
  const clock = new FakeClock();
  const ha1 = createHash('sha256').update(`2001:${REALM}:secret`).digest('hex');
  const users = parseDigestUsers(`2001:${REALM}:${ha1}`);
  const options: AccessOptions = {
    edgeOf: ({ source_address: address }) => EDGES[address],
    allowDirect,
    ...(withUsers && {
      digest: { realm: REALM, authenticator: new DigestAuthenticator({ realm: REALM, users, clock }) },
    }),
  };
  const ask = (from: string, lines: HeaderLines = [], aor = AOR) =>
    accessOf(options, { method: 'REGISTER', source_address: from } as SrfRequest, lines, aor);
  const challenged = async (from: string) => {
    const asked = await ask(from);
    return asked.kind === 'refused' ? asked.headers.map(([, value]) => value) : [];
  };
  return { ask, challenged, clock };
}

function credentials(challenge: string | undefined, who = WHO): HeaderLines {
  return [['Authorization', answerChallenge(challenge ?? '', 'REGISTER', `sip:${REALM}`, who) ?? '']];
}

test('an edge that is trusted by its address needs no credentials', async (t) => {
  t.deepEqual(await bench().ask('192.0.2.1'), { kind: 'granted', fromEdge: true });
});

test('anybody else gets 403 where phones must come through an edge', async (t) => {
  t.like(await bench(false).ask('203.0.113.9'), { kind: 'refused', status: 403 });
});

test('without a users file a direct phone is taken as it is', async (t) => {
  t.deepEqual(await bench(true, false).ask('203.0.113.9'), { kind: 'granted', fromEdge: false });
});

for (const [from, fromEdge] of [
  ['203.0.113.9', false],
  ['192.0.2.2', true],
] as const) {
  test(`digest from ${from}: challenged with SHA-256 and MD5, then let in`, async (t) => {
    const { ask, challenged } = bench();
    const challenges = await challenged(from);
    t.deepEqual(
      challenges.map((value) => /algorithm=([\w-]+)/.exec(value)?.[1]),
      ['SHA-256', 'MD5'],
    );
    t.deepEqual(await ask(from, credentials(challenges[0])), { kind: 'granted', fromEdge });
  });
}

test('a wrong password, an unknown user, an old nonce: challenged again', async (t) => {
  const { ask, challenged, clock } = bench();
  const [challenge] = await challenged('203.0.113.9');
  t.like(await ask('203.0.113.9', credentials(challenge, { ...WHO, password: 'wrong' })), {
    status: 401,
    why: 'wrong response',
  });
  t.like(await ask('203.0.113.9', credentials(challenge, { ...WHO, username: '2002' })), {
    status: 401,
    why: 'unknown user',
  });
  clock.advance(600_000);
  t.like(await ask('203.0.113.9', credentials(challenge)), { status: 401, why: 'nonce too old' });
});

test("nobody registers somebody else's address", async (t) => {
  const { ask, challenged } = bench();
  const lines = credentials((await challenged('203.0.113.9'))[0]);
  t.like(await ask('203.0.113.9', lines, 'sip:2002@corp.example'), { kind: 'refused', status: 403 });
});

test('credentials that make no sense get 400', async (t) => {
  t.like(await bench().ask('203.0.113.9', [['Authorization', 'Digest realm="corp.example", realm="x"']]), {
    status: 400,
  });
});
