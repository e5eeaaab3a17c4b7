import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';

const CONFIG = 'deploy/kamailio-edge/kamailio.cfg';

/** What the container's shell runs. */
function containerCommand(): string {
  const text = readFileSync('deploy/kamailio-edge/Dockerfile', 'utf8').replaceAll('\\\n', '');
  const [, command = '[]'] = /^CMD (\[.*\])$/m.exec(text) ?? [];
  const words: unknown = JSON.parse(command);
  return Array.isArray(words) ? String(words[2]) : '';
}

const EDGE = { EDGE_ADDRESS: '127.0.0.1', EDGE_PORT: '5999', CORE_ADDRESS: '127.0.0.1', CORE_PORT: '5998' };

for (const [nodes, env] of Object.entries({
  'one node': EDGE,
  'several nodes': { ...EDGE, CORES: 'sip:127.0.0.1:5998 sip:127.0.0.1:5997' },
})) {
  test(`Kamailio accepts its configuration, with the options that the container gives it: ${nodes}`, (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'callwake-kamailio-'));
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    const command = containerCommand()
      .replaceAll('/tmp', folder)
      .replace('/etc/kamailio/kamailio.cfg', CONFIG)
      .replace('exec kamailio -DD', 'exec kamailio -c');
    t.true(command.includes(`kamailio -c -E`) && command.includes(CONFIG));
    const { status, error, stderr } = spawnSync('/bin/sh', ['-c', command], {
      encoding: 'utf8',
      timeout: 30_000,
      env: { PATH: `${process.env.PATH}:/usr/sbin`, ...env },
    });
    t.is(error?.message, undefined);
    t.is(status, 0, `Kamailio is needed (apt-get install kamailio): ${stderr}`);
  });
}
