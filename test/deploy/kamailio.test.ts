import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import test from 'ava';

const CONFIG = 'deploy/kamailio-edge/kamailio.cfg';

/** The options that the container starts Kamailio with, its environment filled in. */
function containerOptions(env: Readonly<Record<string, string>>): string[] {
  const command = /CMD \["\/bin\/sh", "-c", "exec kamailio ([^"]+)"\]/.exec(
    readFileSync('deploy/kamailio-edge/Dockerfile', 'utf8'),
  );
  const words = (command?.[1] ?? '').replace(/\\\n/g, ' ').replace(/\$\{(\w+)\}/g, (_, name) => env[name] ?? '');
  return words.split(/\s+/).filter((word) => word !== '' && word !== '-DD');
}

test('Kamailio accepts its configuration, with the options that the container gives it', (t) => {
  const env = { EDGE_ADDRESS: '127.0.0.1', EDGE_PORT: '5999', CORE_ADDRESS: '127.0.0.1', CORE_PORT: '5998' };
  const options = containerOptions(env).map((word) => (word === '/etc/kamailio/kamailio.cfg' ? CONFIG : word));
  t.true(options.includes(CONFIG));
  const { status, error, stderr } = spawnSync('kamailio', ['-c', ...options], {
    encoding: 'utf8',
    timeout: 30_000,
    env: { PATH: `${process.env.PATH}:/usr/sbin` },
  });
  t.is(error?.message, undefined, 'Kamailio is needed: apt-get install kamailio');
  t.is(status, 0, stderr);
});
