import { createPublicKey } from 'node:crypto';
import test from 'ava';
import jwt from 'jsonwebtoken';
import { checkAccount } from '../../../src/push/apns/key.js';
import { type ProviderToken, ProviderTokens } from '../../../src/push/apns/token.js';
import { FakeClock } from '../../support/fake-clock.js';
import { keyId, signingKey, teamId } from '../support.js';

const MINUTE = 60_000;

function setUp() {
  const clock = new FakeClock(Date.parse('2026-01-05T08:00:00.750Z'));
  const provider = new ProviderTokens(checkAccount({ teamId, keyId, key: signingKey }), clock);
  return { clock, tokens: atOnce(provider) };
}

/** Without a store there is always a token at once. */
function atOnce(tokens: ProviderTokens) {
  return {
    forConnection: (used?: ProviderToken): ProviderToken => {
      const token = tokens.forConnection(used);
      if (!token) throw new Error('no token');
      return token;
    },
    expired: (refused: ProviderToken) => tokens.expired(refused),
    tooMany: () => tokens.tooMany(),
  };
}

test("a provider token says what Apple wants and is signed with the account's key", (t) => {
  const { tokens } = setUp();
  const read = jwt.verify(tokens.forConnection().jwt, createPublicKey(signingKey), {
    algorithms: ['ES256'],
    complete: true,
    clockTimestamp: Date.parse('2026-01-05T08:00:00Z') / 1000,
  });
  t.like(read.header, { alg: 'ES256', kid: keyId });
  t.deepEqual(read.payload, { iss: teamId, iat: Date.parse('2026-01-05T08:00:00Z') / 1000 });
  t.is(Buffer.from(read.signature, 'base64url').length, 64);
});

test('one token serves every connection and is renewed after 50 minutes', (t) => {
  const { clock, tokens } = setUp();
  const first = tokens.forConnection();
  t.is(tokens.forConnection(), first);
  clock.advance(50 * MINUTE - 1);
  t.is(tokens.forConnection(first), first);
  clock.advance(1);
  const second = tokens.forConnection(first);
  t.not(second.jwt, first.jwt);
  t.is(tokens.forConnection(first), second);
});

test('no connection ever sees two tokens within 20 minutes, however late it was opened', (t) => {
  const { clock, tokens } = setUp();
  const connections: { used?: ProviderToken; since: number }[] = [];
  let shortest = Number.POSITIVE_INFINITY;
  let oldest = 0;
  const minted = new Set<ProviderToken>();
  for (let minute = 0; minute < 600; minute++) {
    if (minute % 7 === 0) connections.push({ since: clock.now() });
    for (const connection of connections) {
      const token = connection.used ? tokens.forConnection(connection.used) : tokens.forConnection();
      if (connection.used && connection.used !== token) {
        shortest = Math.min(shortest, clock.now() - connection.since);
        connection.since = clock.now();
      }
      connection.used = token;
      oldest = Math.max(oldest, clock.now() - token.issuedAt);
      minted.add(token);
    }
    clock.advance(MINUTE);
  }
  t.true(shortest >= 20 * MINUTE);
  t.true(oldest < 60 * MINUTE);
  t.true(minted.size <= 600 / 20);
});

test('of many pushes refused for the same token only the first gets a new one made', (t) => {
  const { tokens } = setUp();
  const first = tokens.forConnection();
  tokens.expired(first);
  const second = tokens.forConnection();
  t.not(second, first);
  tokens.expired(first);
  t.is(tokens.forConnection(), second);
});

test('after too many updates the old token is kept, also for new connections, as long as it is good', (t) => {
  const { clock, tokens } = setUp();
  const first = tokens.forConnection();
  clock.advance(31 * MINUTE);
  tokens.tooMany();
  t.is(tokens.forConnection(), first);
  clock.advance(19 * MINUTE);
  t.not(tokens.forConnection(), first);
});

test('a clock that was set back leads to a new token', (t) => {
  const { clock, tokens } = setUp();
  const first = tokens.forConnection();
  const back = atOnce(
    new ProviderTokens(checkAccount({ teamId, keyId, key: signingKey }), {
      now: () => clock.now() - 10 * MINUTE,
      monotonic: () => clock.monotonic(),
      setTimeout: (fn, ms) => clock.setTimeout(fn, ms),
    }),
  );
  t.not(back.forConnection(first), first);
  t.true(back.forConnection(first).issuedAt < first.issuedAt);
});
