import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { compareHeaps, readHeap } from '../../src/demo/soak/heap.js';
import { PROBE_EVERY, PROBE_FOLDER } from '../../src/demo/soak/probe.js';
import { eventually } from '../support/eventually.js';

/** What stands for the app: it keeps something whenever it is told to. */
const LEAKY = `
class Kept { constructor(n) { this.call = 'call ' + n; this.next = { n }; } }
const kept = [];
process.stdin.on('data', () => { for (let n = 0; n < 5000; n++) kept.push(new Kept(n)); process.stdout.write('kept'); });
process.stdout.write('ready');
`;

test('what a process keeps from one rest to another is told by its class, and what V8 makes for itself is not counted', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'callwake-heap-'));
  const script = join(folder, 'leaky.mjs');
  writeFileSync(script, LEAKY);
  const probe = new URL('../../src/demo/soak/probe.js', import.meta.url).href;
  const env = { ...process.env, [PROBE_FOLDER]: folder, [PROBE_EVERY]: '60000' };
  const child = spawn(process.execPath, ['--import', probe, script, 'app'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env,
  });
  t.teardown(() => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });
  const heap = async (n: number) => {
    const file = join(folder, `app-${child.pid}.${n}.heapsnapshot`);
    child.kill('SIGUSR2');
    await eventually(() => existsSync(file));
    return readHeap(file);
  };
  await once(child.stdout, 'data');
  const [first, second] = [await heap(0), await heap(1)];
  const still = compareHeaps('app', first, second, 5000);
  t.false(still.leaks, JSON.stringify(still));
  t.true(first.machinery > 100_000 && first.own > 100_000);

  child.stdin.write('more');
  await once(child.stdout, 'data');
  const leaks = compareHeaps('app', second, await heap(2), 5000);
  t.true(leaks.leaks, JSON.stringify(leaks));
  t.is(leaks.grown.find(({ name }) => name === 'object Kept')?.count, 5000);
  t.true(leaks.after.own - leaks.before.own > 5000 * 64);
});
