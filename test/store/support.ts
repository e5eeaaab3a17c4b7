import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Device } from '../../src/devices/types.js';

/** A folder of its own for a test, gone after it. */
export function temporaryFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'callwake-store-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A device with everything that the store must give back. */
export function fullDevice(aor: string, id: string): Device {
  return {
    id,
    aor,
    instance: id,
    platform: 'ipad',
    userAgent: 'Phone/1 (é)',
    deviceName: 'TABALICE',
    bindings: [
      {
        uri: 'sip:2001@192.0.2.7:5060;transport=tcp',
        contact: '<sip:2001@192.0.2.7:5060;transport=tcp>',
        path: ['<sip:edge.example;lr>'],
        mode: 'path',
        registeredAt: 1_767_600_000_000,
        expiresAt: 1_767_603_600_000,
        callId: 'c1',
        cseq: 4,
        regId: 1,
        q: 0.5,
        source: 'tls/192.0.2.7:5061',
      },
    ],
    tokens: [{ kind: 'voip', token: 'ab12', teamId: 'ABCDE12345', bundleId: 'com.example', seenAt: 5, origin: 'api' }],
    encryptionKey: 'A'.repeat(43),
    encryptionKeyId: 'k1',
    word: { state: 'background', at: 7 },
    asleep: { reason: 'no answer to INVITE', at: 8 },
    seenAt: 1_767_600_000_000,
  };
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
