import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { ConfigError } from '../../src/config/errors.js';
import { loadConfig, parseConfig } from '../../src/config/load.js';

const MINIMAL = `
domains: [Corp.Example]
trunks:
  - name: cucm
    peers: [{ host: 192.0.2.10 }]
edges:
  - { name: expressway, addresses: [192.0.2.0/24] }
push: { provider: none }
`;

const load = (text: string, env: Record<string, string> = {}) => parseConfig(text, { file: '/etc/callwake.yaml', env });

function problems(text: string, env: Record<string, string> = {}): string[] {
  try {
    load(text, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
  return [];
}

test('what is not said gets its default, durations become milliseconds, paths absolute, domains lower case', (t) => {
  const config = load(MINIMAL);
  const [trunk] = config.trunks;
  t.is(trunk?.hold, 13_000);
  t.is(trunk?.ringbackAfter, 5000);
  const peer = { host: '192.0.2.10', port: 5060, transport: 'tcp', priority: 1, weight: 1, certificateNames: [] };
  t.deepEqual(trunk?.peers, [peer]);
  t.deepEqual(trunk?.whenNotWoken, { answer: 480 });
  t.deepEqual(config.domains, ['corp.example']);
  t.is(config.store.path, '/etc/data');
  t.is(config.engine.control.secret, undefined);
});

test('users and codes are mappings whose keys are the operator’s own', (t) => {
  const config = load(
    `${MINIMAL.replace('trunks:', 'users: { 2001: { fallback: "+49170123456" } }\ntrunks:')}\nalerts: { missedCall: true }\n`,
  );
  t.deepEqual(config.users, { 2001: { fallback: '+49170123456' } });
  t.deepEqual(config.alerts, { missedCall: true, answeredElsewhere: false, keep: 86_400_000 });
  const [wrong] = problems(`${MINIMAL}\nusers: { 2001: { fallbak: "1" } }\n`);
  t.regex(wrong ?? '', /users\.2001: unknown key "fallbak"/);
  t.regex(problems(`${MINIMAL}\nusers: { 2001: { fallback: "a b" } }\n`)[0] ?? '', /a number such as/);
});

test('TLS peers have port 5061', (t) => {
  const config = load(MINIMAL.replace('192.0.2.10', '192.0.2.10, transport: tls'));
  t.is(config.trunks[0]?.peers[0]?.port, 5061);
});

test('what a peer’s certificate must show goes with TLS and with the embedded engine', (t) => {
  const peer = (rest: string): string => MINIMAL.replace('192.0.2.10', `192.0.2.10, ${rest}`);
  const good = load(peer('transport: tls, certificateNames: [CUCM.corp.example], caFile: cucm.pem')).trunks[0]
    ?.peers[0];
  t.like(good, { certificateNames: ['cucm.corp.example'], caFile: '/etc/cucm.pem' });
  t.regex(problems(peer('certificateNames: [a.example]'))[0] ?? '', /certificateNames.*unless transport is tls/);
  t.regex(problems(peer('transport: tls, certificateNames: ["*.example"]'))[0] ?? '', /an IP address or a host name/);
  const named = peer('transport: tls, caFile: a.pem').replace('192.0.2.10', 'cucm.example');
  t.regex(problems(named)[0] ?? '', /host.*an IP address \(needed with caFile\)/);
  const external = `engine: { mode: external, control: { secret: s } }\n${peer('transport: tls, caFile: a.pem')}`;
  t.regex(problems(external)[0] ?? '', /caFile.*unless engine\.mode is embedded/);
});

test('the control protocol of the embedded engine stays on this machine', (t) => {
  const engine = (control: string, mode = 'embedded'): string =>
    `engine: { mode: ${mode}, control: ${control} }\n${MINIMAL}`;
  t.regex(problems(engine('{ host: 0.0.0.0 }'))[0] ?? '', /engine\.control\.host.*127\.0\.0\.1, ::1 or localhost/);
  t.regex(problems(engine('{ tls: true }'))[0] ?? '', /engine\.control\.tls/);
  t.regex(problems(engine('{ host: 192.0.2.1 }', 'external'))[0] ?? '', /engine\.control\.secret/);
  t.true(load(engine('{ host: 192.0.2.1, secret: s, tls: true, caFile: ca.pem }', 'external')).engine.control.tls);
});

test('a section without content means its defaults', (t) => {
  t.deepEqual(load(`${MINIMAL}\ndevices:\nlog:\n`), load(MINIMAL));
});

test('every problem is told at once, each at its line and column', (t) => {
  const text = `domains: []
trunks:
  - name: cucm
    peers: [{ host: 10.1.1.1, trasport: tcp }]
    hold: 13
    ringback: 182
edges: [{ name: e, addresses: [10.0.0.0/33] }]
push: { provider: fcm }
`;
  t.deepEqual(problems(text), [
    '/etc/callwake.yaml:1:1: domains: an empty list is not allowed; give a list of at least one of: domains such as corp.example',
    '/etc/callwake.yaml:4:31: trunks[0].peers[0]: unknown key "trasport"; did you mean transport?',
    '/etc/callwake.yaml:5:5: trunks[0].hold: 13 is not allowed; give a duration with its unit (ms, s, m, h or d) from 100ms to 120s, such as 13s',
    '/etc/callwake.yaml:6:5: trunks[0].ringback: 182 is not allowed; give one of 180, 183, 110, none',
    '/etc/callwake.yaml:7:32: edges[0].addresses[0]: "10.0.0.0/33" is not allowed; give an IP address or a range such as 192.0.2.0/24 or 2001:db8::/32',
    '/etc/callwake.yaml:8:9: push.provider: "fcm" is not allowed; give one of apns, none',
  ]);
});

test('what is missing is named', (t) => {
  const [domains] = problems(MINIMAL.replace('domains: [Corp.Example]', ''));
  t.is(domains, '/etc/callwake.yaml: domains: is missing; give a list of domains such as corp.example');
});

test('rules between settings', (t) => {
  const told = (text: string) => problems(text).map((line) => line.replace(/^[^ ]+ /, ''));
  t.deepEqual(told(`${MINIMAL}\nengine: { mode: external }\n`), [
    'engine.control.secret: is missing; give the secret of the external engine',
  ]);
  t.deepEqual(told(MINIMAL.replace('provider: none', 'provider: apns')), [
    'push.accounts: an empty list is not allowed; give a list of at least one account with teamId, keyId and keyFile (needed with provider apns)'.replace(
      'an empty list is not allowed',
      'is missing',
    ),
  ]);
  t.regex(told(`${MINIMAL}\ndevices: { minExpires: 2h }\n`)[0] ?? '', /^devices.defaultExpires: /);
  t.regex(told(MINIMAL.replace(/edges:\n.*/, 'edges: []'))[0] ?? '', /^edges: .*no phone could register/);
  t.regex(told(`${MINIMAL}\nlog: { level: info, level: debug }\n`)[0] ?? '', /unique/);
});

test('rules of the API', (t) => {
  const told = (api: string) => problems(`${MINIMAL}\napi: ${api}\n`).map((line) => line.replace(/^[^ ]+ /, ''));
  t.regex(
    told('{ jwt: { secret: short } }')[0] ?? '',
    /^api\.jwt\.secret: \(hidden\) is not allowed; give at least 32/,
  );
  t.regex(told('{ jwt: { secret: 0123456789abcdef0123456789abcdef, publicKeyFile: x } }')[0] ?? '', /either secret or/);
  t.regex(told('{ host: 192.0.2.1, loopbackWithoutToken: true }')[0] ?? '', /^api\.loopbackWithoutToken: true is not/);
  t.regex(told('{ tls: { keyFile: api.key } }')[0] ?? '', /^api\.tls\.certFile: is missing/);
  for (const host of ['127.0.0.9', '::1', 'localhost']) {
    t.is(load(`${MINIMAL}\napi: { host: "${host}", loopbackWithoutToken: true }\n`).api.host, host);
  }
});

test('two trunks may not have the same name', (t) => {
  const twice = MINIMAL.replace('edges:', '  - { name: cucm, peers: [{ host: 192.0.2.11 }] }\nedges:');
  t.regex(problems(twice)[0] ?? '', /trunks\[1\].name: "cucm" is not allowed; give a name that no other entry has/);
});

test('secrets are not shown', (t) => {
  const [hidden] = problems(`${MINIMAL}\nengine: { control: { secret: [top-secret] } }\n`);
  t.regex(hidden ?? '', /engine.control.secret/);
  t.false(hidden?.includes('top-secret'));
  const [misplaced] = problems(`${MINIMAL}\nengine: { control: "127.0.0.1:9022/top-secret" }\n`);
  t.regex(misplaced ?? '', /engine\.control: a text is not allowed; give a mapping with .*secret/);
  const pem = '-----BEGIN PRIVATE KEY-----MIGHAgEA';
  const key = problems(MINIMAL.replace('provider: none', `provider: apns, accounts: [{ teamId: "${pem}" }]`)).join(
    '\n',
  );
  t.false(key.includes('MIGHAgEA'));
});

test('the environment overrides the file, whatever the case and underscores within a name', (t) => {
  const config = load(MINIMAL, {
    CALLWAKE_TRUNKS__0__RINGBACK_AFTER: '3s',
    CALLWAKE_TRUNKS__0__RINGBACK: 'none',
    CALLWAKE_DOMAINS: '[a.example, b.example]',
    CALLWAKE_ENGINE__CONTROL__PORT: '9000',
    CALLWAKE_ENGINE__CONTROL__SECRET: '12345',
    CALLWAKE_STORE__DURABLE: 'false',
    CALLWAKE_SERVICE_HOST: '10.0.0.1',
  });
  t.is(config.trunks[0]?.ringbackAfter, 3000);
  t.is(config.trunks[0]?.ringback, 'none');
  t.deepEqual(config.domains, ['a.example', 'b.example']);
  t.is(config.engine.control.port, 9000);
  t.is(config.engine.control.secret, '12345');
  t.false(config.store.durable);
});

test('problems in the environment name the variable', (t) => {
  t.deepEqual(
    problems(MINIMAL, {
      CALLWAKE_LOG__LEVEL: 'loud',
      CALLWAKE_LOG__FORMT: 'json',
      CALLWAKE_TRUNKS__FIRST__HOLD: '3s',
      CALLWAKE_STORE__CACHE: '[1',
    }),
    [
      'CALLWAKE_LOG__FORMT: log: unknown key "FORMT"; did you mean format?',
      'CALLWAKE_TRUNKS__FIRST__HOLD: trunks: FIRST is no list entry; count them from 0',
      'CALLWAKE_STORE__CACHE: store.cache: is not YAML; quote the value',
      'CALLWAKE_LOG__LEVEL: log.level: "loud" is not allowed; give one of debug, info, warn, error',
    ],
  );
});

test('a file that is no YAML, or none of ours, or not there', (t) => {
  t.regex(problems('domains: [1\n')[0] ?? '', /^\/etc\/callwake.yaml:\d+:\d+: YAML: /);
  t.regex(problems('just text')[0] ?? '', /"just text" is not allowed; give a mapping with engine, domains/);
  const missing = t.throws(() => loadConfig({ file: '/nowhere/callwake.yaml', env: {} }), { instanceOf: ConfigError });
  t.is(missing?.message, "/nowhere/callwake.yaml: can't be read: there is no such file");
  t.throws(() => loadConfig({ file: tmpdir(), env: {} }), { message: /it is a folder/ });
});

test('a file as big as no configuration is', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'callwake-config-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'big.yaml');
  writeFileSync(file, '#'.repeat(1_000_001));
  t.throws(() => loadConfig({ file, env: {} }), { message: /too much/ });
});

test('any text gives a configuration or a ConfigError', (t) => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.object().map((value) => JSON.stringify(value)),
      ),
      (text) => {
        t.true(problems(text).length > 0);
      },
    ),
    { numRuns: 300, examples: [['*!'], ['a: &a *a'], ['<<: 1'], ['__proto__: 1']] },
  );
});

test('a YAML bomb is refused', (t) => {
  const levels = Array.from({ length: 9 }, (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(', ')}]`);
  t.regex(problems(['l0: &l0 x', ...levels].join('\n')).join('\n'), /YAML/);
});
