import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import test from 'ava';
import { formatEngineAddress, parseEngineAddress } from '../../src/cli/engine-address.js';

function callwake(args: readonly string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['build/src/cli.js', ...args], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, ...env },
    timeout: 30_000,
  });
  return { status, stdout, stderr };
}

test('tells its version', (t) => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  t.deepEqual(callwake(['--version']), { status: 0, stdout: `${version}\n`, stderr: '' });
});

test('bad usage: one sentence, exit code 2, no stack trace', (t) => {
  for (const args of [
    ['strat'],
    ['start', '--confg', 'x'],
    ['ping'],
    ['demo', '--calls', 'many'],
    ['sim', 'edge'],
    ['engine'],
  ]) {
    const { status, stderr } = callwake(args);
    t.is(status, 2, args.join(' '));
    t.notRegex(stderr, /\n\s+at /);
    t.not(stderr, '');
  }
});

test('a configuration that is not there: exit code 2', (t) => {
  for (const command of ['start', 'check', 'app']) {
    const { status, stderr } = callwake([command, '--config', '/nowhere/callwake.yaml']);
    t.is(status, 2, command);
    t.regex(stderr, /\/nowhere\/callwake\.yaml: can't be read: there is no such file/);
    t.notRegex(stderr, /\n\s+at /);
  }
});

test('check tells what would run, and what is wrong with the files', (t) => {
  const example = ['check', '--config', 'deploy/callwake.example.yaml'];
  const wrong = callwake(example);
  t.is(wrong.status, 2);
  t.regex(wrong.stderr, /push\.accounts\[0\]\.keyFile: .*AuthKey_KEYID12345\.p8: there is no such file/);
  const right = callwake(example, { CALLWAKE_PUSH__PROVIDER: 'none', CALLWAKE_PUSH__ACCOUNTS: '[]' });
  t.is(right.status, 0, right.stderr);
  t.regex(right.stdout, /hold 13s/);
  t.regex(right.stdout, /tcp\/192\.0\.2\.10:5060/);
});

test('nobody to ping: exit code 1', (t) => {
  t.is(callwake(['ping', 'sip:127.0.0.1:1', '--timeout', '100ms']).status, 1);
});

test('the engine address keeps colons in the secret and IPv6 hosts', (t) => {
  for (const address of [
    { host: '127.0.0.1', port: 9022, secret: 'a:b:c' },
    { host: '::1', port: 1, secret: 'x' },
  ]) {
    t.deepEqual(parseEngineAddress(formatEngineAddress(address)), address);
  }
  for (const wrong of ['', 'host', 'host:9022', 'host:9022:', 'host:99999:x'])
    t.is(parseEngineAddress(wrong), undefined);
});
