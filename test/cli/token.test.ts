import { spawnSync } from 'node:child_process';
import test from 'ava';
import jwt from 'jsonwebtoken';

const SECRET = 'a secret of the tests, with more than 32 characters';

function callwake(args: readonly string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['build/src/cli.js', 'token', '--config', 'deploy/callwake.example.yaml', ...args],
    { encoding: 'utf8', env: { PATH: process.env.PATH, ...env }, timeout: 30_000 },
  );
  return { status, stdout, stderr };
}

test('mints a token that the configured secret has signed', (t) => {
  const { status, stdout } = callwake(
    ['--scope', 'calls:read', '--scope', 'users:write', '--expires', '15m', '--subject', 'alice'],
    { CALLWAKE_API__JWT__SECRET: SECRET },
  );
  t.is(status, 0);
  const claims = jwt.verify(stdout.trim(), SECRET, { audience: 'callwake' }) as jwt.JwtPayload;
  t.like(claims, { scope: 'calls:read users:write', sub: 'alice' });
  t.is((claims.exp ?? 0) - (claims.iat ?? 0), 900);
});

test('says what is missing: a secret, a scope, a scope that there is, a lifetime; exit code 2', (t) => {
  const env = { CALLWAKE_API__JWT__SECRET: SECRET };
  t.like(callwake(['--scope', 'calls:read']), { status: 2, stdout: '' });
  t.regex(callwake(['--scope', 'calls:read']).stderr, /set api\.jwt\.secret/);
  t.regex(callwake([], env).stderr, /at least one --scope/);
  t.regex(callwake(['--scope', 'all'], env).stderr, /all is no scope; there are status:read/);
  t.like(callwake(['--scope', 'calls:read', '--expires', '9999d'], env), { status: 2, stdout: '' });
});
