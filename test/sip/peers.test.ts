import test from 'ava';
import { Peers } from '../../src/sip/peers.js';

function from(source_address: string, protocol = 'udp', shown?: string) {
  const certificate = shown === undefined ? '' : `X-TLS-Peer: ${shown}\r\n`;
  const raw = `INVITE sip:2001@corp.example SIP/2.0\r\n${certificate}Call-ID: 1\r\n\r\nX-TLS-Peer: "in.the.body"`;
  return { source_address, protocol, msg: { raw } };
}

test('a group is known by address; what should come over TLS is not taken from elsewhere', (t) => {
  const peers = new Peers([
    { name: 'plain', addresses: ['192.0.2.1', '2001:db8::/32'] },
    { name: 'secure', addresses: ['192.0.2.2'], tlsOnly: true },
  ]);
  t.is(peers.groupOf(from('192.0.2.1')), 'plain');
  t.is(peers.groupOf(from('[2001:db8::7]', 'tcp')), 'plain');
  t.is(peers.groupOf(from('192.0.2.2', 'tls')), 'secure');
  t.is(peers.groupOf(from('192.0.2.2', 'udp')), undefined);
  t.is(peers.lackOf(from('192.0.2.2', 'udp')), 'no TLS, which secure must have');
  t.is(peers.lackOf(from('192.0.2.9')), undefined);
});

test('a group with names is whoever shows one of them from its address (RFC 5922)', (t) => {
  const peers = new Peers([
    {
      name: 'edge',
      addresses: ['0.0.0.0/0'],
      tlsOnly: true,
      certificate: true,
      certificateNames: ['edge.example', 'e2.example'],
    },
    { name: 'any', addresses: ['192.0.2.7'], certificate: true },
  ]);
  t.is(peers.groupOf(from('203.0.113.1', 'tls', '"edge.example";until=1893456000')), 'edge');
  t.is(peers.groupOf(from('203.0.113.1', 'wss', '"x.example", "e2.example"')), 'edge');
  t.is(peers.groupOf(from('203.0.113.1', 'tls', '"edge.example.evil.example"')), undefined);
  t.is(peers.groupOf(from('203.0.113.1', 'tls', '""')), undefined);
  t.is(peers.groupOf(from('203.0.113.1', 'tls')), undefined, 'none shown; a body is no header');
  t.is(peers.groupOf(from('203.0.113.1', 'tcp', '"edge.example"')), undefined, 'without TLS nobody has checked it');
  t.is(peers.groupOf(from('192.0.2.7', 'tls', '""')), 'any', 'any good certificate');
  t.is(
    peers.lackOf(from('203.0.113.1', 'tls', '"mallory.example"')),
    'no certificate of edge.example or e2.example but of mallory.example, which edge must have',
  );
});

test('a host name counts once it is resolved, also for an address that was asked for before', async (t) => {
  const peers = new Peers([
    { name: 'cucm', addresses: ['localhost'] },
    { name: 'edge', addresses: ['no-such-host.invalid'] },
  ]);
  t.is(peers.groupOf(from('127.0.0.1')), undefined);
  t.like(await peers.resolve(), [{ host: 'no-such-host.invalid' }]);
  t.true(['127.0.0.1', '::1'].some((address) => peers.groupOf(from(address)) === 'cucm'));
});

test('whoever asks, what is kept in mind is right', (t) => {
  const peers = new Peers([{ name: 'edge', addresses: ['10.0.0.0/16'] }]);
  for (let n = 0; n < 10_000; n++) {
    const address = `10.${n >> 12}.${(n >> 6) & 63}.${n & 63}`;
    if (peers.groupOf(from(address)) !== (n < 4096 ? 'edge' : undefined)) t.fail(address);
  }
  t.is(peers.groupOf(from('10.0.0.0')), 'edge');
});
