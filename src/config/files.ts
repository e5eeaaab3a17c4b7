import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseDigestUsers } from '../devices/digest-users.js';
import { parsePurrKey } from '../devices/purr-key.js';
import { ApnsKeyError, parseSigningKey } from '../push/apns/key.js';
import { tokenAlgorithms } from './api.js';
import { ConfigError, type ConfigProblem } from './errors.js';
import { reasonOf } from './load.js';
import type { Config } from './schema.js';

const MAX_KEY_BYTES = 64_000;
const MAX_USERS_BYTES = 100_000_000;

/**
 * Looks at the files and folders that a configuration names: p8 keys are P-256 private keys, the CA file holds certificates, the
 * users file and the PURR key can be read,
 * the store's folder can be written or made.
 * @throws {ConfigError} with every problem found.
 */
export function verifyFiles(config: Config, file: string): void {
  const problems: ConfigProblem[] = [];
  const check = (path: string, named: string, verify: (named: string) => void): void => {
    try {
      verify(named);
    } catch (error) {
      problems.push({ path, message: `${named}: ${reasonOf(error)}` });
    }
  };
  config.push.accounts.forEach(({ keyFile }, index) => {
    check(`push.accounts[${index}].keyFile`, keyFile, verifyKey);
  });
  if (config.push.caFile !== undefined) check('push.caFile', config.push.caFile, verifyCertificates);
  const { keyFile, certFile, caFile, serverNames } = config.engine.tls;
  if (keyFile !== undefined) check('engine.tls.keyFile', keyFile, verifyPrivateKey);
  if (certFile !== undefined) check('engine.tls.certFile', certFile, verifyCertificates);
  if (caFile !== undefined) check('engine.tls.caFile', caFile, verifyCertificates);
  const { caFile: controlCa } = config.engine.control;
  if (controlCa !== undefined) check('engine.control.caFile', controlCa, verifyCertificates);
  for (const [path, { caFile: own }] of peersOf(config)) {
    if (own !== undefined) check(`${path}.caFile`, own, verifyCertificates);
  }
  serverNames.forEach((entry, index) => {
    check(`engine.tls.serverNames[${index}].keyFile`, entry.keyFile, verifyPrivateKey);
    check(`engine.tls.serverNames[${index}].certFile`, entry.certFile, verifyCertificates);
  });
  const { tls: apiTls, jwt } = config.api;
  if (apiTls.keyFile !== undefined) {
    check('api.tls.keyFile', apiTls.keyFile, verifyPrivateKey);
  }
  if (apiTls.certFile !== undefined) check('api.tls.certFile', apiTls.certFile, verifyCertificates);
  if (jwt.publicKeyFile !== undefined) {
    check('api.jwt.publicKeyFile', jwt.publicKeyFile, (path) => void tokenAlgorithms(createPublicKey(readSmall(path))));
  }
  const { usersFile } = config.registrar.digest;
  if (usersFile !== undefined) {
    check('registrar.digest.usersFile', usersFile, (path) => void parseDigestUsers(readSmall(path, MAX_USERS_BYTES)));
  }
  const { purrKeyFile } = config.devices;
  if (purrKeyFile !== undefined && existsSync(purrKeyFile)) {
    check('devices.purrKeyFile', purrKeyFile, (path) => void parsePurrKey(readSmall(path)));
  }
  const { kind, path, redis } = config.store;
  if (kind !== 'memory') check('store.path', path, verifyFolder);
  if (redis.tls.caFile !== undefined) check('store.redis.tls.caFile', redis.tls.caFile, verifyCertificates);
  if (redis.tls.certFile !== undefined) check('store.redis.tls.certFile', redis.tls.certFile, verifyCertificates);
  if (redis.tls.keyFile !== undefined) check('store.redis.tls.keyFile', redis.tls.keyFile, verifyPrivateKey);
  if (problems.length > 0) throw new ConfigError(file, problems);
}

/** Everything that may have a certificate of its own, with its place in the configuration. */
function peersOf({ trunks, edges, registrar }: Config): readonly (readonly [string, { readonly caFile?: string }])[] {
  return [
    ...trunks.flatMap(({ peers }, trunk) => peers.map((peer, i) => [`trunks[${trunk}].peers[${i}]`, peer] as const)),
    ...edges.map((edge, index) => [`edges[${index}]`, edge] as const),
    ...registrar.upstream.peers.map((peer, index) => [`registrar.upstream.peers[${index}]`, peer] as const),
  ];
}

function verifyKey(path: string): void {
  try {
    parseSigningKey(readSmall(path), 'it');
  } catch (error) {
    if (!(error instanceof ApnsKeyError)) throw error;
    throw new Error(`is no key for APNs; give the .p8 file that Apple made: ${error.message}`);
  }
}

function verifyPrivateKey(path: string): void {
  createPrivateKey(readSmall(path));
}

function verifyCertificates(path: string): void {
  const pem = readSmall(path);
  try {
    new X509Certificate(pem);
  } catch {
    throw new Error('holds no certificate in PEM form');
  }
}

function verifyFolder(path: string): void {
  if (existsSync(path)) {
    if (!statSync(path).isDirectory()) throw new Error('is no folder');
    accessSync(path, constants.W_OK | constants.X_OK);
    return;
  }
  let parent = dirname(path);
  while (!existsSync(parent)) parent = dirname(parent);
  if (!statSync(parent).isDirectory()) throw new Error(`can't be made: ${parent} is no folder`);
  accessSync(parent, constants.W_OK | constants.X_OK);
}

function readSmall(path: string, limit = MAX_KEY_BYTES): string {
  if (statSync(path).size > limit) throw new Error('is too big for what it should be');
  return readFileSync(path, 'utf8');
}
