import { createHash } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import { DigestAuthenticator, type DigestResult, ownsAor } from '../../src/devices/digest.js';
import { DigestUsersError, parseDigestUsers, readDigestUsers } from '../../src/devices/digest-users.js';
import { FakeClock } from '../support/fake-clock.js';

const REALM = 'corp.example';
const hash = (name: string, text: string) => createHash(name).update(text).digest('hex');
const md5 = (text: string) => hash('md5', text);
const sha = (text: string) => hash('sha256', text);
const USERS = parseDigestUsers(
  [
    '# phones',
    `2001:${REALM}:${md5(`2001:${REALM}:secret`)}`,
    `2001:${REALM}:${sha(`2001:${REALM}:secret`)}`,
    `old:${REALM}:${md5(`old:${REALM}:secret`)}`,
    '',
  ].join('\n'),
);

interface Answer {
  username?: string;
  password?: string;
  algorithm?: 'MD5' | 'SHA-256';
  nc?: string;
  method?: string;
  qop?: boolean;
}

/** What a phone answers to a challenge. */
function answer(challenge: DigestResult, given: Answer = {}): string {
  const { username = '2001', password = 'secret', algorithm = 'SHA-256', nc = '00000001', qop = true } = given;
  const nonce = nonceOf(challenge);
  const [h, uri] = [algorithm === 'MD5' ? md5 : sha, 'sip:corp.example'];
  const [a1, a2] = [h(`${username}:${REALM}:${password}`), h(`${given.method ?? 'REGISTER'}:${uri}`)];
  const response = qop ? h(`${a1}:${nonce}:${nc}:cn:auth:${a2}`) : h(`${a1}:${nonce}:${a2}`);
  const rest = qop ? `, qop=auth, nc=${nc}, cnonce="cn"` : '';
  return `Digest username="${username}", realm="${REALM}", nonce="${nonce}", uri="${uri}", response="${response}", algorithm=${algorithm}${rest}`;
}

function nonceOf(challenge: DigestResult): string {
  return (challenge.kind === 'challenge' && /nonce="([^"]+)"/.exec(challenge.values[0] ?? '')?.[1]) || '';
}

function bench() {
  const clock = new FakeClock();
  const key = new Uint8Array(32).fill(1);
  return { clock, key, digest: new DigestAuthenticator({ realm: REALM, users: USERS, clock, key }) };
}

test('without credentials it asks, SHA-256 before MD5, each on a line of its own (RFC 8760)', async (t) => {
  const { digest } = bench();
  const asked = await digest.check('REGISTER', []);
  t.is(asked.kind, 'challenge');
  const values = asked.kind === 'challenge' ? asked.values : [];
  t.deepEqual(
    values.map((value) => /algorithm=([^,]+)/.exec(value)?.[1]),
    ['SHA-256', 'MD5'],
  );
  for (const value of values) {
    t.true(value.startsWith(`Digest realm="${REALM}", nonce="`));
    t.true(value.includes('qop="auth"'));
    t.false(value.includes('stale'));
  }
});

for (const algorithm of ['SHA-256', 'MD5'] as const) {
  test(`right credentials are taken: ${algorithm}`, async (t) => {
    const { digest } = bench();
    const asked = await digest.check('REGISTER', []);
    t.deepEqual(await digest.check('REGISTER', [answer(asked, { algorithm })]), {
      kind: 'authenticated',
      username: '2001',
    });
  });
}

for (const [what, given] of [
  ['a wrong password', { password: 'guess' }],
  ['an unknown user', { username: 'nobody' }],
  ['another method', { method: 'INVITE' }],
  ['an algorithm for which there is no secret', { username: 'old' }],
  ['no qop', { qop: false }],
] as const) {
  test(`${what} is asked again, not as stale`, async (t) => {
    const { digest } = bench();
    const again = await digest.check('REGISTER', [answer(await digest.check('REGISTER', []), given)]);
    t.is(again.kind, 'challenge');
    t.false(again.kind === 'challenge' && again.values.join().includes('stale'));
  });
}

test('a user with only an MD5 secret gets in with MD5', async (t) => {
  const { digest } = bench();
  const header = answer(await digest.check('REGISTER', []), { username: 'old', algorithm: 'MD5' });
  t.is((await digest.check('REGISTER', [header])).kind, 'authenticated');
});

test('a nonce may be used again with a higher count, not with the same: that is a replay', async (t) => {
  const { digest } = bench();
  const asked = await digest.check('REGISTER', []);
  t.is((await digest.check('REGISTER', [answer(asked)])).kind, 'authenticated');
  const replayed = await digest.check('REGISTER', [answer(asked)]);
  t.true(replayed.kind === 'challenge' && replayed.values.every((value) => value.endsWith('stale=true')));
  t.is((await digest.check('REGISTER', [answer(asked, { nc: '0000000a' })])).kind, 'authenticated');
});

test('an old nonce is asked again as stale when the rest is right, so that the phone need not ask its user', async (t) => {
  const { digest, clock } = bench();
  const asked = await digest.check('REGISTER', []);
  clock.advance(300_001);
  const stale = await digest.check('REGISTER', [answer(asked)]);
  t.true(stale.kind === 'challenge' && stale.values.every((value) => value.endsWith('stale=true')));
  t.is((await digest.check('REGISTER', [answer(stale)])).kind, 'authenticated');
  const wrong = await digest.check('REGISTER', [answer(asked, { password: 'guess' })]);
  t.false(wrong.kind === 'challenge' && wrong.values.join().includes('stale'));
});

test('a nonce made elsewhere is not taken, one of another node with the same key is', async (t) => {
  const { digest, clock, key } = bench();
  const twin = new DigestAuthenticator({ realm: REALM, users: USERS, clock, key });
  const stranger = new DigestAuthenticator({ realm: REALM, users: USERS, clock });
  t.is((await digest.check('REGISTER', [answer(await twin.check('REGISTER', []))])).kind, 'authenticated');
  t.is((await digest.check('REGISTER', [answer(await stranger.check('REGISTER', []))])).kind, 'challenge');
});

test('credentials for another realm or of another scheme are passed over', async (t) => {
  const { digest } = bench();
  const own = answer(await digest.check('REGISTER', []));
  const others = ['Bearer abc', own.replace(REALM, 'other.example')];
  t.is((await digest.check('REGISTER', others)).kind, 'challenge');
  t.is((await digest.check('REGISTER', [...others, own])).kind, 'authenticated');
});

for (const header of [
  'Digest realm="corp.example"',
  'Digest ,=x',
  'Digest a=1, A=2',
  `Digest x="${'y'.repeat(5000)}"`,
]) {
  test(`a header that makes no sense is malformed: ${header.slice(0, 30)}`, async (t) => {
    t.is((await bench().digest.check('REGISTER', [header])).kind, 'malformed');
  });
}

test('no text in the header gets anybody in or makes it fail', async (t) => {
  const { digest } = bench();
  const field = fc.tuple(
    fc.constantFrom('username', 'realm', 'nonce', 'uri', 'response', 'algorithm', 'qop', 'nc', 'cnonce'),
    fc.oneof(fc.constantFrom('2001', REALM, 'auth', '00000001', 'SHA-256', '""'), fc.string({ maxLength: 40 })),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(field, { maxLength: 10 }), async (fields) => {
      const header = `Digest ${fields.map(([name, value]) => `${name}=${value}`).join(', ')}`;
      return (await digest.check('REGISTER', [header])).kind !== 'authenticated';
    }),
  );
  t.pass();
});

test('a user owns the AOR of his name in the realm', (t) => {
  t.true(ownsAor('2001', REALM, 'sip:2001@corp.example'));
  t.true(ownsAor('2001@corp.example', 'any', 'sip:2001@corp.example'));
  t.false(ownsAor('2002', REALM, 'sip:2001@corp.example'));
  t.false(ownsAor('2001', 'other.example', 'sip:2001@corp.example'));
});

test('a users file with a bad line is refused by its number, without the secret', (t) => {
  for (const line of ['nobody', `a:b:${'0'.repeat(31)}`, `a:${'0'.repeat(32)}`, 'a:b:secret-in-clear']) {
    const error = t.throws(() => parseDigestUsers(`# first\n${line}`, 'users.txt'), { instanceOf: DigestUsersError });
    t.true(error.message.startsWith('users.txt, line 2:'));
    t.false(error.message.includes('secret-in-clear'));
  }
});

test('a users file that is not there is an error', async (t) => {
  await t.throwsAsync(readDigestUsers('test/fixtures/no-such-users'), { code: 'ENOENT' });
});
