import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { openPurrKey } from '../../src/devices/purr-key.js';
import { UsersFile } from '../../src/devices/users-file.js';
import { FakeClock } from '../support/fake-clock.js';

const MD5 = 'a'.repeat(32);

function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'callwake-users-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

test('a changed users file is taken over; one with a mistake is reported and the last good one stays', (t) => {
  const file = join(folder(t), 'users.htdigest');
  const clock = new FakeClock();
  const problems: unknown[] = [];
  writeFileSync(file, `2001:corp.example:${MD5}\n`);
  const users = new UsersFile(file, clock, (error) => problems.push(error));
  t.is(users.find('2001', 'corp.example')?.MD5, MD5);
  writeFileSync(file, `2001:corp.example:${MD5}\n2002:corp.example:${MD5}\n`);
  clock.advance(2_000);
  t.is(users.find('2002', 'corp.example')?.MD5, MD5);
  writeFileSync(file, '2001 has no colons\n');
  clock.advance(2_000);
  t.is(users.find('2002', 'corp.example')?.MD5, MD5);
  t.is(problems.length, 1);
  t.regex(String(problems[0]), /line 1/);
});

test('a users file that can’t be used at the start is an error', (t) => {
  t.throws(() => new UsersFile(join(folder(t), 'missing'), new FakeClock(), () => {}), { code: 'ENOENT' });
});

test('the PURR key is made once, for its owner only, and read again', (t) => {
  const file = join(folder(t), 'purr.key');
  const key = openPurrKey(file);
  t.is(key.length, 32);
  t.is(statSync(file).mode & 0o777, 0o600);
  t.deepEqual(openPurrKey(file), key);
  t.regex(readFileSync(file, 'utf8'), /^[0-9a-f]{64}\n$/);
  writeFileSync(file, 'short');
  t.throws(() => openPurrKey(file), { message: /64 hexadecimal digits/ });
});
