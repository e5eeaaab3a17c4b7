import test from 'ava';
import type { Device } from '../../src/devices/types.js';
import { CachedStore } from '../../src/store/cached-store.js';
import { MemoryStore } from '../../src/store/memory-store.js';
import type { Store } from '../../src/store/store.js';
import { fullDevice } from './support.js';

const AOR = 'sip:1@a.example';

/** A store whose reads and writes end when the test says so. */
class ManualStore implements Store {
  readonly memory = new MemoryStore();
  reads = 0;
  #steps: (() => void)[] = [];

  async devicesOf(aor: string): Promise<readonly Device[]> {
    this.reads++;
    const found = this.memory.devicesOf(aor);
    await this.#step();
    return found;
  }

  async putDevices(aor: string, devices: readonly Device[]): Promise<void> {
    await this.#step();
    await this.memory.putDevices(aor, devices);
  }

  eachAor = () => this.memory.eachAor();
  devicesAfter = (after: string, limit: number) => this.memory.devicesAfter(after, limit);
  record = (table: string, key: string) => this.memory.record(table, key);
  putRecord = (table: string, key: string, record: unknown) => this.memory.putRecord(table, key, record);
  recordsAfter = (table: string, after: string, limit: number) => this.memory.recordsAfter(table, after, limit);
  putCall = (uuid: string, record: unknown) => this.memory.putCall(uuid, record);
  removeCall = (uuid: string) => this.memory.removeCall(uuid);
  calls = () => this.memory.calls();
  shared = (key: string) => this.memory.shared(key);
  putShared = (key: string, value: unknown, version: number) => this.memory.putShared(key, value, version);
  putQueued = (queue: string, position: string, record: object) => this.memory.putQueued(queue, position, record);
  removeQueued = (queue: string, position: string) => this.memory.removeQueued(queue, position);
  queued = (queue: string, limit: number) => this.memory.queued(queue, limit);
  queuedAt = (queue: string, position: string) => this.memory.queuedAt(queue, position);
  queuedCount = (queue: string) => this.memory.queuedCount(queue);
  queues = () => this.memory.queues();
  close = () => this.memory.close();

  /** Lets the n-th step under way (0: the first) go on. */
  async go(n = 0): Promise<void> {
    this.#steps.splice(n, 1)[0]?.();
    await new Promise((resolve) => setImmediate(resolve));
  }

  #step(): Promise<void> {
    return new Promise((resolve) => void this.#steps.push(resolve));
  }
}

test('a second read comes from memory', async (t) => {
  const inner = new ManualStore();
  await inner.memory.putDevices(AOR, [fullDevice(AOR, 'x')]);
  const store = new CachedStore(inner, 10);
  const first = store.devicesOf(AOR);
  await inner.go();
  await first;
  t.is((await store.devicesOf(AOR))[0]?.id, 'x');
  t.is(inner.reads, 1);
});

test('a read that a write overtakes does not bring the old devices back', async (t) => {
  const inner = new ManualStore();
  await inner.memory.putDevices(AOR, [fullDevice(AOR, 'old')]);
  const store = new CachedStore(inner, 10);
  const put = store.putDevices(AOR, [fullDevice(AOR, 'new')]);
  const read = store.devicesOf(AOR);
  await inner.go(0);
  await put;
  await inner.go(0);
  t.is((await read)[0]?.id, 'old');
  const again = store.devicesOf(AOR);
  await inner.go(0);
  t.is((await again)[0]?.id, 'new');
});

test('AORs without devices push nothing out of the cache', async (t) => {
  const inner = new ManualStore();
  await inner.memory.putDevices(AOR, [fullDevice(AOR, 'x')]);
  const store = new CachedStore(inner, 2);
  const first = store.devicesOf(AOR);
  await inner.go();
  await first;
  for (let n = 0; n < 5; n++) {
    const stranger = store.devicesOf(`sip:stranger${n}@a.example`);
    await inner.go();
    await stranger;
  }
  await store.devicesOf(AOR);
  t.is(inner.reads, 6);
});

test('after a write that failed the store itself is asked', async (t) => {
  const inner = new ManualStore();
  await inner.memory.putDevices(AOR, [fullDevice(AOR, 'x')]);
  const store = new CachedStore(inner, 2);
  inner.putDevices = async () => {
    throw new Error('disk full');
  };
  await t.throwsAsync(store.putDevices(AOR, []), { message: 'disk full' });
  const read = store.devicesOf(AOR);
  await inner.go();
  t.is((await read)[0]?.id, 'x');
});
