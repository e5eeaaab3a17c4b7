import test from 'ava';
import type { NaptrRecord, Resolver, SrvRecord } from '../../../src/engine/transport/index.js';
import { orderSrv, resolveUri } from '../../../src/engine/transport/resolve.js';
import { parseUri } from '../../../src/grammar/uri.js';
import { options, Peer } from './support.js';

interface Zone {
  naptr?: Record<string, NaptrRecord[]>;
  srv?: Record<string, SrvRecord[]>;
  addresses?: Record<string, string[]>;
}

function resolver(zone: Zone): Resolver & { asked: string[] } {
  const asked: string[] = [];
  const answer = <T>(kind: string, name: string, records: Record<string, T[]> | undefined) => {
    asked.push(`${kind} ${name}`);
    return Promise.resolve(records?.[name] ?? []);
  };
  return {
    asked,
    naptr: (name) => answer('naptr', name, zone.naptr),
    srv: (name) => answer('srv', name, zone.srv),
    addresses: (name) => answer('addresses', name, zone.addresses),
  };
}

const naptr = (order: number, preference: number, service: string, replacement: string): NaptrRecord => ({
  order,
  preference,
  flags: 's',
  service,
  replacement,
});
const srv = (priority: number, weight: number, port: number, name: string): SrvRecord => ({
  priority,
  weight,
  port,
  name,
});

async function found(uri: string, zone: Zone): Promise<string[]> {
  const targets = await resolveUri(parseUri(uri), resolver(zone), () => 0);
  return targets.map((target) => `${target.protocol} ${target.host} ${target.port} ${target.serverName ?? '-'}`);
}

for (const [uri, expected] of [
  ['sip:a@192.0.2.1', 'udp 192.0.2.1 5060 -'],
  ['sip:a@192.0.2.1:5070;transport=tcp', 'tcp 192.0.2.1 5070 -'],
  ['sips:a@192.0.2.1', 'tls 192.0.2.1 5061 -'],
  ['sips:a@[2001:db8::1];transport=tcp', 'tls 2001:db8::1 5061 -'],
  ['sip:a@192.0.2.1;transport=TLS', 'tls 192.0.2.1 5061 -'],
  ['sip:a@192.0.2.1;transport=ws', 'ws 192.0.2.1 80 -'],
  ['sip:a@h.example;maddr=192.0.2.7', 'udp 192.0.2.7 5060 -'],
] as const) {
  test(`an address needs no look-up: ${uri}`, async (t) => {
    const names = resolver({});
    const targets = await resolveUri(parseUri(uri), names);
    t.deepEqual(
      targets.map((target) => `${target.protocol} ${target.host} ${target.port} ${target.serverName ?? '-'}`),
      [expected],
    );
    t.deepEqual(names.asked, []);
  });
}

test('NAPTR by order and preference, SRV by priority, every address', async (t) => {
  const zone: Zone = {
    naptr: {
      'h.example': [
        naptr(20, 1, 'SIP+D2U', '_sip._udp.h.example'),
        naptr(10, 2, 'SIP+D2T', '_sip._tcp.h.example'),
        naptr(10, 1, 'SIPS+D2T', '_sips._tcp.h.example'),
        naptr(1, 1, 'E2U+sip', 'elsewhere'),
      ],
    },
    srv: {
      '_sips._tcp.h.example': [srv(2, 0, 5071, 'b.h.example'), srv(1, 0, 5061, 'a.h.example')],
      '_sip._tcp.h.example': [srv(1, 0, 5060, 'a.h.example')],
      '_sip._udp.h.example': [srv(1, 0, 5060, '.')],
    },
    addresses: { 'a.h.example': ['192.0.2.1', '2001:db8::1'], 'b.h.example': ['192.0.2.2'] },
  };
  t.deepEqual(await found('sip:x@h.example', zone), [
    'tls 192.0.2.1 5061 h.example',
    'tls 2001:db8::1 5061 h.example',
    'tls 192.0.2.2 5071 h.example',
    'tcp 192.0.2.1 5060 h.example',
    'tcp 2001:db8::1 5060 h.example',
  ]);
  t.deepEqual(
    (await found('sips:x@h.example', zone)).map((text) => text.slice(0, 3)),
    ['tls', 'tls', 'tls'],
  );
});

test('without NAPTR the SRV names are tried, UDP first; sips only TLS', async (t) => {
  const zone: Zone = {
    srv: { '_sip._tcp.h.example': [srv(1, 0, 5065, 'a')], '_sips._tcp.h.example': [srv(1, 0, 5066, 'a')] },
    addresses: { a: ['192.0.2.1'] },
  };
  t.deepEqual(await found('sip:h.example', zone), ['tcp 192.0.2.1 5065 h.example', 'tls 192.0.2.1 5066 h.example']);
  t.deepEqual(await found('sips:h.example', zone), ['tls 192.0.2.1 5066 h.example']);
});

test('a named transport asks for its SRV only', async (t) => {
  const names = resolver({ srv: { '_sip._tcp.h.example': [srv(1, 0, 5065, 'a')] }, addresses: { a: ['192.0.2.1'] } });
  const [target] = await resolveUri(parseUri('sip:h.example;transport=tcp'), names);
  t.like(target, { protocol: 'tcp', host: '192.0.2.1', port: 5065, serverName: 'h.example' });
  t.deepEqual(names.asked, ['srv _sip._tcp.h.example', 'addresses a']);
});

test('a port goes straight to the addresses', async (t) => {
  const names = resolver({ addresses: { 'h.example': ['192.0.2.1'] } });
  const [target] = await resolveUri(parseUri('sip:h.example:5077'), names);
  t.like(target, { protocol: 'udp', host: '192.0.2.1', port: 5077 });
  t.deepEqual(names.asked, ['addresses h.example']);
});

test('no SRV at all: the host’s own addresses', async (t) => {
  t.deepEqual(await found('sip:h.example', { addresses: { 'h.example': ['192.0.2.1'] } }), [
    'udp 192.0.2.1 5060 h.example',
  ]);
});

test('nothing found, a URI without a host and a failing name server reject', async (t) => {
  await t.throwsAsync(found('sip:h.example', {}), { message: 'No address for h.example' });
  await t.throwsAsync(found('tel:+1201', {}), { message: /no host/ });
  const failing: Resolver = { ...resolver({}), naptr: () => Promise.reject(new Error('SERVFAIL')) };
  await t.throwsAsync(resolveUri(parseUri('sip:h.example'), failing), { message: 'SERVFAIL' });
});

test('what DNS gives is bounded', async (t) => {
  const many = Array.from({ length: 100 }, (_, i) => `192.0.2.${i}`);
  t.is((await found('sip:h.example:5060', { addresses: { 'h.example': many } })).length, 16);
});

test('SRV weights decide among equals', (t) => {
  const records = [srv(1, 10, 1, 'a'), srv(1, 90, 1, 'b'), srv(0, 0, 1, 'first')];
  const names = (random: number) => orderSrv(records, () => random).map((record) => record.name);
  t.deepEqual(names(0.05), ['first', 'a', 'b']);
  t.deepEqual(names(0.5), ['first', 'b', 'a']);
  t.deepEqual(orderSrv([srv(1, 0, 1, 'x'), srv(1, 0, 1, 'y')], () => 0.9).length, 2);
});

test('sending to a host name goes to the first address that takes a connection', async (t) => {
  const names = resolver({ addresses: { 'h.example': ['127.0.0.9', '127.0.0.1'] } });
  const [a, b] = [new Peer(t, { resolver: names }), new Peer(t)];
  const { port } = (await b.listen('tcp')).local;
  const flow = await a.send(options('SIP/2.0/TCP h;branch=z9hG4bK1'), { protocol: 'tcp', host: 'h.example', port });
  t.is(flow.remote.address, '127.0.0.1');
  t.is((await b.next()).message.callId, 'c1');
  const lost = a.send(options('SIP/2.0/TCP h;branch=z9hG4bK1'), { protocol: 'tcp', host: 'none.example', port });
  await t.throwsAsync(lost, { message: 'No address for none.example' });
});
