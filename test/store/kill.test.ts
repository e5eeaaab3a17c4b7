import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import test from 'ava';
import { LmdbStore } from '../../src/store/lmdb-store.js';
import { collect, temporaryFolder } from './support.js';

const ENOUGH = 400;

for (const durable of [true, false]) {
  test(`a writer killed with SIGKILL loses nothing that was acknowledged (durable: ${durable})`, async (t) => {
    const path = temporaryFolder(t);
    const child = spawn(process.execPath, ['build/test/store/writer.js', path, String(durable)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.teardown(() => child.kill('SIGKILL'));
    const acknowledged = new Map<string, number>();
    let lines = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      const [lane = '', n = ''] = line.split(' ');
      acknowledged.set(lane, Number(n));
      if (++lines === ENOUGH) child.kill('SIGKILL');
    }
    t.true(lines >= ENOUGH, 'the writer ended by itself');

    const store = new LmdbStore({ path });
    t.teardown(() => store.close());
    const calls = new Set((await collect(store.calls())).map(([uuid]) => uuid));
    for (const [lane, last] of acknowledged) {
      for (let n = 0; n <= last; n++) t.true(calls.has(`call-${lane}-${n}`), `call ${n} of lane ${lane}`);
      for (let n = Math.max(0, last - 39); n <= last; n++) {
        const [device] = store.devicesOf(`sip:${lane}-${n % 40}@a.example`);
        const version = Number(device?.id.slice(1));
        t.true(version >= n, `AOR ${n % 40} of lane ${lane} holds version ${device?.id}, ${n} was acknowledged`);
      }
    }
  });
}
