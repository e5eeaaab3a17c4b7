import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type Certificate, makeCertificate } from '../sim/tls/certificate.js';
import { CliError } from './exit.js';

/** Makes the p8 keys that don't exist yet, of `TEAMID:KEYID:FILE` each. */
export function makeMissingKeys(keys: readonly string[]): void {
  for (const key of keys) {
    const [, , ...path] = key.split(':');
    const file = path.join(':');
    if (file === '') throw new CliError(`"${key}" must be TEAMID:KEYID:FILE.`, 2);
    if (existsSync(file)) continue;
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  }
}

/**
 * The simulator's certificate: the one in `caFile`, with its private key beside it in `caFile.key`, if both are there, so that
 * whoever trusts it need not learn a new one after a restart; else a new one, kept there.
 */
export function keepCertificate(caFile: string, names: readonly string[]): Certificate {
  const keyFile = `${caFile}.key`;
  if (existsSync(caFile) && existsSync(keyFile)) {
    const kept = { cert: readFileSync(caFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
    createPrivateKey(kept.key);
    return kept;
  }
  const made = makeCertificate({ altNames: [...new Set(['localhost', '127.0.0.1', '::1', ...names])], days: 365 });
  writeFileSync(keyFile, made.key, { mode: 0o600 });
  writeFileSync(caFile, made.cert);
  return made;
}
