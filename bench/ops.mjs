// What watching costs, and how the dashboard does when there is much to see. After `npm run build`:
//   node bench/ops.mjs cost [--rounds 5] [--rate 300] [--seconds 5] [--sides off,on,all]
//   node bench/ops.mjs scale [--calls 10000] [--devices 1000000] [--folder DIR] [--expect]
// cost: wake calls with timeline, metrics, API and an open dashboard beside wake calls without them, in turns; processor time a call.
// `all` keeps SIP messages and writes timeline files besides.
// scale: first paint and searches in Chromium, and /metrics, while calls are held. --folder keeps the store for another run.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { sleep, where } from './harness/machine.mjs';
import { scratch } from './harness/servers.mjs';
import { cost } from './ops/cost.mjs';
import { scale } from './ops/scale.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    rate: { type: 'string' },
    seconds: { type: 'string', default: '5' },
    sides: { type: 'string', default: 'off,on,all' },
    calls: { type: 'string', default: '10000' },
    devices: { type: 'string', default: '1000000' },
    folder: { type: 'string' },
    expect: { type: 'boolean', default: false },
  },
});
const number = (name, otherwise) => Number(values[name] ?? otherwise);
const folder = scratch();
const missed = [];
const goal = (reached, text) => reached || missed.push(text);
console.log(where());
for (const what of positionals.length === 0 ? ['cost', 'scale'] : positionals) {
  if (what === 'cost') {
    await cost(join(folder, 'cost'), {
      rounds: number('rounds'),
      rate: number('rate', 300),
      seconds: number('seconds'),
      names: values.sides.split(','),
      goal,
    });
  } else {
    const kept = values.folder ?? join(folder, 'scale');
    await scale(kept, {
      filled: existsSync(join(kept, 'data')),
      calls: number('calls'),
      devices: number('devices'),
      rate: number('rate', 400),
      goal,
    });
  }
  await sleep(500);
}
if (values.expect && missed.length > 0) {
  console.error(`missed: ${missed.join('; ')}`);
  process.exit(1);
}
process.exit(0);
