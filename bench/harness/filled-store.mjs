// A store with very many phones, as their REGISTERs leave it.
import { openStore } from '../../dist/store/open.js';
import { alertTokenOf, callIdOf, contactOf, instanceOf, tokenOf, uriOf } from './registering-phones.mjs';
import { DOMAIN } from './servers.mjs';

export const aorOf = (n) => `sip:d${n}@${DOMAIN}`;
const AGENTS = ['bench/1.0 (iPhone; iOS 18.5)', 'bench/1.0 (iPhone; iOS 17.7)', 'bench/1.1 (iPad; iPadOS 18.1)'];

/** As many as REGISTERs of a busy hour share a commit: what a transaction has freed stays in the file. */
const AT_ONCE = 250;

/** Writes phones `from` to `to`, many to a transaction. */
export async function fillStore(path, from, to) {
  const store = await openStore({ kind: 'lmdb', path, durable: false, cache: 0 });
  for (let n = from; n <= to; n += AT_ONCE) {
    const some = Math.min(AT_ONCE, to - n + 1);
    await Promise.all(
      Array.from({ length: some }, (_, i) => {
        const phone = from + inNoOrder(n + i - from, to - from + 1);
        return store.putDevices(aorOf(phone), [deviceOf(phone)]);
      }),
    );
  }
  await store.close();
}

/** The numbers from 0 to `count - 1`, each once, as mixed as people are who sign in. */
function inNoOrder(n, count) {
  return Number((BigInt(n) * 2_654_435_761n) % BigInt(count));
}

/** Phone `n`: Path, two tokens. */
export function deviceOf(n) {
  const now = Date.now();
  const token = (kind, text) => ({
    kind,
    token: text,
    teamId: 'TEAM123456',
    bundleId: 'com.example.softphone',
    seenAt: now,
    origin: 'register',
  });
  return {
    id: instanceOf(n),
    aor: aorOf(n),
    instance: instanceOf(n),
    platform: 'iphone',
    userAgent: AGENTS[n % AGENTS.length],
    bindings: [
      {
        uri: uriOf(n),
        contact: contactOf(n),
        path: ['<sip:edge@127.0.0.1:5998;lr>'],
        mode: 'path',
        registeredAt: now,
        expiresAt: now + 86_400_000,
        callId: `old-${callIdOf(n)}`,
        cseq: 1,
        q: 1,
        source: 'udp/127.0.0.1:5998',
      },
    ],
    tokens: [token('voip', tokenOf(n)), token('alert', alertTokenOf(n))],
    seenAt: now,
  };
}
