import test from 'ava';
import { reportOf } from '../../src/demo/soak/report.js';
import { runSoak } from '../../src/demo/soak/run.js';

test('a minute of soak: each INVITE ends as planned or for a fault, callers, timelines and metrics agree', async (t) => {
  t.timeout(240_000);
  const seed = 20_261_126;
  const result = await runSoak({
    duration: 30_000,
    seed,
    rate: 4,
    phones: 40,
    edge: 'path',
    transport: 'tcp',
    write: (line) => t.log(line),
  });
  t.log(reportOf(result));
  t.deepEqual(result.findings, []);
  t.true(result.sums.invites > 30, `${result.sums.invites} INVITEs`);
  t.true((result.sums.outcomes.answered ?? 0) > result.sums.invites / 3);
  t.true((result.faults['app killed'] ?? 0) >= 1);
  t.deepEqual(result.processes.map(({ role }) => role).sort(), ['app', 'engine', 'start']);
  for (const { role, measures } of result.processes) {
    const most = measures.find(({ measure }) => measure === 'rss')?.max ?? 0;
    t.true(most > 0 && most < 400, `${role}: ${most} MB`);
  }
});
