import { createHash } from 'node:crypto';
import net from 'node:net';
import tls from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { type ProxyCredentials, proxyAuthorization } from '../../../src/push/apns/proxy-auth.js';
import { FakeClock } from '../../support/fake-clock.js';
import { certificate, outcomeOf, provider, simulator, voipPush } from '../support.js';

const credentials: ProxyCredentials = { username: 'call"wake', password: 'sécret' };

interface FakeProxy {
  readonly port: number;
  /** Head lines of each CONNECT. */
  readonly asked: string[];
}

/** A proxy that answers the first line of each connection with `answer`, and tunnels on 200. */
async function fakeProxy(t: ExecutionContext, answer: (head: string) => string, secure = false): Promise<FakeProxy> {
  const asked: string[] = [];
  const sockets = new Set<net.Socket>();
  const onConnection = (near: net.Socket): void => {
    sockets.add(near);
    near.on('error', () => {});
    near.once('data', (chunk: Buffer) => {
      const head = chunk.toString('latin1');
      asked.push(head);
      const said = answer(head);
      if (!said.startsWith('HTTP/1.1 200')) {
        near.end(said);
        return;
      }
      const [, host = '', port = ''] = /^CONNECT ([\d.]+):(\d+) /.exec(head) ?? [];
      const far = net.connect({ host, port: Number(port) }, () => {
        near.write(said);
        near.pipe(far).pipe(near);
      });
      far.on('error', () => near.destroy());
      near.on('close', () => far.destroy());
    });
  };
  const server = secure ? tls.createServer({ ...certificate }, onConnection) : net.createServer(onConnection);
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = server.address();
  return { port: typeof address === 'object' && address ? address.port : 0, asked };
}

const ok = 'HTTP/1.1 200 Connection established\r\n\r\n';
const refuse = (status: string, ...headers: readonly string[]) =>
  `HTTP/1.1 ${[status, ...headers].join('\r\n')}\r\n\r\n`;

async function pushThrough(
  t: ExecutionContext,
  proxy: FakeProxy,
  more: { credentials?: ProxyCredentials; tls?: boolean; ca?: string } = {},
) {
  const clock = new FakeClock();
  const apns = await simulator(t, { clock });
  const client = provider(t, apns, { clock, proxy: { host: '127.0.0.1', port: proxy.port, ...more } });
  return { outcome: await outcomeOf(clock, client, client.push(voipPush(clock))), client, apns };
}

test('a push goes through an HTTP proxy', async (t) => {
  const proxy = await fakeProxy(t, () => ok);
  const { outcome, apns } = await pushThrough(t, proxy);
  t.is(outcome.kind, 'accepted');
  const { host, port } = apns.endpoints.production;
  t.is(proxy.asked[0]?.split('\r\n')[0], `CONNECT ${host}:${port} HTTP/1.1`);
  t.true(proxy.asked[0]?.includes(`\r\nHost: ${host}:${port}\r\n`));
});

test('a push goes through an HTTPS proxy', async (t) => {
  const proxy = await fakeProxy(t, () => ok, true);
  t.is((await pushThrough(t, proxy, { tls: true, ca: certificate.cert })).outcome.kind, 'accepted');
});

test('Basic: the password is told only when asked for', async (t) => {
  const proxy = await fakeProxy(t, (head) =>
    head.includes('Proxy-Authorization') ? ok : refuse('407 Authenticate', 'Proxy-Authenticate: Basic realm="wsa"'),
  );
  t.is((await pushThrough(t, proxy, { credentials })).outcome.kind, 'accepted');
  t.is(proxy.asked.length, 2);
  const said = /Proxy-Authorization: Basic (\S+)/.exec(proxy.asked[1] ?? '')?.[1] ?? '';
  t.is(Buffer.from(said, 'base64').toString('utf8'), 'call"wake:sécret');
});

test('Digest is preferred to Basic, so the password is never told', async (t) => {
  const proxy = await fakeProxy(t, (head) =>
    head.includes('Proxy-Authorization: Digest')
      ? ok
      : refuse(
          '407 Authenticate',
          'Proxy-Authenticate: Basic realm="wsa"',
          'Proxy-Authenticate: Digest realm="wsa", nonce="abc", qop="auth"',
        ),
  );
  t.is((await pushThrough(t, proxy, { credentials })).outcome.kind, 'accepted');
  t.regex(proxy.asked[1] ?? '', /username="call\\"wake".*uri="127\.0\.0\.1:\d+".*qop=auth, nc=00000001/);
});

const troubles: readonly [string, string, { credentials?: ProxyCredentials }, RegExp][] = [
  [
    'asks for a password and there is none',
    refuse('407 No', 'Proxy-Authenticate: Basic realm="x"'),
    {},
    /asks for a password/,
  ],
  [
    'refuses the password',
    refuse('407 No', 'Proxy-Authenticate: Basic realm="x"'),
    { credentials },
    /refused the password/,
  ],
  ['knows only NTLM', refuse('407 No', 'Proxy-Authenticate: NTLM'), { credentials }, /neither Basic nor Digest/],
  ['forbids the way', refuse('403 Forbidden'), {}, /answered 403/],
  ['is none', 'SSH-2.0-OpenSSH\r\n\r\n', {}, /isn't HTTP/],
  ['closes the connection', '', {}, /closed the connection/],
  ['never ends its answer', `HTTP/1.1 200 OK\r\nx: ${'x'.repeat(20_000)}`, {}, /too long|closed/],
];

for (const [name, answer, more, said] of troubles) {
  test(`a proxy that ${name}: no connection, and the reason is told`, async (t) => {
    const proxy = await fakeProxy(t, () => answer);
    const lines: string[] = [];
    const note = (event: string, fields?: unknown) => void lines.push(event + JSON.stringify(fields));
    const clock = new FakeClock();
    const apns = await simulator(t, { clock });
    const client = provider(t, apns, {
      clock,
      proxy: { host: '127.0.0.1', port: proxy.port, ...more },
      log: { debug: note, info: note, warn: note, error: note },
    });
    t.like(await outcomeOf(clock, client, client.push(voipPush(clock))), {
      kind: 'unreachable',
      reason: 'NoConnection',
    });
    t.true(
      lines.some((line) => said.test(line)),
      lines.join('\n'),
    );
    t.false(lines.some((line) => line.includes('sécret') || line.includes('Basic Y2F')));
  });
}

test('a Digest answer is what RFC 7616 section 3.4.1 computes, SHA-256 before MD5', (t) => {
  const mufasa = { username: 'Mufasa', password: 'Circle of Life' };
  const hash = (algorithm: string, text: string) => createHash(algorithm).update(text).digest('hex');
  const challenge = (algorithm: string) =>
    `Digest realm="r@example.org", qop="auth, auth-int", algorithm=${algorithm}, nonce="n\\"1", opaque="o"`;
  const answer = proxyAuthorization([challenge('MD5'), challenge('SHA-256')], mufasa, 'apns:443', 'cn');
  const secret = hash('sha256', 'Mufasa:r@example.org:Circle of Life');
  const expected = hash('sha256', `${secret}:n"1:00000001:cn:auth:${hash('sha256', 'CONNECT:apns:443')}`);
  t.is(
    answer,
    `Digest username="Mufasa", realm="r@example.org", nonce="n\\"1", uri="apns:443", algorithm=SHA-256, response="${expected}", opaque="o", qop=auth, nc=00000001, cnonce="cn"`,
  );
  const old = hash('md5', `${hash('md5', 'Mufasa:r:Circle of Life')}:n:${hash('md5', 'CONNECT:apns:443')}`);
  t.is(
    proxyAuthorization(['Digest realm="r", nonce="n"'], mufasa, 'apns:443', 'cn'),
    `Digest username="Mufasa", realm="r", nonce="n", uri="apns:443", algorithm=MD5, response="${old}"`,
  );
  t.is(proxyAuthorization(['Digest realm="r", nonce="n", algorithm=SHA-512'], mufasa, 'apns:443'), undefined);
  t.is(proxyAuthorization([], mufasa, 'apns:443'), undefined);
});
