import test from 'ava';
import { ConfigError } from '../../src/config/errors.js';
import { parseConfig } from '../../src/config/load.js';

const BASE = `
domains: [corp.example]
trunks: [{ name: cucm, peers: [{ host: 192.0.2.10 }] }]
edges: [{ name: edge, addresses: [192.0.2.20] }]
push: { provider: none }
`;

const load = (text: string) => parseConfig(`${BASE}${text}`, { file: '/etc/callwake/callwake.yaml', env: {} });

function problems(text: string): string[] {
  try {
    load(text);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ path, message }) => `${path}: ${message}`);
    throw error;
  }
}

test('Redis: a server, Sentinels, a cluster, with what each needs', (t) => {
  t.is(load('store: { kind: redis }').store.redis.urls[0], 'redis://127.0.0.1:6379');
  const { redis } = load(`store:
  kind: redis
  redis:
    mode: sentinel
    urls: ["rediss://s1:26379", "rediss://[2001:db8::1]:26379"]
    tls: { caFile: ca.pem }
    username: callwake
    password: secret
    whenAway: refuse
    replicas: 1`).store;
  t.is(redis.tls.caFile, '/etc/callwake/ca.pem');
  t.is(redis.timeout, 1_000);
  t.is(load('store: { kind: redis, redis: { urls: ["unix:///run/redis.sock"] } }').store.redis.urls.length, 1);
});

test('Redis: what can’t be is explained', (t) => {
  const wrong = (text: string): string => problems(`store: { kind: redis, redis: { ${text} } }`).join('\n');
  t.regex(wrong('urls: ["redis://user:secret@host"]'), /urls\[0\]: .*user, password and database have settings/);
  t.notRegex(wrong('urls: ["redis://user:secret@host"]'), /secret@/);
  t.regex(wrong('urls: ["redis://a", "redis://b"]'), /urls: .*one URL/);
  t.regex(wrong('mode: cluster, urls: ["redis://a", "rediss://b"]'), /throughout/);
  t.regex(wrong('mode: sentinel, urls: ["unix:///run/s"]'), /urls\[0\]/);
  t.regex(wrong('mode: cluster, database: 3'), /database/);
  t.regex(wrong('tls: { keyFile: a.key }'), /tls\.certFile/);
  t.regex(wrong('replicas: 1'), /whenAway is refuse/);
  t.regex(wrong('mode: cluster, replicas: 1, whenAway: refuse'), /with mode cluster/);
  t.regex(wrong('timeout: 400ms, replicas: 1, whenAway: refuse'), /replicaTimeout: .*shorter than timeout \(400ms\)/);
  t.is(wrong('timeout: 400ms'), '');
  t.regex(wrong('timeout: 1m'), /timeout/);
  t.regex(problems('cluster: { node: "a b" }').join(), /cluster\.node/);
});
