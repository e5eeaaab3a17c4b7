import { createServer } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { type DnsServer, dnsServer, type Zone } from '../support/dns-server.js';
import { Bench, type Srf, type SrfRequest, type SrfResponse } from './support/srf.js';

/** An engine that asks only `dns`, and an app. */
async function benchWith(t: ExecutionContext, zone: Zone): Promise<{ bench: Bench; app: Srf; dns: DnsServer }> {
  const dns = await dnsServer(t, zone);
  const bench = await Bench.start(t, {
    contacts: ['sip:127.0.0.1:0;transport=udp,tcp', 'sip:[::1]:0;transport=udp,tcp'],
    nameServers: [dns.address],
    timers: { T1: 20 },
  });
  return { bench, app: await bench.srf(), dns };
}

/** The final response to an OPTIONS of the app's. */
function options(app: Srf, uri: string): Promise<{ status: number; warning: string }> {
  return new Promise((resolve, reject) => {
    app.request(uri, { method: 'OPTIONS' }, (error, request) => {
      if (error) reject(error);
      else
        request.on('response', (response: SrfResponse) =>
          resolve({ status: response.status, warning: response.get('Warning') }),
        );
    });
  });
}

/** A TCP port on loopback that nobody listens on. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return address && typeof address === 'object' ? address.port : 0;
}

test('NAPTR chooses TCP, SRV the order, a dead server is passed over at once', async (t) => {
  const { bench, app, dns } = await benchWith(t, {});
  const live = await bench.tcp();
  dns.zone = {
    'corp.example': [
      ['NAPTR', '20', '0', 's', 'SIP+D2U', '_sip._udp.corp.example'],
      ['NAPTR', '10', '0', 's', 'SIP+D2T', '_sip._tcp.corp.example'],
    ],
    '_sip._tcp.corp.example': [
      ['SRV', '2', '0', String(live.port), 'two.corp.example'],
      ['SRV', '1', '0', String(await closedPort()), 'one.corp.example'],
    ],
    'one.corp.example': [['A', '127.0.0.1']],
    'two.corp.example': [['A', '127.0.0.1']],
  };
  const answer = options(app, 'sip:bob@corp.example');
  const got = await live.nextRequest('OPTIONS');
  t.is(got.uri, 'sip:bob@corp.example', 'the Request-URI keeps the name');
  live.reply(got, 200);
  t.is((await answer).status, 200);
  t.is(dns.asked[0], 'NAPTR corp.example');
  t.is(dns.asked[1], 'SRV _sip._tcp.corp.example');
});

test('without NAPTR records the SRV records of UDP are the first; a server that says 503, after 100 too, or nothing is left for the next', async (t) => {
  const { bench, app, dns } = await benchWith(t, {});
  const [busy, silent, live] = [await bench.udp(), await bench.udp(), await bench.udp()];
  dns.zone = {
    'corp.example': [],
    '_sip._udp.corp.example': [busy, silent, live].map(
      ({ port }, at) => ['SRV', String(at), '0', String(port), 'sip.corp.example'] as const,
    ),
    'sip.corp.example': [['A', '127.0.0.1']],
  };
  const call = app.createUAC('sip:bob@corp.example', { localSdp: 'v=0' });
  const first = await busy.nextRequest('INVITE');
  busy.reply(first, 100);
  busy.reply(first, 503);
  const second = await silent.nextRequest('INVITE');
  const third = await live.nextRequest('INVITE');
  t.is(new Set([first, second, third].map((invite) => invite.via.branch)).size, 3, 'a transaction each');
  t.is(
    new Set([first, second, third].map((invite) => `${invite.callId} ${invite.cseq.number} ${invite.fromTag}`)).size,
    1,
  );
  live.reply(third, 200, { body: 'v=0' });
  await live.nextRequest('ACK');
  await call;
});

test('a server that has rung is the last: its 503 is the answer', async (t) => {
  const { bench, app, dns } = await benchWith(t, {});
  const [rings, other] = [await bench.udp(), await bench.udp()];
  dns.zone = {
    '_sip._udp.corp.example': [rings, other].map(
      ({ port }, at) => ['SRV', String(at), '0', String(port), 'sip.corp.example'] as const,
    ),
    'corp.example': [],
    'sip.corp.example': [['A', '127.0.0.1']],
  };
  const call = app.createUAC('sip:bob@corp.example', { localSdp: 'v=0' });
  const invite = await rings.nextRequest('INVITE');
  rings.reply(invite, 180);
  rings.reply(invite, 503);
  await t.throwsAsync(call, { message: /503/ });
  t.is(other.received.length, 0);
});

test('a port in the URI: A and AAAA records only, every address is tried', async (t) => {
  const { bench, app, dns } = await benchWith(t, {});
  const live = await bench.tcp();
  dns.zone = {
    'host.corp.example': [
      ['A', '127.0.0.9'],
      ['A', '127.0.0.1'],
      ['AAAA', '::1'],
    ],
  };
  const answer = options(app, `sip:bob@host.corp.example:${live.port};transport=tcp`);
  live.reply(await live.nextRequest('OPTIONS'), 200);
  t.is((await answer).status, 200);
  t.deepEqual([...new Set(dns.asked)].sort(), ['A host.corp.example', 'AAAA host.corp.example']);
});

test('a name with an IPv6 address only is reached over IPv6', async (t) => {
  const { bench, app, dns } = await benchWith(t, {});
  const six = bench.started.contacts.find(({ address, protocol }) => address === '::1' && protocol === 'udp');
  dns.zone = { 'six.corp.example': [['AAAA', '::1']] };
  const came: SrfRequest[] = [];
  await bench.srf((server) =>
    server.options((req, res) => {
      came.push(req);
      res.send(200);
    }),
  );
  t.is((await options(app, `sip:x@six.corp.example:${six?.port}`)).status, 200);
  t.is(came[0]?.source_address, '::1');
});

test('a name that is unknown, or a name server that fails: 503 at once, with a Warning', async (t) => {
  const { app, dns } = await benchWith(t, {});
  const unknown = await options(app, 'sip:bob@nowhere.example');
  t.is(unknown.status, 503);
  t.regex(unknown.warning, /nowhere\.example/);
  dns.broken = true;
  t.is((await options(app, 'sip:bob@elsewhere.example')).status, 503);
});
