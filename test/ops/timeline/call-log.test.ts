import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { CallLog } from '../../../src/ops/timeline/call-log.js';
import { findLoggedCalls, readLoggedCall } from '../../../src/ops/timeline/read-calls.js';
import { TimelineRecorder } from '../../../src/ops/timeline/recorder.js';
import { FakeClock } from '../../support/fake-clock.js';

const DAY = 86_400_000;

function scene(t: ExecutionContext, fileSize = 1_000_000) {
  const folder = mkdtempSync(join(tmpdir(), 'callwake-calls-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const clock = new FakeClock();
  const troubles: string[] = [];
  const start = (path = folder): CallLog =>
    new CallLog({
      folder: path,
      fileSize,
      retention: 7 * DAY,
      clock,
      messagesOf: () => [],
      onTrouble: (why) => troubles.push(why),
    });
  const recorder = new TimelineRecorder({ calls: 100 });
  const call = (log: CallLog, callUuid: string): void => {
    const record = (type: string, fields = {}): void =>
      recorder.record({ callUuid, sessionId: `${callUuid}5;remote=0`, at: clock.now(), ms: 0, type, fields });
    record('invite-received', { callId: `${callUuid}@cucm` });
    record('end', { reason: 'not-woken' });
    log.ended(callUuid, () => recorder.get(callUuid));
    record('alert-asked', { why: 'missed' });
  };
  return { folder, clock, troubles, start, call };
}

test('a call is written with what came just after its end, and found by each of its ids, after a restart too', async (t) => {
  const { folder, start, call, clock } = scene(t);
  const log = start();
  call(log, 'A1');
  call(log, 'A2');
  clock.advance(4999);
  t.deepEqual(readdirSync(folder), []);
  clock.advance(1);
  await log.close();
  const after = start();
  clock.advance(1000);
  call(after, 'A3');
  await after.close();
  t.is(readdirSync(folder).length, 2);
  for (const id of ['A1', 'a1', 'A1@cucm', 'A15;remote=0', 'A15']) {
    const found = await readLoggedCall(folder, id);
    t.is(found?.summary.callUuid, 'A1', id);
    t.is(found?.events.at(-1)?.type, 'alert-asked');
  }
  t.is((await readLoggedCall(folder, 'A3'))?.summary.reason, 'not-woken');
  t.is(await readLoggedCall(folder, 'A'), undefined);
  const { calls, total } = await findLoggedCalls(folder, { reason: 'not-woken' }, 1);
  t.is(total, 3);
  t.deepEqual(
    calls.map(({ callUuid }) => callUuid),
    ['A3'],
  );
  t.is((await findLoggedCalls(folder, { text: 'a1@cucm' }, 10)).calls[0]?.callUuid, 'A1');
  t.is((await findLoggedCalls(folder, { reason: 'answered' }, 10)).total, 0);
});

test('files are ended at their size and deleted when their last call is too old; other files stay', async (t) => {
  const { folder, start, call, clock } = scene(t, 10);
  const log = start();
  for (const id of ['B1', 'B2', 'B3']) {
    call(log, id);
    clock.advance(5000);
    await log.close();
  }
  const files = readdirSync(folder);
  t.is(files.length, 3);
  const old = new Date(clock.now() - 8 * DAY);
  utimesSync(join(folder, files[0] ?? ''), old, old);
  writeFileSync(join(folder, 'mine.txt'), 'stays');
  utimesSync(join(folder, 'mine.txt'), old, old);
  clock.advance(3_600_000);
  call(log, 'B4');
  await log.close();
  const left = readdirSync(folder);
  t.false(left.includes(files[0] ?? ''));
  t.true(left.includes('mine.txt'));
  t.is(left.length, 4);
});

test('a folder that can’t be written is told once; a line that was cut is passed over', async (t) => {
  const { folder, start, call, troubles } = scene(t);
  writeFileSync(join(folder, 'file'), '');
  const bad = start(join(folder, 'file'));
  call(bad, 'C1');
  await bad.close();
  call(bad, 'C2');
  await bad.close();
  t.is(troubles.length, 1);
  const log = start();
  call(log, 'C3');
  await log.close();
  const [name = ''] = readdirSync(folder).filter((file) => file.endsWith('.jsonl'));
  const line = readFileSync(join(folder, name), 'utf8');
  appendFileSync(join(folder, name), `${line.slice(0, 60)}\n{"summary":{}}\nC3\n`);
  t.is((await readLoggedCall(folder, 'C3'))?.summary.callUuid, 'C3');
});
