// Starts what is measured: callwake as `callwake start` runs it, and Debian's Kamailio as a registrar.
import { execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { sleep, tree } from './machine.mjs';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');
/** Options of node's own for callwake's processes, which hand them on: `CALLWAKE_NODE_ARGS='--cpu-prof --cpu-prof-dir=/tmp/p'`. */
const NODE_ARGS = (process.env.CALLWAKE_NODE_ARGS ?? '').split(' ').filter((arg) => arg !== '');
export const DOMAIN = 'corp.example';

/** A folder that goes when the process ends. */
export function scratch() {
  const folder = mkdtempSync(join(tmpdir(), 'callwake-bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** One caller, and one address, stand for a whole company here. */
const NO_LIMITS = {
  pushes: { perDevice: { count: 0 }, perCaller: { count: 0 }, perTrunk: { count: 0 } },
  heldPerAor: 0,
  outboundCalls: { count: 0 },
  registrations: { count: 0 },
};

/** callwake's command line in the compiler's own files instead of the few that it comes in: what a bench puts in their place counts. */
export const UNBUNDLED = join(ROOT, 'bench/harness/unbundled.mjs');

/** callwake with its embedded engine on UDP; settles when it answers. `config` goes over the bench's own, key by key. */
export async function startCallwake(folder, config = {}, workers = 1, program = join(ROOT, 'dist/cli.js')) {
  const port = await freePort();
  const file = join(folder, 'callwake.yaml');
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    file,
    stringify({
      engine: { contacts: [`sip:127.0.0.1:${port};transport=udp`], control: { port: 0 } },
      domains: [DOMAIN],
      api: { enabled: false },
      trunks: [{ name: 'cucm', peers: [{ host: '127.0.0.1', transport: 'udp' }] }],
      edges: [{ name: 'edge', addresses: ['127.0.0.1'] }],
      push: { provider: 'none' },
      store: { kind: 'lmdb', path: join(folder, 'data') },
      log: { level: 'warn', format: 'json' },
      limits: NO_LIMITS,
      ...config,
    }),
  );
  return started(
    spawn(
      process.execPath,
      [...NODE_ARGS, program, 'start', '--config', file, ...(workers > 1 ? ['--workers', String(workers)] : [])],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    ),
    port,
  );
}

/** Kamailio as a registrar with Path; `dbMode` 1 writes through to SQLite, 0 keeps all in memory. */
export async function startKamailio(folder, dbMode, children = 2) {
  const port = await freePort();
  const database = join(folder, 'kamailio.sqlite');
  if (dbMode > 0) {
    const scripts = '/usr/share/kamailio/db_sqlite';
    for (const table of ['standard', 'usrloc'])
      execFileSync('sqlite3', [database, `.read ${scripts}/${table}-create.sql`]);
    // Readers and the writer don't wait for each other; each commit still waits for the disk.
    execFileSync('sqlite3', [database, 'PRAGMA journal_mode=WAL;']);
  }
  const file = join(folder, 'kamailio.cfg');
  writeFileSync(file, kamailioConfiguration({ port, children, dbMode, database }));
  const child = spawn('kamailio', ['-f', file, '-DD', '-E', '-m', '1024', '-M', '32', '-Y', folder], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: `${process.env.PATH}:/usr/sbin` },
  });
  child.stderr.on('data', (text) => /ERROR|CRITICAL/.test(text) && process.stderr.write(text));
  return started(child, port);
}

/** Settles when what has been started answers OPTIONS at that port with 200: an engine whose app isn't there yet says 503. */
export async function started(child, port) {
  child.stdout?.resume();
  child.on('error', (error) => {
    throw error;
  });
  process.on('exit', () => child.kill('SIGKILL'));
  const since = performance.now();
  for (let attempt = 0; attempt < 600 && child.exitCode === null; attempt++) {
    if (await answersOptions(port)) {
      return {
        port,
        pid: child.pid,
        pids: () => tree([child.pid]),
        startMs: Math.round(performance.now() - since),
        stop: () => stop(child),
      };
    }
  }
  await stop(child);
  throw new Error('what is to be measured did not start');
}

async function stop(child) {
  if (child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}

function answersOptions(port) {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const end = (answered) => {
      clearTimeout(timer);
      socket.close();
      resolve(answered);
    };
    const timer = setTimeout(() => end(false), 200);
    socket.on('message', (data) => data.latin1Slice(8, 11) === '200' && end(true));
    socket.bind(0, '127.0.0.1', () => {
      const from = socket.address().port;
      const id = Math.random().toString(36).slice(2);
      socket.send(
        `OPTIONS sip:127.0.0.1:${port} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:${from};branch=z9hG4bK${id};rport\r\nMax-Forwards: 70\r\n` +
          `From: <sip:bench@127.0.0.1>;tag=${id}\r\nTo: <sip:127.0.0.1:${port}>\r\nCall-ID: ${id}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n`,
        port,
        '127.0.0.1',
      );
    });
  });
}

export async function freePort() {
  const socket = createSocket('udp4');
  await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  await new Promise((resolve) => socket.close(resolve));
  await sleep(10);
  return port;
}

function kamailioConfiguration({ port, children, dbMode, database }) {
  return `#!KAMAILIO
listen=udp:127.0.0.1:${port}
children=${children}
debug=0
log_stderror=yes
auto_aliases=no
disable_tcp=yes
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "rr.so"
loadmodule "maxfwd.so"
loadmodule "siputils.so"
loadmodule "textops.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
${dbMode > 0 ? 'loadmodule "db_sqlite.so"' : ''}
modparam("usrloc", "db_mode", ${dbMode})
${dbMode > 0 ? `modparam("usrloc", "db_url", "sqlite:///${database}")` : ''}
modparam("usrloc", "hash_size", 14)
modparam("registrar", "use_path", 1)
modparam("registrar", "path_mode", 0)
modparam("registrar", "max_expires", 86400)
request_route {
	if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
	if (is_method("OPTIONS")) { sl_send_reply("200", "OK"); exit; }
	if (is_method("REGISTER")) { save("location"); exit; }
	sl_send_reply("405", "Method Not Allowed");
}
`;
}
