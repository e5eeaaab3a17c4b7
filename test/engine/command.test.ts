import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { type EngineCommandOptions, runEngine } from '../../src/engine/command.js';
import type { ServerCertificate } from '../../src/grammar/server-certificate.js';
import { Drachtio } from '../../src/sip/drachtio.js';
import { Bench, newSrf, quit, SECRET } from './support/srf.js';

interface Run {
  code: Promise<number>;
  lines: string[];
  errors: string[];
  end: () => void;
  ready: Promise<{ ready: boolean; contacts: { protocol: string; port: number }[]; control: { port: number }[] }>;
}

function run(options: Partial<EngineCommandOptions>): Run {
  const lines: string[] = [];
  const errors: string[] = [];
  let end = (): void => undefined;
  let ready: (line: string) => void = () => undefined;
  const first = new Promise<string>((resolve) => {
    ready = resolve;
  });
  const code = runEngine(
    { contact: ['sip:127.0.0.1:0;transport=udp,tcp'], control: '127.0.0.1:0', secret: SECRET, ...options },
    {
      stdout: (line) => {
        lines.push(line);
        ready(line);
      },
      stderr: (line) => errors.push(line),
      onEnd: (_withParent, fn) => {
        end = fn;
      },
    },
  );
  return { code, lines, errors, end: () => end(), ready: first.then((line) => JSON.parse(line)) };
}

test('one line of JSON tells the ports; it ends with 0 when told to', async (t) => {
  const engine = run({});
  const ready = await engine.ready;
  t.true(ready.ready);
  t.deepEqual(
    ready.contacts.map(({ protocol }) => protocol),
    ['udp', 'tcp'],
  );
  t.is(ready.contacts[0]?.port, ready.contacts[1]?.port);
  t.true((ready.control[0]?.port ?? 0) > 0);
  engine.end();
  t.is(await engine.code, 0);
  t.is(engine.lines.length, 1);
  t.deepEqual(engine.errors, []);
});

test('what is wrong is said in one line, with exit code 2', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.teardown(() => void taken.close());
  const address = taken.address();
  const port = address && typeof address === 'object' ? address.port : 0;
  const cases: [Partial<EngineCommandOptions>, RegExp][] = [
    [{ control: `127.0.0.1:${port}` }, new RegExp(`port in use: 127\\.0\\.0\\.1:${port}`)],
    [{ contact: [`sip:127.0.0.1:${port};transport=tcp`] }, new RegExp(`port in use: 127\\.0\\.0\\.1:${port}`)],
    [{ contact: ['127.0.0.1'] }, /not a SIP URI: 127\.0\.0\.1/],
    [{ contact: ['sip:127.0.0.1;transport=smoke'] }, /unknown transport "smoke"/],
    [{ contact: ['sips:127.0.0.1'] }, /needs a key and a certificate/],
    [{ contact: ['sip:192.0.2.77:0;transport=udp'] }, /not an address of this machine/],
    [{ contact: [] }, /at least one --contact/],
    [{ control: 'nowhere' }, /--control must be host:port/],
    [{ control: '0.0.0.0:0' }, /--control must be an address of this machine alone.*elsewhere give --control-tls/],
    [{ control: '[::]:0' }, /--control must be an address of this machine alone/],
    [{ control: 'engine.example:9022' }, /--control must be an address of this machine alone/],
    [{ secret: '' }, /--secret must not be empty/],
    [{ tlsKey: '/no/such/file' }, /can't read \/no\/such\/file: ENOENT/],
    [{ controlTls: '127.0.0.1:0' }, /--control-tls needs/],
    [{ nameServer: ['dns.example'] }, /--name-server must be an IP address, or address:port, not "dns\.example"/],
    [{ tlsSni: ['sip.example=only.key'] }, /--tls-sni must be NAME=KEYFILE,CERTFILE, not "sip\.example=only\.key"/],
    [{ requestHandler: ['ftp://x'] }, /not a request handler/],
  ];
  for (const [options, expected] of cases) {
    const engine = run(options);
    t.is(await engine.code, 2, String(expected));
    t.is(engine.errors.length, 1);
    t.regex(engine.errors[0] ?? '', expected);
    t.deepEqual(engine.lines, []);
  }
});

test('apps may connect over TLS; a plain one there is not heard', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'callwake-control-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const args = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=localhost',
  ];
  try {
    execFileSync(
      'openssl',
      [...args, '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', key, '-out', cert],
      { stdio: 'ignore' },
    );
  } catch {
    t.fail('this test needs the program openssl (Debian: apt install openssl)');
    return;
  }
  const bench = await Bench.start(t, {
    control: [{ address: '127.0.0.1', port: 0, tls: { key: readFileSync(key), cert: readFileSync(cert) } }],
  });
  const srf = newSrf();
  srf.on('error', () => undefined);
  const connected = once(srf, 'connect');
  srf.connect({ host: '127.0.0.1', port: bench.controlPort, secret: SECRET, tls: { ca: readFileSync(cert) } });
  const [error, hostports] = await connected;
  t.falsy(error);
  t.regex(hostports, /^udp\//);
  quit(srf);
  const certificate = await new Promise<ServerCertificate | undefined>((resolve) => {
    const drachtio = new Drachtio({
      connected: () => resolve(drachtio.certificate),
      disconnected: () => undefined,
      refused: () => resolve(undefined),
    });
    t.teardown(() => drachtio.close());
    const tls = { ca: readFileSync(cert) };
    drachtio.connect({ host: '127.0.0.1', port: bench.controlPort, secret: SECRET, tls });
  });
  const until = Date.parse(new X509Certificate(readFileSync(cert)).validTo);
  t.deepEqual(certificate, { server: `SIP engine 127.0.0.1:${bench.controlPort}`, until }, 'an app knows when it ends');
  const plain = newSrf();
  const failed = once(plain, 'close');
  plain.on('error', () => undefined);
  plain.connect({ host: '127.0.0.1', port: bench.controlPort, secret: SECRET });
  await failed;
  quit(plain);
});
