// Wake calls through callwake and through Kamailio, in one run on one machine. After `npm run build`:
//   node bench/wake/run.mjs [--rates 50,500,750,1000] [--seconds 6] [--only callwake|kamailio] [--log info] [--warm 9000] [--push-delay 0] [--json FILE]
// The rates after the first two that fail in a row are left out. What Kamailio needs: README.md beside this file.
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { sleep, where } from '../harness/machine.mjs';
import { scratch } from '../harness/servers.mjs';
import { Bench } from './bench.mjs';
import { callwake, kamailio } from './servers.mjs';

const { values } = parseArgs({
  options: {
    rates: { type: 'string', default: '50,150,250,350,500,700,850,1000,1250,1500,2000,2500' },
    seconds: { type: 'string', default: '6' },
    only: { type: 'string' },
    log: { type: 'string', default: 'warn' },
    'push-delay': { type: 'string', default: '0' },
    warm: { type: 'string', default: '9000' },
    json: { type: 'string' },
  },
});
const seconds = Number(values.seconds);
const folder = scratch();
console.log(where());
const bench = await new Bench(folder).open({ pushDelay: Number(values['push-delay']) });
const servers = { callwake, kamailio };
for (const [name, start] of Object.entries(servers)) {
  if (values.only !== undefined && values.only !== name) continue;
  const server = await start(join(folder, name), {
    ...bench.surroundings,
    log: values.log,
    hold: '13s',
  });
  await bench.face(server);
  // What runs for weeks is measured warm.
  if (Number(values.warm) > 0) await bench.wake(server, 250, Number(values.warm));
  let best = 0;
  let failures = 0;
  for (const rate of values.rates.split(',').map(Number)) {
    // Percentiles need some calls.
    const calls = Math.max(1000, rate * seconds);
    const step = await bench.wake(server, rate, calls);
    show(name, step);
    if (values.json !== undefined) appendFileSync(values.json, `${JSON.stringify({ name, ...step })}\n`);
    if (step.pass) best = Math.max(best, rate);
    failures = step.pass ? 0 : failures + 1;
    if (failures >= 2) break;
    await sleep(500);
  }
  console.log(`${name}: highest rate that passed ${best}/s`);
  await server.stop();
}
bench.close();

function show(name, step) {
  const { push, resume, setup, repeats, cores, dropped } = step;
  console.log(
    `${step.pass ? 'pass' : 'FAIL'} ${name} ${step.rate}/s: ${step.ok} of ${step.calls} ok; push p50/p99 ${push.p50}/${push.p99} ms, ` +
      `resume ${resume.p50}/${resume.p99} ms, setup ${setup.p50}/${setup.p99} ms; CPU ${step.cpuMs} ms a call (${step.cpuMsByProcess.join(' + ')}); ` +
      `connections ${step.mostConnections} at once, ${step.connections} opened; ` +
      `cores: server ${cores.server} phones ${cores.phones} endpoint ${cores.endpoint} sipp ${cores.sipp}, others ${step.foreign}`,
  );
  if (step.pass) return;
  console.log(
    `     sent twice ${JSON.stringify(repeats)}, dropped ${JSON.stringify(dropped)}, pushes ${step.pushes}, bad ${JSON.stringify(step.bad)}`,
  );
  console.log(
    `     refused REGISTERs ${JSON.stringify(step.refused)}, asleep ${JSON.stringify(step.asleep)} ${step.errors.slice(0, 300)}`,
  );
}
