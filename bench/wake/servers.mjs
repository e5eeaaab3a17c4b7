// Starts the two that are compared, each pushing to the endpoint over HTTP/2 and TLS.
import { execFileSync, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import jwt from 'jsonwebtoken';
import { freePort, startCallwake, started } from '../harness/servers.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const TEAM = 'TEAM123456';
const KEY_ID = 'KEYID12345';

function signingKey() {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** callwake as `callwake start` runs it, two connections to the endpoint. `settings` go over the bench's own. */
export function callwake(folder, { caller, edge, push, cert, log, hold, settings = {}, workers = 1, program }) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'key.p8'), signingKey(), { mode: 0o600 });
  writeFileSync(join(folder, 'ca.pem'), cert);
  return startCallwake(
    folder,
    {
      trunks: [{ name: 'cucm', peers: [{ host: caller, transport: 'udp' }], hold, maxHeld: 20_000, maxActive: 50_000 }],
      edges: [{ name: 'edge', addresses: [edge] }],
      // Phones of the bench unregister to be without a binding; Kamailio's configuration keeps their tokens, too.
      devices: { unregisterEndsToken: false },
      push: {
        provider: 'apns',
        accounts: [{ teamId: TEAM, keyId: KEY_ID, keyFile: join(folder, 'key.p8'), environment: 'production' }],
        endpoints: { production: `https://${push.host}:${push.port}` },
        caFile: join(folder, 'ca.pem'),
        connections: 2,
      },
      ...(log === undefined ? {} : { log: { level: log, format: 'json' } }),
      ...settings,
    },
    workers,
    program,
  );
}

/** What a network engineer would build with Kamailio: kamailio.cfg beside this file. */
export async function kamailio(folder, { push, hold }) {
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const control = `unix:${join(folder, 'ctl')}`;
  const names = [
    `SIP_LISTEN=udp:127.0.0.1:${port}`,
    `PUSH_BASE="https://${push.host}:${push.port}"`,
    `CTL="${control}"`,
    `HOLD_MS=${Number.parseInt(hold, 10) * 1000}`,
  ];
  const memory = ['-m', '2048', '-M', '32', '-x', 'tlsf', '-X', 'tlsf'];
  const args = ['-f', join(HERE, 'kamailio.cfg'), '-DD', '-E', '-Y', folder, ...memory];
  const env = { PATH: `${process.env.PATH}:/usr/sbin` };
  const child = spawn('kamailio', [...args, ...names.flatMap((name) => ['-A', name])], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env,
  });
  child.stderr.on('data', (text) => /ERROR|CRITICAL/.test(text) && process.stderr.write(text));
  const server = await started(child, port);
  // The module that would make the provider token is in no package of Debian 12: it is put in from outside.
  const token = jwt.sign({}, signingKey(), { algorithm: 'ES256', keyid: KEY_ID, issuer: TEAM });
  execFileSync('kamcmd', ['-s', control, 'htable.sets', 'conf', 'jwt', token], { stdio: 'ignore', env });
  return server;
}
