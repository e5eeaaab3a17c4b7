import { LmdbStore } from '../../src/store/lmdb-store.js';
import { fullDevice } from './support.js';

/** Writes until it is killed, and says on stdout what the store has acknowledged: `node writer.js <folder> <durable>`. */
const [path = '', durable = 'true'] = process.argv.slice(2);
const store = new LmdbStore({ path, durable: durable === 'true' });

async function write(lane: number): Promise<void> {
  for (let n = 0; ; n++) {
    const aor = `sip:${lane}-${n % 40}@a.example`;
    await Promise.all([
      store.putDevices(aor, [fullDevice(aor, `v${n}`)]),
      store.putCall(`call-${lane}-${n}`, { lane, n }),
    ]);
    process.stdout.write(`${lane} ${n}\n`);
  }
}

for (let lane = 0; lane < 8; lane++) void write(lane);
