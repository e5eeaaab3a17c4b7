// Calls to sleeping phones of a site while its nodes and its Redis fail, judged by what phones, CUCM and Apple saw.
// After `npm run build:test`: node bench/cluster/faults.mjs [seed] [faults] [nodes] [calls per second] [folder for history and log]
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { check } from '../../build/test/e2e/cluster/faults/check.js';
import { runFaulty, storyOf } from '../../build/test/e2e/cluster/faults/run.js';

const [seed = Date.now() % 100_000, faults = 24, nodes = 3, rate = 6] = process.argv.slice(2, 6).map(Number);
const folder = process.argv[6];
const run = await runFaulty({ seed, nodes, lines: 4 * rate, rate, faults, upgrade: true });
const { history, said, log } = run;
if (folder !== undefined) {
  mkdirSync(folder, { recursive: true });
  for (const [name, lines] of Object.entries({ history, log })) {
    writeFileSync(join(folder, `${name}.jsonl`), `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`);
  }
}
const verdict = check(history);
console.log(JSON.stringify({ seed, faults, nodes, rate, ...verdict, said }, null, 1));
const { lost, invitedTwice, pushedTwice, unanswered, failedInCalm } = verdict;
const bad = [lost, invitedTwice, pushedTwice, unanswered, failedInCalm].flat();
if (bad.length > 0) for (const line of storyOf(run, bad)) console.log(line);
process.exitCode = bad.length === 0 ? 0 : 1;
