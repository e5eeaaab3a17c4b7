import test from 'ava';
import { parseConfig } from '../../src/config/load.js';
import { Guard } from '../../src/guard/guard.js';
import type { Drachtio, SrfRequest, SrfResponse } from '../../src/sip/drachtio.js';
import { Gatekeeper } from '../../src/sip/gatekeeper.js';
import { Peers } from '../../src/sip/peers.js';
import { optionsHandler } from '../../src/sip/requests.js';
import { FakeClock } from '../support/fake-clock.js';

const TEXT = `
domains: [corp.example]
trunks: [{ name: cucm, peers: [{ host: 192.0.2.1 }] }]
edges: [{ name: edge, addresses: [192.0.2.2] }]
push: { provider: none }`;

function bench(allowDirect = false) {
  const { limits } = parseConfig(TEXT, { file: '/etc/callwake.yaml', env: {} });
  const edges = new Peers([{ name: 'edge', addresses: ['192.0.2.2'] }]);
  const gate = new Gatekeeper({
    guard: new Guard({ settings: limits, clock: new FakeClock(), onTold() {}, onBudget() {}, onBanned() {} }),
    trunks: new Peers([{ name: 'cucm', addresses: ['192.0.2.1'] }]),
    edgeOf: (req) => (edges.groupOf(req) === undefined ? undefined : { name: 'edge', digest: true }),
    allowDirect,
    onRefused() {},
  });
  const from = (source_address: string, ...vias: string[]): SrfRequest => {
    const lines = vias.map((via) => `Via: ${via}\r\n`).join('');
    const raw = `OPTIONS sip:x SIP/2.0\r\n${lines}Call-ID: 1\r\n\r\n`;
    return {
      method: 'OPTIONS',
      uri: 'sip:x',
      source_address,
      source_port: 5060,
      protocol: 'udp',
      msg: { raw },
    } as SrfRequest;
  };
  return { gate, from };
}

test('a stranger’s OPTIONS gets 403; those of trunk, edge and this machine are answered', (t) => {
  const { gate, from } = bench();
  const statuses: number[] = [];
  const drachtio = { respond: (_res: SrfResponse, status: number) => statuses.push(status) } as unknown as Drachtio;
  const refused: string[] = [];
  const handle = optionsHandler(
    drachtio,
    (req) => gate.knows(req),
    ({ source }) => refused.push(source),
  );
  const addresses = ['203.0.113.9', '2001:db8::9', '192.0.2.1', '192.0.2.2', '127.0.0.1', '::1'];
  for (const address of addresses) handle(from(address), {} as SrfResponse);
  t.deepEqual(statuses, [403, 403, 200, 200, 200, 200]);
  t.deepEqual(refused, ['203.0.113.9:5060', '2001:db8::9:5060']);
  t.true(bench(true).gate.knows(from('203.0.113.9')), 'where phones may come from anywhere');
});

test('who is to blame: the sender; behind an edge whom its Via names; nobody for a trunk, or an edge that does not tell', (t) => {
  const { gate, from } = bench();
  const own = 'SIP/2.0/TCP 192.0.2.2;branch=z9hG4bK1';
  t.is(gate.originOf(from('203.0.113.9', own)), '203.0.113.9');
  t.is(gate.originOf(from('192.0.2.1', own)), undefined);
  t.is(gate.originOf(from('192.0.2.2', own, 'SIP/2.0/TLS 10.0.0.9:5061;received=203.0.113.66')), '203.0.113.66');
  t.is(gate.originOf(from('192.0.2.2', `${own}, SIP/2.0/TLS [2001:db8::7]:5061;branch=z`)), '2001:db8::7');
  t.is(gate.originOf(from('192.0.2.2', own, 'SIP/2.0/WSS abc.invalid;branch=z')), undefined);
  t.is(gate.originOf(from('192.0.2.2', own)), undefined);
});
