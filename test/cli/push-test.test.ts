import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { stringify } from 'yaml';
import { type PushTestOptions, runPushTest } from '../../src/cli/push-test.js';
import { Secrets } from '../../src/demo/secrets.js';
import type { Device } from '../../src/devices/types.js';
import type { ApnsSimulator } from '../../src/sim/apns/simulator.js';
import { LmdbStore } from '../../src/store/lmdb-store.js';
import { certificate, keyId, newToken, signingKey, simulator, teamId } from '../push/support.js';

const topic = 'com.example.phone.voip';
const AOR = 'sip:2001@corp.example';

interface Ran {
  readonly code: number;
  readonly text: string;
}

/** Runs the command against `endpoint`, with a configuration of its own. */
async function pushTest(
  t: ExecutionContext,
  push: Record<string, unknown>,
  options: Partial<PushTestOptions> = {},
): Promise<Ran> {
  const folder = mkdtempSync(join(tmpdir(), 'callwake-push-test-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'key.p8'), signingKey.export({ type: 'pkcs8', format: 'pem' }));
  writeFileSync(join(folder, 'ca.pem'), certificate.cert);
  const { store, ...rest } = push;
  const config = {
    domains: ['corp.example'],
    trunks: [{ name: 'cucm', peers: [{ host: '192.0.2.10' }] }],
    directPhones: { allow: true },
    push: { provider: 'apns', accounts: [{ teamId, keyId, keyFile: 'key.p8' }], caFile: 'ca.pem', ...rest },
    ...(store ? { store } : {}),
  };
  const file = join(folder, 'callwake.yaml');
  writeFileSync(file, stringify(config));
  const given = options.device === undefined ? { token: newToken(), topic, ...options } : options;
  const lines: string[] = [];
  const code = await runPushTest(file, {}, { timeout: 30_000, ...given }, (line) => lines.push(line));
  const text = lines.join('\n');
  const secrets = new Secrets();
  secrets.addConfiguration(file);
  secrets.add('push token', given.token);
  t.deepEqual(secrets.findIn(text), [], text);
  return { code, text };
}

const endpointsOf = ({ endpoints: { production, sandbox } }: Pick<ApnsSimulator, 'endpoints'>) => ({
  endpoints: {
    production: `https://${production.host}:${production.port}`,
    sandbox: `https://${sandbox.host}:${sandbox.port}`,
  },
});

const production = (host: string, port: number) => ({ endpoints: { production: `https://${host}:${port}` } });

/** A TCP server, or with `options` a TLS server, that does this to each connection. */
async function server(
  t: ExecutionContext,
  onSocket: (socket: net.Socket) => void,
  options?: tls.TlsOptions,
): Promise<number> {
  const sockets = new Set<net.Socket>();
  const take = (socket: net.Socket): void => {
    sockets.add(socket);
    socket.on('error', () => {});
    onSocket(socket);
  };
  const listening = options ? tls.createServer(options, take) : net.createServer(take);
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    listening.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = listening.address();
  return typeof address === 'object' && address ? address.port : 0;
}

async function closedPort(): Promise<number> {
  const taken = net.createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const address = taken.address();
  await new Promise((resolve) => taken.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

test('all is well: each step, Apple’s answer, and what to do when the phone shows nothing', async (t) => {
  const apns = await simulator(t);
  const { code, text } = await pushTest(t, endpointsOf(apns));
  t.is(code, 0);
  t.regex(text, /dns +ok.*\n +tcp +ok, .* takes connections\n +tls +ok, .*TLSv1\.3, certificate of .*issued by/);
  t.regex(text, /http2 ok, .*1 pushes at once/);
  t.regex(text, /push +ok, \d+ ms: Apple took it \(200, apns-id [0-9a-f-]{36}\)/);
  t.is(apns.total, 1);
  t.like(apns.received[0], { payload: { callwake: { callerName: 'callwake push-test' } }, fate: 'lost' });
});

test('a device by its address or id, to the token for calls or for alerts', async (t) => {
  const apns = await simulator(t);
  const folder = mkdtempSync(join(tmpdir(), 'callwake-push-test-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const store = new LmdbStore({ path: folder, durable: false });
  const [voip, alert] = [newToken(), newToken()];
  const common = { teamId, bundleId: 'com.example.phone', seenAt: 0 };
  const device: Device = {
    id: 'phone-1',
    aor: AOR,
    platform: 'iphone',
    bindings: [],
    tokens: [
      { ...common, kind: 'voip', token: voip },
      { ...common, kind: 'alert', token: alert },
    ],
    seenAt: 0,
  };
  await store.putDevices(AOR, [device]);
  await store.close();
  const push = { ...endpointsOf(apns), store: { path: folder } };
  t.is((await pushTest(t, push, { device: AOR })).code, 0);
  t.is((await pushTest(t, push, { device: 'phone-1', alert: true })).code, 0);
  t.deepEqual(
    apns.received.map(({ token, headers }) => [token, headers['apns-topic'], headers['apns-push-type']]),
    [
      [voip, topic, 'voip'],
      [alert, 'com.example.phone', 'alert'],
    ],
  );
  t.is(
    apns.received[0]?.providerToken,
    apns.received[1]?.providerToken,
    'all processes of a site use one provider token',
  );
  await t.throwsAsync(pushTest(t, push, { device: 'phone-2' }), { message: /No device phone-2 is known/ });
});

test('a token of the other environment: both are tried, and it is told where it belongs', async (t) => {
  const apns = await simulator(t, { acceptAnyToken: false });
  const token = newToken();
  apns.registerToken({ token, environment: 'sandbox' });
  const { code, text } = await pushTest(t, endpointsOf(apns), { token });
  t.is(code, 0);
  t.regex(text, /push +FAILED: 400 BadDeviceToken\n +What it means: .*other environment/);
  t.regex(text, /The token belongs to sandbox\./);
});

test('DNS', async (t) => {
  const { code, text } = await pushTest(t, production('no-such-host.invalid', 443));
  t.is(code, 1);
  t.regex(text, /dns +FAILED, .*(DNS knows no|no DNS server answered for) no-such-host\.invalid/);
  t.regex(text, /What to do: Check the name server of this machine/);
});

test('TCP', async (t) => {
  const port = await closedPort();
  const { code, text } = await pushTest(t, production('127.0.0.1', port));
  t.is(code, 1);
  t.regex(text, new RegExp(`tcp +FAILED, .*127\\.0\\.0\\.1:${port} refuses connections.*\\(ECONNREFUSED\\)`));
  t.regex(text, /What to do: .*2197.*push\.proxy/);
});

for (const [what, answer, told] of [
  [
    'wants a password',
    'HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm="x"\r\n\r\n',
    /asks for a password\n.*push\.proxy\.user/,
  ],
  ['forbids it', 'HTTP/1.1 403 No\r\n\r\n', /the proxy answered 403\n.*allow CONNECT to 127\.0\.0\.1:4/],
  ['is none', 'SSH-2.0-OpenSSH_9.2\r\n\r\n', /isn't HTTP\n.*HTTP proxy/],
] as const) {
  test(`a proxy that ${what}`, async (t) => {
    const port = await server(t, (socket) => void socket.once('data', () => socket.end(answer)));
    const { code, text } = await pushTest(t, {
      ...production('127.0.0.1', 4),
      proxy: { url: `http://127.0.0.1:${port}` },
    });
    t.is(code, 1);
    t.regex(text, /tcp +ok, .*\(the proxy\)\n +proxy +FAILED/);
    t.regex(text, told);
  });
}

test('a proxy that is not there', async (t) => {
  const proxy = { url: `http://127.0.0.1:${await closedPort()}` };
  const { text } = await pushTest(t, { ...production('127.0.0.1', 4), proxy });
  t.regex(text, /tcp +FAILED, .* refuses connections.*\n.*Check push\.proxy\.url/);
});

test('TLS: a certificate that nobody trusted has signed', async (t) => {
  const apns = await simulator(t);
  const { code, text } = await pushTest(t, { ...endpointsOf(apns), caFile: undefined });
  t.is(code, 1);
  t.regex(text, /tls +FAILED, .*nobody trusted has signed/);
  t.regex(text, /push\.caFile/);
});

for (const [what, timeout, act, told] of [
  [
    'something else answers',
    30_000,
    (socket: net.Socket) => void socket.end('HTTP/1.0 400 Bad Request\r\n\r\n'),
    /no TLS with .*no TLS server/s,
  ],
  [
    'the connection is closed',
    30_000,
    (socket: net.Socket) => void socket.once('data', () => socket.destroy()),
    /closed during the TLS handshake/,
  ],
  ['nothing comes', 1000, () => {}, /takes connections and then says nothing/],
] as const) {
  test(`TLS: ${what}`, async (t) => {
    const { code, text } = await pushTest(t, production('127.0.0.1', await server(t, act)), { timeout });
    t.is(code, 1);
    t.regex(text, /tcp +ok/);
    t.regex(text, /tls +FAILED/);
    t.regex(text, told);
  });
}

test('HTTP/2: a box on the way speaks only HTTP/1.1', async (t) => {
  const port = await server(t, () => {}, { ...certificate, ALPNProtocols: ['http/1.1'] });
  const { text } = await pushTest(t, production('127.0.0.1', port));
  t.regex(text, /http2 FAILED|tls +FAILED/);
  t.regex(text, /no HTTP\/2.*\n.*exempt 127\.0\.0\.1 from inspection/);
});

test('HTTP/2: TLS is up and no SETTINGS come', async (t) => {
  const port = await server(t, (socket) => socket.resume(), { ...certificate, ALPNProtocols: ['h2'] });
  const { code, text } = await pushTest(t, production('127.0.0.1', port), { timeout: 1000 });
  t.is(code, 1);
  t.regex(text, /tls +ok.*\n +http2 FAILED, .*nothing within 1 s/);
});

test('Apple’s refusals are told with their meaning and what to do', async (t) => {
  const apns = await simulator(t);
  const refusals = [
    [403, 'InvalidProviderToken', /key, key id and team id don't belong together.*\n.*Compare key id and team id/],
    [410, 'Unregistered', /The app was removed.*\n.*register again/],
    [400, 'DeviceTokenNotForTopic', /another app.*\n.*Check pn-param/],
    [400, 'NewReason', /none of Apple's lists/],
  ] as const;
  for (const [status, reason, told] of refusals) {
    apns.script({ status, reason });
    const { code, text } = await pushTest(t, endpointsOf(apns));
    t.is(code, 1, reason);
    t.true(text.includes(`push  FAILED: ${status} ${reason}\n`), text);
    t.regex(text, told);
  }
});

test('a wrong clock is told as such', async (t) => {
  const apns = await simulator(t, { clockOffsetMs: 7_200_000 });
  const { code, text } = await pushTest(t, endpointsOf(apns));
  t.is(code, 1);
  t.regex(text, /ExpiredProviderToken/);
  t.regex(text, /the clock is behind.*NTP/);
});

test('no answer', async (t) => {
  const apns = await simulator(t);
  apns.script({ hang: true, times: 0 });
  const { code, text } = await pushTest(t, endpointsOf(apns), { timeout: 1000 });
  t.is(code, 1);
  t.regex(text, /push +FAILED: (NoAnswer|Deadline|NoConnection)\n +What it means: .*\n +What to do: Check/);
});

test('what makes no sense is told with what is wanted', async (t) => {
  const wrong: readonly (readonly [Partial<PushTestOptions>, RegExp])[] = [
    [{ token: '<ab12 cd34>' }, /pairs of hex digits/],
    [{ token: 'abc' }, /pairs of hex digits/],
    [{ topic: 'phone' }, /com\.example\.phone\.voip/],
    [{ device: 'x', token: 'ab' }, /--device or --token/],
    [{ device: AOR }, /can't be looked up.*--token/],
  ];
  for (const [options, message] of wrong) {
    await t.throwsAsync(pushTest(t, {}, options), { message, name: 'CliError' });
  }
  await t.throwsAsync(pushTest(t, { provider: 'none', accounts: [] }), { message: /push\.provider is none/ });
});
