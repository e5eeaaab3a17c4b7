import { createPrivateKey } from 'node:crypto';
import { createInterface } from 'node:readline';
import { systemClock } from '../../../src/clock/clock.js';
import { ApnsProvider } from '../../../src/push/apns/client.js';
import { storeTokens } from '../../../src/push/store-tokens.js';
import { LmdbStore } from '../../../src/store/lmdb-store.js';
import { keyId, teamId, voipPush } from '../support.js';

/** What the test tells a process of a site as its first line. */
export interface SiteProcess {
  readonly folder: string;
  readonly key: string;
  readonly host: string;
  readonly port: number;
  readonly ca: string;
}

/** A process of a site: for each line, a number of milliseconds by which its clock is ahead, it pushes once and writes how that ended. */
async function run(lines: AsyncIterator<string>): Promise<void> {
  const { folder, key, host, port, ca }: SiteProcess = JSON.parse((await lines.next()).value);
  let ahead = 0;
  const clock = {
    // Late, so that a slow disk is waited for.
    setTimeout: (fn: () => void, ms: number) => systemClock.setTimeout(fn, ms * 20),
    now: () => systemClock.now() + ahead,
    monotonic: () => systemClock.monotonic() + ahead,
  };
  const store = new LmdbStore({ path: folder });
  const provider = new ApnsProvider({
    clock,
    accounts: [{ teamId, keyId, key: createPrivateKey(key) }],
    endpoints: { production: { host, port } },
    ca,
    sharedTokens: storeTokens(store),
  });
  process.stdout.write('ready\n');
  for (let line = await lines.next(); !line.done; line = await lines.next()) {
    ahead = Number(line.value);
    const { kind } = await provider.push(voipPush(clock));
    process.stdout.write(`${kind}\n`);
  }
  await provider.close();
  await store.close();
}

if (process.argv[1]?.endsWith('site-process.js')) {
  void run(createInterface({ input: process.stdin })[Symbol.asyncIterator]());
}
