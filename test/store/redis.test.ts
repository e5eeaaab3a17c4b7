import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Redis } from 'ioredis';
import { systemClock } from '../../src/clock/clock.js';
import type { Device } from '../../src/devices/types.js';
import { makeCertificate } from '../../src/sim/tls/certificate.js';
import { DEFAULT_REDIS, type RedisOptions } from '../../src/store/redis/options.js';
import { RedisStore, type RedisStoreOptions } from '../../src/store/redis/redis-store.js';
import { StoreAway } from '../../src/store/store.js';
import { eventually } from '../support/eventually.js';
import { freePort, RedisServer, type RedisServerOptions } from '../support/redis.js';
import { collect, fullDevice, temporaryFolder } from './support.js';

const AOR = 'sip:1@a.example';

async function server(t: ExecutionContext, options?: RedisServerOptions): Promise<RedisServer> {
  const redis = await RedisServer.start(options);
  t.teardown(() => redis.stop());
  return redis;
}

type Opened = Partial<RedisOptions> & Partial<Pick<RedisStoreOptions, 'node' | 'spool' | 'journal' | 'lastsUntil'>>;

/** A node's store; `up` says whether Redis is there when it is opened. */
async function node(t: ExecutionContext, redis: RedisServer, opened: Opened = {}, up = true): Promise<RedisStore> {
  const { node: name = 'a', spool, journal, lastsUntil, ...options } = opened;
  const store = new RedisStore({
    redis: { ...DEFAULT_REDIS, urls: [redis.url], timeout: 5_000, ...options },
    clock: systemClock,
    node: name,
    cache: 1_000,
    spool,
    journal,
    ...(lastsUntil && { lastsUntil }),
    onTrouble: (why) => (/does not know/.test(why) ? t.log(why) : t.fail(why)),
  });
  t.teardown(() => store.close());
  if (up) await store.link.up();
  return store;
}

const add = (store: RedisStore, id: string, aor = AOR): Promise<number> =>
  store.changeDevices(aor, (known) => {
    const devices = [...known.filter((device) => device.id !== id), fullDevice(aor, id)];
    return { devices, result: devices.length };
  });

const ids = (devices: readonly Device[]): string[] => devices.map(({ id }) => id).sort();

const away = (store: RedisStore): Promise<void> => eventually(() => store.link.state === 'away');
const written = (store: RedisStore): Promise<void> =>
  eventually(() => store.link.state === 'up' && store.waiting === 0);

test('nodes that change the devices of an AOR at once lose nothing of each other', async (t) => {
  const redis = await server(t);
  const nodes = await Promise.all(['a', 'b', 'c'].map((name) => node(t, redis, { node: name })));
  await Promise.all(nodes.flatMap((store, n) => [0, 1, 2, 3].map((i) => add(store, `n${n}d${i}`))));
  for (const store of nodes) t.is((await store.devicesOf(AOR)).length, 12);
});

test('what a node remembers is not taken for what is there', async (t) => {
  const redis = await server(t);
  const [a, b] = [await node(t, redis), await node(t, redis, { node: 'b' })];
  await add(a, 'x');
  await add(b, 'y');
  t.deepEqual(ids(await a.devicesOf(AOR)), ['x', 'y']);
  await b.changeDevices(AOR, () => ({ devices: [], result: undefined }));
  t.deepEqual(await a.devicesOf(AOR), []);
  t.is(await add(a, 'z'), 1);
});

test('a change that is asked for twice makes nothing of what it saw first', async (t) => {
  const redis = await server(t);
  const [a, b] = [await node(t, redis), await node(t, redis, { node: 'b' })];
  await add(a, 'x');
  await add(b, 'y');
  const seen: string[][] = [];
  const told = await a.changeDevices(AOR, (known) => {
    seen.push(ids(known));
    return { devices: known.slice(0, 1), result: ids(known) };
  });
  t.deepEqual(seen, [['x'], ['x', 'y']]);
  t.deepEqual(told, ['x', 'y']);
});

test('while Redis is away what is remembered is read and changed, and Redis gets it when it is back, whatever it has lost', async (t) => {
  const redis = await server(t);
  const store = await node(t, redis);
  await add(store, 'x');
  await add(store, 'x', 'sip:2@a.example');
  await store.putCall(`${AOR} u1`, { state: 'held' });
  await store.putCall(`${AOR} u2`, { state: 'held' });
  await redis.kill();
  await away(store);
  t.deepEqual(ids(await store.devicesOf(AOR)), ['x']);
  await add(store, 'y');
  t.deepEqual(ids(await store.devicesOf(AOR)), ['x', 'y']);
  await add(store, 'z', 'sip:3@a.example');
  t.is(store.waiting, 2);
  await store.putCall(`${AOR} u3`, { state: 'held' });
  await store.removeCall(`${AOR} u1`);
  await t.throwsAsync(async () => store.devicesOf('sip:9@a.example'), { instanceOf: StoreAway });
  await t.throwsAsync(() => store.putShared('k', 1, 0), { instanceOf: StoreAway });
  await redis.restart();
  await written(store);
  const other = await node(t, redis, { node: 'b' });
  await eventually(async () => ids(await other.devicesOf('sip:2@a.example')).length === 1);
  t.deepEqual(ids(await other.devicesOf(AOR)), ['x', 'y']);
  t.deepEqual(ids(await other.devicesOf('sip:3@a.example')), ['z']);
  t.is((await collect(other.eachAor())).length, 3);
  await eventually(async () => (await collect(other.journal.ofNode('a'))).length === 2);
  t.deepEqual((await collect(other.journal.ofNode('a'))).map(([key]) => key).sort(), [`${AOR} u2`, `${AOR} u3`]);
});

test('what two nodes did while they could not see each other is brought together', async (t) => {
  const redis = await server(t);
  const [a, b] = [await node(t, redis), await node(t, redis, { node: 'b' })];
  await add(a, 'x');
  await b.devicesOf(AOR);
  await redis.kill();
  await Promise.all([away(a), away(b)]);
  await add(a, 'of a');
  await add(b, 'of b');
  await b.changeDevices(AOR, (known) => ({ devices: known.filter(({ id }) => id !== 'x'), result: undefined }));
  await redis.restart();
  await Promise.all([written(a), written(b)]);
  t.deepEqual(ids(await a.devicesOf(AOR)), ['of a', 'of b']);
});

test('a process that ends while Redis is away leaves what it has acknowledged to the next one', async (t) => {
  const redis = await server(t);
  const spool = join(temporaryFolder(t), 'waiting');
  const first = await node(t, redis, { spool });
  await redis.kill();
  await away(first);
  await add(first, 'x');
  const second = await node(t, redis, { spool }, false);
  t.is(second.waiting, 1);
  t.deepEqual(ids(await second.devicesOf(AOR)), ['x']);
  await redis.restart();
  await written(second);
  const other = await node(t, redis, { node: 'b' });
  t.deepEqual(ids(await other.devicesOf(AOR)), ['x']);
  const third = await node(t, redis, { spool, node: 'c' });
  t.is(third.waiting, 0);
});

test('no more waits for Redis than is allowed, and nothing if nothing is', async (t) => {
  const redis = await server(t);
  const bounded = await node(t, redis, { maxQueued: 1 });
  const strict = await node(t, redis, { whenAway: 'refuse', node: 'b' });
  await redis.kill();
  await Promise.all([away(bounded), away(strict)]);
  await add(bounded, 'x');
  await add(bounded, 'y');
  await t.throwsAsync(add(bounded, 'x', 'sip:2@a.example'), { name: 'StoreFull' });
  await t.throwsAsync(add(strict, 'x'), { instanceOf: StoreAway });
});

test('a Redis that does not answer counts as away, and what it was asked is asked again', async (t) => {
  const redis = await server(t);
  const store = await node(t, redis, { timeout: 300 });
  await add(store, 'x');
  redis.freeze();
  await add(store, 'y');
  t.is(store.link.state, 'away');
  t.regex(store.link.why, /./);
  t.deepEqual(ids(await store.devicesOf(AOR)), ['x', 'y']);
  redis.thaw();
  await written(store);
  const other = await node(t, redis, { node: 'b' });
  t.deepEqual(ids(await other.devicesOf(AOR)), ['x', 'y']);
});

test('a registration is acknowledged when the replica has it, if that is wanted', async (t) => {
  const redis = await server(t);
  const replica = await server(t, { args: ['--replicaof', '127.0.0.1', String(redis.port)] });
  await eventually(async () => /state=online/.test(String(await redis.ask('INFO', 'replication'))));
  const wanted: Opened = { replicas: 1, whenAway: 'refuse', timeout: 60_000 };
  const patient = await node(t, redis, { ...wanted, replicaTimeout: 50_000 });
  await add(patient, 'x');
  t.is(await replica.ask('EXISTS', patient.keys.devices(AOR)), 1);
  await replica.kill();
  const hasty = await node(t, redis, { ...wanted, replicaTimeout: 20, node: 'b' });
  await t.throwsAsync(add(hasty, 'y'), { instanceOf: StoreAway, message: /0 of 1 replicas/ });
});

test('what has run out goes by itself', async (t) => {
  const redis = await server(t);
  const store = await node(t, redis, { lastsUntil: () => Date.now() + 100_000 });
  await add(store, 'x');
  const left = Number(await redis.ask('PTTL', store.keys.devices(AOR)));
  t.true(left > 0 && left <= 100_000);
  await redis.ask('DEL', store.keys.devices(AOR));
  t.deepEqual(await collect(store.eachAor()), []);
  t.is(await redis.ask('ZCARD', store.keys.index(store.keys.partOf(AOR))), 0, 'the index forgets it as well');
});

test('calls that are over are not gone on with, though a Redis that failed over still has them', async (t) => {
  const redis = await server(t);
  const journal = temporaryFolder(t);
  const [over, held] = [`${AOR} u1`, `${AOR} u2`];
  const before = await node(t, redis, { journal });
  await before.putCall(over, { n: 1 });
  await before.removeCall(over);
  await before.putCall(held, { n: 2 });
  await before.close();
  await redis.ask('HSET', 'callwake:{sip:1@a.example}:calls', over, '{"n":1}');
  await redis.ask('SADD', 'callwake:journal:a', over);
  const store = await node(t, redis, { journal });
  t.deepEqual(await collect(store.calls()), [[held, { n: 2 }]]);
  t.deepEqual(await redis.ask('SMEMBERS', 'callwake:journal:a'), [held]);
  await redis.ask('HSET', 'callwake:{sip:1@a.example}:calls', over, '{"n":1}');
  await redis.ask('SADD', 'callwake:journal:a', over);
  await redis.ask('CLIENT', 'KILL', 'TYPE', 'normal');
  await away(store);
  await eventually(async () => String(await redis.ask('SMEMBERS', 'callwake:journal:a')) === held);
  t.deepEqual(await redis.ask('HKEYS', 'callwake:{sip:1@a.example}:calls'), [held]);
});

test('when Redis is back it first gets the calls under way, then hears of those that are over', async (t) => {
  const redis = await server(t);
  const store = await node(t, redis);
  const [over, under] = [`${AOR} u1`, `${AOR} u2`];
  await store.putCall(over, { n: 1 });
  const client = new Redis(redis.port, redis.address);
  const watcher = await client.monitor();
  t.teardown(() => {
    client.disconnect();
    watcher.disconnect();
  });
  const seen: string[] = [];
  watcher.on('monitor', (_time: string, [command = '', , field = '']: string[]) => {
    if (/^(hset|hdel)$/i.test(command)) seen.push(`${command.toLowerCase()} ${field}`);
  });
  redis.freeze();
  const removed = store.removeCall(over);
  await away(store);
  await removed;
  await store.putCall(under, { n: 2 });
  redis.thaw();
  await eventually(() => seen.includes(`hset ${under}`) && seen.at(-1) === `hdel ${over}`);
  // The first HDEL was on its way when Redis stood still.
  t.deepEqual(seen.slice(-2), [`hset ${under}`, `hdel ${over}`]);
});

test('a node that comes back leaves the calls to the others that have taken them over, though they are over by then', async (t) => {
  const redis = await server(t);
  const journal = temporaryFolder(t);
  const calls = 'callwake:{sip:1@a.example}:calls';
  const [anew, on, own, unsaid] = [`${AOR} u1 c`, `${AOR} u2 c`, `${AOR} u3 c`, `${AOR} u4 c`];
  const before = await node(t, redis, { journal });
  for (const key of [anew, on, own, unsaid]) await before.putCall(key, { key });
  await before.close();
  // A process may be killed after half of what it says of a call.
  await redis.ask('SREM', 'callwake:journal:a', own);
  const other = await node(t, redis, { node: 'b' });
  await other.journal.retire('a', anew);
  await other.journal.inherit('a', on, true);
  await other.putCall(on, { key: on });
  await other.removeCall(on);
  // Redis was away when the node had that one.
  await redis.ask('HDEL', calls, unsaid);
  await other.journal.disown('a', AOR, 'u4');
  const store = await node(t, redis, { journal });
  t.deepEqual(await collect(store.calls()), [[own, { key: own }]]);
  t.deepEqual(await redis.ask('HKEYS', calls), [own]);
});

test('a node that comes back while Redis is away learns then what others have taken over, and writes nothing of it before', async (t) => {
  const redis = await server(t);
  const journal = temporaryFolder(t);
  const [gone, own] = [`${AOR} u1`, `${AOR} u2`];
  const before = await node(t, redis, { journal });
  for (const key of [gone, own]) await before.putCall(key, { key });
  await before.close();
  const other = await node(t, redis, { node: 'b' });
  await other.journal.retire('a', gone);
  redis.freeze();
  const store = await node(t, redis, { journal }, false);
  const taken: unknown[] = [];
  store.journal.onTaken((record) => taken.push(record));
  t.is((await collect(store.calls())).length, 2);
  t.true(store.journal.isUnsure(gone));
  await store.putCall(gone, { key: gone, late: true });
  redis.thaw();
  await store.link.up();
  await eventually(() => !store.journal.isUnsure(own));
  t.deepEqual(taken, [{ key: gone, late: true }]);
  await eventually(async () => String(await redis.ask('HKEYS', 'callwake:{sip:1@a.example}:calls')) === own);
  t.deepEqual(await collect(store.calls()), [[own, { key: own }]]);
});

test('what a newer callwake has written is left alone, and said', async (t) => {
  const redis = await server(t);
  const store = await node(t, redis);
  t.is(await redis.ask('GET', 'callwake:schema'), '1');
  await add(store, 'x');
  await redis.ask('SET', 'callwake:schema', '2');
  const older = await node(t, redis, { node: 'b', whenAway: 'refuse' }, false);
  await eventually(() => /newer callwake.*schema 2.*up to 1/.test(older.link.why));
  await t.throwsAsync(add(older, 'y'), { instanceOf: StoreAway });
  t.deepEqual(ids(await store.devicesOf(AOR)), ['x']);
});

test('a form of devices that this version does not know keeps nothing else from being written', async (t) => {
  const redis = await server(t);
  const store = await node(t, redis, { timeout: 1_000 });
  await redis.kill();
  await away(store);
  await add(store, 'x');
  await add(store, 'x', 'sip:2@a.example');
  const next = 'callwake:{sip:1@a.example}:devices';
  await redis.restart();
  await redis.ask('SET', next, '5 ?what only the next version reads');
  const other = await node(t, redis, { node: 'b' });
  await t.throwsAsync(async () => other.devicesOf(AOR), { message: /form that this callwake does not know/ });
  await eventually(async () => (await other.devicesOf('sip:2@a.example')).length === 1);
  t.is(await redis.ask('GET', next), '5 ?what only the next version reads');
});

test('TLS with a certificate of our own, and a user with no more rights than it needs', async (t) => {
  const folder = temporaryFolder(t);
  const own = makeCertificate({ commonName: 'redis' });
  for (const [name, text] of Object.entries({ key: own.key, cert: own.cert })) writeFileSync(join(folder, name), text);
  const { key, cert } = { key: join(folder, 'key'), cert: join(folder, 'cert') };
  const plain = await server(t);
  const port = await freePort();
  await server(t, {
    args: [
      '--tls-port',
      String(port),
      '--tls-cert-file',
      cert,
      '--tls-key-file',
      key,
      '--tls-ca-cert-file',
      cert,
    ].concat('--user default off --user callwake on >s3cret ~site:* &site:*'.split(' '), RIGHTS.split(' ')),
  });
  const tls = { caFile: cert, certFile: cert, keyFile: key };
  const urls = [`rediss://127.0.0.1:${port}`];
  const options = { urls, tls, username: 'callwake', password: 's3cret', prefix: 'site:' };
  const store = await node(t, plain, options);
  const until = Date.parse(new X509Certificate(own.cert).validTo);
  t.deepEqual(store.link.certificates, [{ server: `Redis 127.0.0.1:${port}`, until }]);
  await add(store, 'x');
  await store.putRecord('users', 'u', { n: 1 });
  await store.putQueued('q', '1', { n: 1 });
  await store.putShared('k', 1, 0);
  await store.putCall(`${AOR} u1`, {});
  t.is((await collect(store.calls())).length, 1);
  t.is((await collect(store.eachAor())).length, 1);
  t.deepEqual(await collect(store.queues()), ['q']);
  const stranger = await node(t, plain, { ...options, password: 'wrong' }, false);
  await eventually(() => /WRONGPASS/.test(stranger.link.why));
  t.is(stranger.link.state, 'away');
});

/** As docs/cluster.md tells the operator. */
const RIGHTS = '-@all +@read +@write +@scripting +@pubsub +@connection +wait +time -@dangerous +info';
