import test from 'ava';
import { endedWorker } from '../../src/cli/sibling.js';
import { Supervisor, type WatchedProcess } from '../../src/cli/supervisor.js';
import { silentLogger } from '../../src/log/logger.js';
import { FakeClock, settle } from '../support/fake-clock.js';

/** A process that ends when the test says so. */
class FakeProcess implements WatchedProcess {
  end: (code: number) => void = () => {};
  readonly exited = new Promise<number>((resolve) => {
    this.end = resolve;
  });
  readonly said: string[] = [];
  readonly told: string[] = [];

  constructor(readonly pid = 0) {}

  tell(line: string): void {
    this.told.push(line);
  }

  stop(): void {
    this.said.push('stop');
  }

  kill(): void {
    this.said.push('kill');
    this.end(1);
  }
}

function bench(embedded = true, workers?: number) {
  const clock = new FakeClock();
  const engines: FakeProcess[] = [];
  const apps: FakeProcess[] = [];
  const numbers: number[] = [];
  const start = (list: FakeProcess[]) => {
    const process = new FakeProcess(list.length + 101);
    list.push(process);
    return process;
  };
  const supervisor = new Supervisor({
    ...(embedded ? { startEngine: async () => start(engines) } : {}),
    startApp: (worker) => {
      numbers.push(worker);
      return start(apps);
    },
    ...(workers !== undefined && { workers }),
    clock,
    log: silentLogger,
  });
  return { clock, engines, apps, numbers, supervisor, done: supervisor.run() };
}

test('an app that ends is started again at once; the engine lives on', async (t) => {
  const { engines, apps } = bench();
  await settle();
  apps[0]?.end(1);
  await settle();
  t.is(apps.length, 2);
  t.is(engines.length, 1);
  t.deepEqual(engines[0]?.said, []);
});

test('an app that ends again and again has to wait', async (t) => {
  const { clock, apps } = bench();
  await settle();
  for (const index of [0, 1]) {
    apps[index]?.end(1);
    await settle();
  }
  t.is(apps.length, 2);
  await clock.advanceAsync(200);
  t.is(apps.length, 3);
});

test('an app that says its configuration is wrong ends everything with its code', async (t) => {
  const { engines, apps, done } = bench();
  await settle();
  apps[0]?.end(2);
  await settle();
  t.deepEqual(engines[0]?.said, ['stop']);
  engines[0]?.end(0);
  t.is(await done, 2);
});

for (const embedded of [true, false]) {
  test(`of several apps at ${embedded ? 'its own engine' : 'one of somebody else'} the others are told when one ends`, async (t) => {
    const { apps } = bench(embedded, 3);
    await settle();
    apps[1]?.end(1);
    await settle();
    t.deepEqual(
      apps.map(({ told }) => told.map(endedWorker)),
      [[{ worker: 2, pid: 102 }], [], [{ worker: 2, pid: 102 }], []],
    );
  });
}

test('stop ends the app first, the engine after it', async (t) => {
  const { engines, apps, supervisor, done } = bench();
  await settle();
  supervisor.stop();
  await settle();
  t.deepEqual(apps[0]?.said, ['stop']);
  t.deepEqual(engines[0]?.said, []);
  apps[0]?.end(0);
  await settle();
  t.deepEqual(engines[0]?.said, ['stop']);
  engines[0]?.end(0);
  t.is(await done, 0);
});

test('said twice, stop does not wait for held calls', async (t) => {
  const { apps, supervisor } = bench();
  await settle();
  supervisor.stop();
  supervisor.stop();
  t.deepEqual(apps[0]?.said, ['stop', 'kill']);
});

test('when the engine ends, both start anew', async (t) => {
  const { engines, apps } = bench();
  await settle();
  engines[0]?.end(1);
  await settle(10);
  t.deepEqual(apps[0]?.said, ['kill']);
  t.is(engines.length, 2);
  t.is(apps.length, 2);
});

test('when the engine ends no app is told to go on with the calls of another', async (t) => {
  const { engines, apps } = bench(true, 2);
  await settle();
  engines[0]?.end(1);
  await settle(10);
  t.deepEqual(
    apps.map(({ told }) => told),
    [[], [], [], []],
  );
});

test('stop while a restart is awaited ends at once', async (t) => {
  const { engines, apps, supervisor, done } = bench();
  await settle();
  for (const index of [0, 1]) {
    apps[index]?.end(1);
    await settle();
  }
  supervisor.stop();
  engines[0]?.end(0);
  t.is(await done, 0);
  t.is(apps.length, 2);
});

test('without an engine of its own only the app is kept', async (t) => {
  const { apps, supervisor, done } = bench(false);
  await settle();
  apps[0]?.end(1);
  await settle();
  t.is(apps.length, 2);
  supervisor.stop();
  apps[1]?.end(0);
  t.is(await done, 0);
});

test('an engine that does not start the first time is told', async (t) => {
  const supervisor = new Supervisor({
    startEngine: () => Promise.reject(new Error('port in use')),
    startApp: () => new FakeProcess(),
    clock: new FakeClock(),
    log: silentLogger,
  });
  await t.throwsAsync(supervisor.run(), { message: 'port in use' });
});

test('several apps, each with its number: one that ends is started again alone, a stop ends them all', async (t) => {
  const { apps, numbers, engines, supervisor, done } = bench(true, 3);
  await settle();
  t.deepEqual(numbers, [1, 2, 3]);
  apps[1]?.end(1);
  await settle();
  t.deepEqual(numbers, [1, 2, 3, 2]);
  supervisor.stop();
  t.deepEqual(
    apps.map(({ said }) => said),
    [['stop'], [], ['stop'], ['stop']],
  );
  for (const app of apps) app.end(0);
  await settle();
  engines[0]?.end(0);
  t.is(await done, 0);
});

test('one of several apps that can do no better next time ends them all', async (t) => {
  const { apps, engines, done } = bench(true, 2);
  await settle();
  apps[0]?.end(2);
  await settle();
  t.deepEqual(apps[1]?.said, ['stop']);
  apps[1]?.end(0);
  await settle();
  engines[0]?.end(0);
  t.is(await done, 2);
});
