import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { systemClock } from '../../../src/clock/clock.js';
import { ApnsProvider } from '../../../src/push/apns/client.js';
import { ApnsKeyError, type ApnsKeyErrorCode, loadSigningKey, parseSigningKey } from '../../../src/push/apns/key.js';
import { keyId, signingKey, teamId } from '../support.js';

const pem = signingKey.export({ type: 'pkcs8', format: 'pem' }).toString();

test("Apple's .p8 file is read", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'callwake-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const path = join(folder, 'AuthKey_KEY1234567.p8');
  await writeFile(path, pem);
  t.is(loadSigningKey(path).asymmetricKeyDetails?.namedCurve, 'prime256v1');
});

const generated = {
  p384: generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey,
  ed25519: generateKeyPairSync('ed25519').privateKey,
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
};
const asPkcs8 = (key: (typeof generated)[keyof typeof generated]) =>
  key.export({ type: 'pkcs8', format: 'pem' }).toString();

const faults: readonly [string, ApnsKeyErrorCode, RegExp, () => unknown][] = [
  [
    'a file that is not there',
    'unreadable',
    /\/nowhere\/AuthKey\.p8 can't be read: ENOENT\. Check the path/,
    () => loadSigningKey('/nowhere/AuthKey.p8'),
  ],
  ['text that is no PEM', 'not-pem', /holds no PEM block/, () => parseSigningKey('secret')],
  [
    'a certificate',
    'not-pem',
    /holds a "CERTIFICATE"/,
    () => parseSigningKey('-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----'),
  ],
  [
    'SEC1 instead of PKCS#8',
    'not-pem',
    /"EC PRIVATE KEY"/,
    () => parseSigningKey(signingKey.export({ type: 'sec1', format: 'pem' }).toString()),
  ],
  ['a damaged file', 'not-pem', /damaged/, () => parseSigningKey(pem.replace(/[A-Za-z]{8}/, '!!!!!!!!'))],
  ['a key on P-384', 'not-p256', /secp384r1.*Take the \.p8 file/, () => parseSigningKey(asPkcs8(generated.p384))],
  ['an Ed25519 key', 'not-p256', /ed25519/, () => parseSigningKey(asPkcs8(generated.ed25519))],
  ['an RSA key', 'not-p256', /rsa/, () => parseSigningKey(asPkcs8(generated.rsa))],
  ['a short key id', 'key-id', /"KEY" is no APNs key id/, () => withAccount({ keyId: 'KEY' })],
  ['a long team id', 'team-id', /"TEAM1234567" is no Apple team id/, () => withAccount({ teamId: 'TEAM1234567' })],
];

function withAccount(changes: { teamId?: string; keyId?: string }) {
  return new ApnsProvider({ clock: systemClock, accounts: [{ teamId, keyId, key: pem, ...changes }] });
}

for (const [name, code, message, attempt] of faults) {
  test(`refused with a clear word: ${name}`, (t) => {
    const error = t.throws(attempt, { instanceOf: ApnsKeyError, message });
    t.is(error?.code, code);
    t.false(error?.message.includes(pem.split('\n')[1] ?? 'x'));
  });
}
