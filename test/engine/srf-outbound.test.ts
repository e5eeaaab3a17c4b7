import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Server as NetServer } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { HandlerError, parseAction, parseHandler } from '../../src/engine/control/handlers.js';
import type { EngineOptions } from '../../src/engine/engine.js';
import { makeCertificate } from '../../src/sim/tls/certificate.js';
import { SDP } from './support/peer.js';
import { Bench, crash, deferred, newSrf, SECRET, type Srf, type SrfRequest } from './support/srf.js';

/** An srf that listens for connections of the engine, and its port. */
async function listening(
  t: ExecutionContext,
  prepare: (srf: Srf) => void,
  secret = SECRET,
  options: object = {},
): Promise<number> {
  const srf = newSrf();
  prepare(srf);
  srf.on('error', () => undefined);
  const server = srf.listen({ host: '127.0.0.1', port: 0, secret, ...options }) as NetServer;
  await once(server, 'listening');
  t.teardown(() => {
    crash(srf);
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A web server that answers every request with what `answer` gives, and its URL. */
async function web(t: ExecutionContext, answer: (query: URLSearchParams) => string, status = 200): Promise<string> {
  const server: Server = createServer((request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(answer(new URL(request.url ?? '', 'http://x').searchParams));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const handlers = (...texts: string[]): Partial<EngineOptions> => ({ requestHandlers: texts.map(parseHandler) });

const certificate = makeCertificate();

for (const scheme of ['tcp', 'tls']) {
  test(`the engine connects to a listening app for each request, over ${scheme}`, async (t) => {
    const requests: SrfRequest[] = [];
    const answer = (srf: Srf): void => {
      srf.invite((req, res) => {
        requests.push(req);
        srf.createUAS(req, res, { localSdp: SDP }).then((dialog) => dialog.on('destroy', () => srf.endSession(req)));
      });
    };
    const { key, cert } = certificate;
    const port = await listening(t, answer, SECRET, scheme === 'tls' ? { tls: { key, cert } } : {});
    const bench = await Bench.start(t, {
      ...handlers(`INVITE=${scheme}://127.0.0.1:${port}`),
      tlsClient: { ca: cert },
    });
    for (let i = 0; i < 2; i++) {
      const caller = await bench.udp();
      await caller.wholeCall(bench.uri(), bench.port);
    }
    t.is(requests.length, 2);
    t.not(requests[0]?.socket, requests[1]?.socket, 'one connection for each');
  });
}

test('an app that is not there, does not know the secret, or dies: 480', async (t) => {
  const wrong = await listening(t, (srf) => srf.invite((_req, res) => res.send(200)), 'wrong');
  const dying = await listening(t, (srf) => srf.invite((req) => req.socket.destroy()));
  for (const port of [1, wrong, dying]) {
    const bench = await Bench.start(t, handlers(`tcp://127.0.0.1:${port}`));
    const caller = await bench.udp();
    caller.send(caller.request('INVITE', bench.uri()), bench.port);
    t.is((await caller.nextResponse(480)).status, 480, String(port));
  }
});

test('a web server decides: reject, redirect, proxy, route', async (t) => {
  const port = await listening(t, (srf) => srf.invite((_req, res) => res.send(486)));
  const bench = await Bench.start(t);
  const phone = await bench.udp();
  const answers: Record<string, unknown> = {
    reject: { action: 'reject', data: { status: 404, reason: 'Nobody Here' } },
    redirect: { action: 'redirect', data: { contact: ['sip:moved@example.com'] } },
    proxy: { action: 'proxy', data: { destination: `sip:phone@127.0.0.1:${phone.port}`, recordRoute: true } },
    uri: { action: 'route', data: { uri: `127.0.0.1:${port}` } },
    tag: { action: 'route', data: { tag: 'no-such' } },
    odd: { action: 'dance' },
  };
  const queries: URLSearchParams[] = [];
  const url = await web(t, (query) => {
    queries.push(query);
    return JSON.stringify(answers[query.get('uriUser') ?? ''] ?? {});
  });
  const asking = await Bench.start(t, handlers(url));
  const caller = await asking.udp();
  const call = (user: string) => caller.send(caller.request('INVITE', `${asking.uri(user)};x-param=7`), asking.port);
  call('reject');
  t.is((await caller.nextResponse(404)).reason, 'Nobody Here');
  t.deepEqual(
    ['method', 'protocol', 'source_address', 'fromUser', 'toUser', 'x-param'].map((name) => queries[0]?.get(name)),
    ['INVITE', 'udp', '127.0.0.1', 'alice', 'reject', '7'],
  );
  call('redirect');
  t.is((await caller.nextResponse(302)).get('contact'), '<sip:moved@example.com>');
  call('proxy');
  const onward = await phone.nextRequest('INVITE');
  t.true(onward.has('record-route'));
  phone.reply(onward, 603);
  t.is((await caller.nextResponse(603)).status, 603);
  call('uri');
  t.is((await caller.nextResponse(486)).status, 486);
  for (const user of ['tag', 'odd']) {
    call(user);
    t.is((await caller.nextResponse(480)).status, 480, user);
  }
});

test('a web server may name an app that connected by itself, by its tag', async (t) => {
  const url = await web(t, () => JSON.stringify({ action: 'route', data: { tag: 'blue' } }));
  const bench = await Bench.start(t, handlers(url));
  const got = deferred<string>();
  for (const tag of ['red', 'blue']) {
    await bench.srf(
      (srf) => {
        srf.invite((_req, res) => {
          got.resolve(tag);
          res.send(486);
        });
      },
      { tags: [tag] },
    );
  }
  const caller = await bench.udp();
  caller.send(caller.request('INVITE', bench.uri()), bench.port);
  await caller.nextResponse(486);
  t.is(await got.promise, 'blue');
});

test('a web server that fails: 480', async (t) => {
  const broken = await web(t, () => 'no json');
  const failing = await web(t, () => '{}', 500);
  for (const url of [broken, failing, 'http://127.0.0.1:1/']) {
    const bench = await Bench.start(t, handlers(url));
    const caller = await bench.udp();
    caller.send(caller.request('INVITE', bench.uri()), bench.port);
    t.is((await caller.nextResponse(480)).status, 480, url);
  }
});

test('handlers and answers that make no sense are refused', (t) => {
  t.like(parseHandler('invite:post=https://x/y'), { method: 'INVITE', httpMethod: 'POST' });
  t.like(parseHandler('tcp://127.0.0.1:4000'), { method: '*', httpMethod: 'GET' });
  for (const text of ['', 'INVITE', 'ftp://x', 'tcp://127.0.0.1', 'INVITE=http://[']) {
    t.throws(() => parseHandler(text), { instanceOf: HandlerError }, text);
  }
  const bad = [
    '',
    '[]',
    '{}',
    '{"action":"reject"}',
    '{"action":"redirect","data":{}}',
    '{"action":"proxy","data":[]}',
    '{"action":"route","data":{"uri":"x"}}',
  ];
  for (const text of bad) t.throws(() => parseAction(text), { instanceOf: HandlerError }, text);
});
