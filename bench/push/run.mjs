// Starts client processes, nghttpd, and the files both need.
import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { makeCertificate } from '../../dist/sim/tls/certificate.js';
import { scratch } from '../harness/servers.mjs';

const here = dirname(fileURLToPath(import.meta.url));
/** apns2 speaks to port 443 only; on an address of its own nobody else needs it. */
export const HOST = process.env.CALLWAKE_BENCH_HOST ?? '127.0.0.7';
export const PORT = 443;
export const folder = scratch();
export const certificate = makeCertificate({ altNames: [HOST] });
export const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
const caFile = join(folder, 'ca.pem');
writeFileSync(caFile, certificate.cert);

/** A client process; `cpu` pins it. `ask(order)` settles with what it says to an order, undefined if it says nothing (more). */
export function startClient(client, { cpu } = {}) {
  const args = [...(process.env.CALLWAKE_BENCH_NODE ?? '').split(' ').filter(Boolean), join(here, 'client.mjs')];
  const command =
    cpu === undefined ? [process.execPath, args] : ['taskset', ['-c', String(cpu), process.execPath, ...args]];
  const child = spawn(...command, {
    stdio: ['pipe', 'pipe', process.env.CALLWAKE_BENCH_VERBOSE ? 'inherit' : 'ignore'],
    env: { ...process.env, NODE_EXTRA_CA_CERTS: caFile },
  });
  child.stdin.on('error', () => {});
  const write = (value) => child.stdin.write(`${JSON.stringify(value)}\n`);
  write({ client, server: { host: HOST, port: PORT, ca: certificate.cert, key } });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = new Promise((resolve) => child.on('close', resolve));
  return {
    async ask(order) {
      const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
      write(order);
      const { value } = await lines.next();
      clearTimeout(timer);
      return value === undefined ? undefined : JSON.parse(value);
    },
    end() {
      child.stdin.end();
      return ended;
    },
  };
}

/** nghttpd with one file that every push of the bench asks for: an empty 200. */
export async function startNghttpd({ cpu }) {
  // Two may listen side by side (SO_REUSEPORT), and each would get some of the connections.
  if (await listens()) throw new Error(`something listens on ${HOST}:${PORT} already: end it first`);
  const files = join(folder, 'www', '3', 'device');
  mkdirSync(files, { recursive: true });
  writeFileSync(join(files, 'ab'.repeat(32)), '');
  const keyFile = join(folder, 'key.pem');
  writeFileSync(keyFile, certificate.key);
  const args = ['-c', String(cpu), 'nghttpd', '-n1', '-m1000', `--address=${HOST}`, '-d', join(folder, 'www')];
  const child = spawn('taskset', [...args, String(PORT), keyFile, caFile], { stdio: 'ignore' });
  process.on('exit', () => child.kill());
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
  for (let tries = 0; tries < 100 && !(await listens()); tries++)
    await new Promise((resolve) => setTimeout(resolve, 50));
  return child;
}

function listens() {
  return new Promise((resolve) => {
    const socket = net.connect({ host: HOST, port: PORT }, () => resolve(true));
    socket.on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}

export const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
