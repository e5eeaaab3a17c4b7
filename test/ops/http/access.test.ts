import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import jwt from 'jsonwebtoken';
import { z } from 'zod';
import { type Clock, systemClock } from '../../../src/clock/clock.js';
import { type ApiConfig, configSchema } from '../../../src/config/schema.js';
import { createLogger } from '../../../src/log/logger.js';
import { type Api, startApi } from '../../../src/ops/http/api.js';
import { dashboardRoutes } from '../../../src/ops/http/dashboard.js';
import { makeCertificate } from '../../../src/sim/tls/certificate.js';
import { SECRET, token } from '../api-stage.js';

interface Started {
  readonly api: Api;
  readonly url: string;
  readonly config: ApiConfig;
  readonly log: string[];
}

function settings(parts: Readonly<Record<string, unknown>>): ApiConfig {
  return configSchema.parse({
    domains: ['corp.example'],
    trunks: [{ name: 'cucm', peers: [{ host: '127.0.0.1' }] }],
    directPhones: { allow: true },
    push: { provider: 'none' },
    api: { port: 0, jwt: { secret: SECRET }, ...parts },
  }).api;
}

/** An API with one route of each kind, without the rest of callwake. */
async function start(
  t: ExecutionContext,
  parts: Readonly<Record<string, unknown>> = {},
  clock: Clock = systemClock,
): Promise<Started> {
  const config = settings(parts);
  const log: string[] = [];
  const stream = new PassThrough().setEncoding('utf8').on('data', (line: string) => log.push(line));
  const logger = createLogger({ level: 'info', format: 'json', stream });
  const body = z.strictObject({ name: z.string({ error: 'a name' }) });
  const api = await startApi({
    config,
    clock,
    log: logger,
    routes: [
      dashboardRoutes(logger, () => {
        throw new Error('nobody built it');
      }),
      (server) => {
        server.get('/open', { config: { scope: 'none' } }, () => 'open');
        server.get('/calls/:id', { config: { scope: 'calls:read' } }, (request) => request.caller);
        server.post('/calls/:id', { config: { scope: 'calls:write' }, schema: { body } }, () => 'done');
        server.get('/broken', { config: { scope: 'none' } }, () => {
          throw new Error('the cellar is on fire');
        });
      },
    ],
  });
  t.teardown(() => api.close());
  const listening = async (): Promise<string> => {
    const line = log.join('').match(/"event":"api listening".*?"url":"([^"]+)"/);
    if (line?.[1] !== undefined) return line[1];
    await new Promise((resolve) => stream.once('data', resolve));
    return listening();
  };
  return { api, config, log, url: await listening() };
}

const bearer = (text: string) => ({ headers: { authorization: `Bearer ${text}` } });

const detailOf = (problem: unknown): string => z.object({ detail: z.string() }).parse(problem).detail;

function signed(claims: object, key: jwt.Secret = SECRET, options: jwt.SignOptions = {}): string {
  const { algorithm = 'HS256' } = options;
  return jwt.sign(claims, key, { audience: 'callwake', expiresIn: 60, subject: 'me', algorithm, ...options });
}

test('a token with the scope is let in, one without it gets 403, none or a wrong one 401', async (t) => {
  const { url } = await start(t);
  const scope = 'calls:read users:write';
  t.is(await (await fetch(`${url}/calls/1`, bearer(signed({ scope })))).text(), 'me');
  const other = await fetch(`${url}/calls/1`, bearer(signed({ scope: 'users:read' })));
  t.is(other.status, 403);
  t.regex(other.headers.get('www-authenticate') ?? '', /error="insufficient_scope", scope="calls:read"/);
  const stranger = await fetch(`${url}/calls/1`);
  t.is(stranger.status, 401);
  t.is(stranger.headers.get('www-authenticate'), 'Bearer realm="callwake"');
  t.is(stranger.headers.get('content-type'), 'application/problem+json; charset=utf-8');
  t.like(await stranger.json(), { type: 'about:blank', title: 'Unauthorized', status: 401 });
  const none = jwt.sign({ scope, sub: 'me', aud: 'callwake', exp: 4_000_000_000 }, '', { algorithm: 'none' });
  for (const [bad, why] of [
    [signed({ scope }, SECRET, { expiresIn: -60 }), /expired/],
    [signed({ scope }, SECRET, { notBefore: 120 }), /not good yet/],
    [signed({ scope }, 'another secret that is long enough to be one'), /signature/],
    [signed({ scope }, SECRET, { algorithm: 'HS512' }), /signature/],
    [signed({ scope }, SECRET, { audience: 'somebody' }), /aud/],
    [jwt.sign({ scope, sub: 'me' }, SECRET, { audience: 'callwake' }), /never expires/],
    [jwt.sign({ scope }, SECRET, { audience: 'callwake', expiresIn: 60 }), /sub/],
    [none, /signature|no JWT/],
    ['x'.repeat(5000), /too long/],
    ['x', /no JWT/],
    ['', /Bearer/],
  ] as const) {
    const answer = await fetch(`${url}/calls/1`, bearer(bad));
    t.is(answer.status, 401, bad);
    t.regex(detailOf(await answer.json()), why);
  }
});

test('tokens of another issuer are checked with its public key, RSA or EC', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'callwake-api-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  for (const [pair, algorithm] of [
    [generateKeyPairSync('rsa', { modulusLength: 2048 }), 'RS256'],
    [generateKeyPairSync('ec', { namedCurve: 'P-256' }), 'ES256'],
  ] as const) {
    const publicKeyFile = join(folder, `${algorithm}.pem`);
    const pem = pair.publicKey.export({ type: 'spki', format: 'pem' });
    writeFileSync(publicKeyFile, pem);
    const { url } = await start(t, { jwt: { publicKeyFile, issuer: 'https://login.example' } });
    const key = pair.privateKey.export({ type: 'pkcs8', format: 'pem' });
    const issued = (issuer: string) => signed({ scope: 'calls:read' }, key, { algorithm, issuer });
    t.is((await fetch(`${url}/calls/1`, bearer(issued('https://login.example')))).status, 200);
    t.is((await fetch(`${url}/calls/1`, bearer(issued('https://evil.example')))).status, 401);
    t.is((await fetch(`${url}/calls/1`, bearer(token()))).status, 401, 'a secret is not configured');
    const head = Buffer.from(JSON.stringify({ alg: 'HS256', typ: 'JWT' })).toString('base64url');
    const confused = signed({ scope: 'calls:read', iss: 'https://login.example' }, String(pem).repeat(2));
    t.is((await fetch(`${url}/calls/1`, bearer(confused.replace(/^[^.]+/, head)))).status, 401, 'key confusion');
  }
});

test('without a token only from this machine, only if so configured, and not for web pages or proxies', async (t) => {
  const { url } = await start(t, { loopbackWithoutToken: true, jwt: {} });
  const { port } = new URL(url);
  t.is((await fetch(`${url}/calls/1`)).status, 200);
  t.is((await fetch(`${url}/calls/1`, { headers: { origin: 'https://evil.example' } })).status, 401);
  t.is((await fetch(`${url}/calls/1`, { headers: { origin: url } })).status, 200);
  t.is((await fetch(`${url}/calls/1`, { headers: { 'x-forwarded-for': '192.0.2.1' } })).status, 401);
  t.regex(await raw(port, 'GET /calls/1 HTTP/1.1\r\nHost: evil.example\r\n\r\n'), /^HTTP\/1\.1 401 /, 'DNS rebinding');
  t.is((await fetch(`${url}/calls/1`, bearer(token()))).status, 401, 'tokens are not configured');
  const strict = await start(t);
  t.is((await fetch(`${strict.url}/calls/1`)).status, 401);
});

/** What comes back for those bytes until the server closes, or has answered once. */
function raw(port: string, bytes: string, until = /\r\n\r\n/): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (chunk) => {
      text += chunk.toString();
      if (until.test(text)) socket.destroy();
    });
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
  });
}

test('what can not be used gets a problem that says why', async (t) => {
  const { url, log } = await start(t, { bodyLimit: 1024 });
  const post = (body: string, type = 'application/json') =>
    fetch(`${url}/calls/1`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token()}`, 'content-type': type },
      body,
    });
  const { port } = new URL(url);
  const cases: readonly (readonly [Response, number, RegExp])[] = [
    [await post('{"name": 7}'), 400, /name: 7 is not allowed; give a name/],
    [await post('{}'), 400, /name: missing; give a name/],
    [await post('{"name": "x", "nane": 1}'), 400, /unknown key "nane"; did you mean name/],
    [await post('{"name"'), 400, /no JSON/],
    [await post('{"__proto__": {"x": 1}}'), 400, /no JSON/],
    [await post(''), 400, /empty/],
    [await post('name=x', 'application/x-www-form-urlencoded'), 415, /application\/json/],
    [await post(JSON.stringify({ name: 'x'.repeat(2000) })), 413, /too large/],
    [await fetch(`${url}/nothing`), 404, /openapi\.json/],
    [await fetch(`${url}/open`, { method: 'DELETE' }), 405, /use GET, HEAD/],
    [await fetch(`${url}/calls/%ff`, bearer(token())), 400, /path/],
    [await fetch(`${url}/calls/${'x'.repeat(600)}`, bearer(token())), 414, /too long/],
    [await fetch(`${url}/broken`), 500, /its log tells why/],
  ];
  for (const [answer, status, detail] of cases) {
    t.is(answer.status, status, String(detail));
    t.regex(answer.headers.get('content-type') ?? '', /^application\/problem\+json/);
    const problem = await answer.json();
    t.like(problem, { status });
    t.regex(detailOf(problem), detail);
  }
  t.is((await fetch(`${url}/open`, { method: 'DELETE' })).headers.get('allow'), 'GET, HEAD');
  t.regex(log.join(''), /"event":"fault".*the cellar is on fire/);
  t.regex(await raw(port, 'nonsense\r\n\r\n'), /^HTTP\/1\.1 400 .*problem\+json/s);
  const flood = `GET /open HTTP/1.1\r\nHost: x\r\n${'X-Flood: yes\r\n'.repeat(3000)}\r\n`;
  t.regex(await raw(port, flood), /^HTTP\/1\.1 431 .*problem\+json/s);
  t.is((await fetch(`${url}/open`)).status, 200, 'it still serves');
});

test('10 MB that nobody asked for are cut off, and memory stays where it is', async (t) => {
  const { url } = await start(t);
  const before = process.memoryUsage().rss;
  const big = 'x'.repeat(10_000_000);
  for (let i = 0; i < 5; i++) {
    const headers = { authorization: `Bearer ${token()}`, 'content-type': 'application/json' };
    const status = await fetch(`${url}/calls/1`, { method: 'POST', headers, body: big }).then(
      (answer) => answer.status,
      (error: Error) => String((error.cause as NodeJS.ErrnoException | undefined)?.code),
    );
    t.true(status === 413 || status === 'EPIPE' || status === 'ECONNRESET', String(status));
  }
  t.true(process.memoryUsage().rss - before < 150_000_000);
  t.is((await fetch(`${url}/open`)).status, 200);
});

test('who takes forever to ask is cut off', async (t) => {
  const { url } = await start(t);
  const { port } = new URL(url);
  const slow = await raw(port, 'GET /open HTTP/1.1\r\nHost: x\r\nX-Slow: ');
  t.regex(slow, /^HTTP\/1\.1 408 .*problem\+json/s);
});

test('more requests than allowed get 429, by token, or by address without a good one', async (t) => {
  const stopped: Clock = {
    now: () => Date.now(),
    monotonic: () => 0,
    setTimeout: (fn, ms) => systemClock.setTimeout(fn, ms),
  };
  const { url, log } = await start(t, { rateLimit: { perSecond: 1, burst: 3 } }, stopped);
  const statuses = async (headers: Record<string, string>) => {
    const got: number[] = [];
    for (let i = 0; i < 4; i++) got.push((await fetch(`${url}/calls/1`, { headers })).status);
    return got;
  };
  const mine = { authorization: `Bearer ${token(undefined, 'me')}` };
  t.deepEqual(await statuses(mine), [200, 200, 200, 429]);
  t.deepEqual(await statuses({ authorization: `Bearer ${token(undefined, 'you')}` }), [200, 200, 200, 429]);
  t.deepEqual(await statuses({ authorization: 'Bearer guessed' }), [401, 401, 401, 429]);
  const late = await fetch(`${url}/calls/1`, { headers: mine });
  t.is(late.headers.get('retry-after'), '1');
  t.deepEqual(
    log.filter((line) => line.includes('api call')),
    [],
  );
});

test('each call that changes something is in the log, with who, and without what it said', async (t) => {
  const { url, log } = await start(t);
  const call = (authorization: string) =>
    fetch(`${url}/calls/7?x=secret`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: '{"name":"confidential"}',
    });
  t.is((await call(`Bearer ${token(undefined, 'alice')}`)).status, 200);
  t.is((await call('Bearer wrong')).status, 401);
  const lines = log
    .join('')
    .split('\n')
    .filter((line) => line.includes('api call'));
  t.is(lines.length, 2);
  t.like(JSON.parse(lines[0] ?? ''), { by: 'alice', address: '127.0.0.1', call: 'POST /calls/7', status: 200 });
  t.like(JSON.parse(lines[1] ?? ''), { by: 'a stranger', status: 401 });
  t.notRegex(log.join(''), /confidential|secret|eyJ/);
});

test('HTTPS, with a certificate that can be loaded anew', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'callwake-api-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const write = (commonName: string) => {
    const { key, cert } = makeCertificate({ commonName });
    writeFileSync(join(folder, 'key.pem'), key);
    writeFileSync(join(folder, 'cert.pem'), cert);
  };
  write('first');
  const { api, config, url } = await start(t, {
    tls: { keyFile: join(folder, 'key.pem'), certFile: join(folder, 'cert.pem'), minVersion: '1.3' },
  });
  t.regex(url, /^https:/);
  t.is(await nameAt(url), 'first');
  write('second');
  api.reload(config);
  t.is(await nameAt(url), 'second');
  writeFileSync(join(folder, 'key.pem'), 'broken');
  t.throws(() => api.reload(config));
  t.is(await nameAt(url), 'second');
});

async function nameAt(url: string): Promise<string> {
  const { connect: connectTls } = await import('node:tls');
  const { port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connectTls({ port: Number(port), host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

test('an address in use is told, and taken as soon as it is free', async (t) => {
  const { url, api } = await start(t);
  const second = start(t, { port: Number(new URL(url).port) });
  await new Promise((resolve) => setTimeout(resolve, 200));
  await api.close();
  t.is((await fetch(`${(await second).url}/open`)).status, 200);
});

test('where the dashboard can’t be read the log says so, and the rest is served', async (t) => {
  const { url, log } = await start(t);
  t.is((await fetch(`${url}/open`)).status, 200);
  const page = await fetch(`${url}/dashboard/`);
  t.is(page.status, 503);
  t.regex(await page.text(), /The dashboard was not built/);
  t.true(log.some((line) => /"dashboard not served","why":"nobody built it"/.test(line)));
});
