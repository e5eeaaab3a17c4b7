import test from 'ava';
import { advise } from '../../src/config/advice.js';
import { parseConfig } from '../../src/config/load.js';

function advice(settings: string): string[] {
  const config = parseConfig(settings, { file: '/etc/callwake.yaml', env: {} });
  return advise(config).map(({ path, text }) => `${path}: ${text}`);
}

const trunk = (settings: string) => `
domains: [corp.example]
trunks: [{ name: cucm, peers: [{ host: 192.0.2.10 }]${settings} }]
push: { provider: none }
`;
const EDGE = 'edges: [{ name: expressway, addresses: [192.0.2.20] }]\n';

test('nothing to say of defaults', (t) => {
  t.deepEqual(advice(trunk('') + EDGE), []);
});

test('a hold beyond Cisco’s, ringback after it and a ring beyond CUCM’s are told', (t) => {
  const [hold, ringback, ring, ...rest] = advice(trunk(', hold: 20s, ringbackAfter: 30s, ring: 4m') + EDGE);
  t.regex(hold ?? '', /^trunks\[0\]\.hold: 20s is longer than Cisco's own 13s/);
  t.regex(ringback ?? '', /^trunks\[0\]\.ringbackAfter: .*the caller hears nothing/);
  t.regex(ring ?? '', /^trunks\[0\]\.ring: CUCM gives up after 3m/);
  t.deepEqual(rest, []);
  t.deepEqual(advice(trunk(', ringback: none, ringbackAfter: 30s') + EDGE), []);
});

test('doors that stand open are told', (t) => {
  t.regex(advice(`${trunk('')}directPhones: { allow: true }\n`)[0] ?? '', /^directPhones\.allow: .*anybody/);
  const edge = (settings: string) => advice(`${trunk('')}edges: [{ name: any, addresses: ["::/0"]${settings} }]\n`);
  t.regex(edge('')[0] ?? '', /^edges\[0\]\.addresses: everybody counts as this edge/);
  const tls = (certificates: string) =>
    advice(`${trunk('')}edges: [{ name: any, addresses: ["::/0"], transport: tls }]
engine: { tls: { caFile: ca.pem, clientCertificates: ${certificates} } }\n`);
  for (const certificates of ['false', 'asked'])
    t.regex(tls(certificates)[0] ?? '', /^edges\[0\]\.transport: everybody who connects over TLS/);
  t.deepEqual(tls('true'), []);
});

test('a store in memory is told', (t) => {
  t.regex(advice(`${trunk('')}${EDGE}store: { kind: memory }\n`)[0] ?? '', /^store\.kind: memory/);
});

test('an API for others without TLS, or without tokens, is told', (t) => {
  const told = advice(`${trunk('')}${EDGE}api: { host: 0.0.0.0 }\n`);
  t.regex(told[0] ?? '', /^api\.tls: tokens and answers go in clear/);
  t.regex(told[1] ?? '', /^api\.jwt: without secret or publicKeyFile/);
  t.deepEqual(advice(`${trunk('')}${EDGE}api: { enabled: false, host: 0.0.0.0 }\n`), []);
});
