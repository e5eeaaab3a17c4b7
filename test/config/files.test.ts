import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { stringify } from 'yaml';
import { verifyFiles } from '../../src/config/files.js';
import { parseConfig } from '../../src/config/load.js';

const folder = mkdtempSync(join(tmpdir(), 'callwake-files-'));
test.after.always(() => rmSync(folder, { recursive: true }));

const pem = (namedCurve: string) =>
  generateKeyPairSync('ec', { namedCurve }).privateKey.export({ type: 'pkcs8', format: 'pem' });

function verify(key: string | Buffer, more: Record<string, unknown> = {}, api: Record<string, unknown> = {}): void {
  writeFileSync(join(folder, 'key.p8'), key);
  const file = join(folder, 'callwake.yaml');
  const config = {
    domains: ['corp.example'],
    trunks: [{ name: 'cucm', peers: [{ host: '192.0.2.10' }] }],
    directPhones: { allow: true },
    push: { provider: 'apns', accounts: [{ teamId: 'ABCDE12345', keyId: 'KEYID12345', keyFile: 'key.p8' }], ...more },
    store: { path: 'data' },
    api,
  };
  verifyFiles(parseConfig(stringify(config), { file, env: {} }), file);
}

test.serial("Apple's kind of key passes", (t) => {
  t.notThrows(() => verify(pem('P-256')));
});

test.serial('another key, no key, or no file is told', (t) => {
  for (const wrong of [pem('P-384'), 'not a key', '']) {
    t.throws(() => verify(wrong), {
      message: /push\.accounts\[0\]\.keyFile: .*key\.p8: is no key for APNs; give the \.p8/,
    });
  }
  t.throws(() => verify(pem('P-256'), { caFile: 'missing.pem' }), { message: /push\.caFile: .*there is no such file/ });
  t.throws(() => verify(pem('P-256'), { caFile: 'key.p8' }), { message: /holds no certificate/ });
});

test.serial('the API’s certificate, and the key of its tokens', (t) => {
  const tls = { keyFile: 'key.p8', certFile: 'key.p8' };
  t.throws(() => verify(pem('P-256'), {}, { tls }), { message: /api\.tls\.certFile: .*holds no certificate/ });
  const publicKeyFile = 'issuer.pem';
  const issuer = (key: KeyObject) =>
    writeFileSync(join(folder, publicKeyFile), key.export({ type: 'spki', format: 'pem' }));
  issuer(generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey);
  t.notThrows(() => verify(pem('P-256'), {}, { jwt: { publicKeyFile } }));
  issuer(generateKeyPairSync('ed25519').publicKey);
  t.throws(() => verify(pem('P-256'), {}, { jwt: { publicKeyFile } }), {
    message: /api\.jwt\.publicKeyFile: .*neither an RSA key nor an EC key/,
  });
});
