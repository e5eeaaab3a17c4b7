import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import test from 'ava';
import { fuzz } from '../../fuzz/fuzz.js';
import { EngineProcess } from './engine-process.js';
import { tcpWire, udpWire } from './wire.js';

const FOUND = 'test/fuzz/corpus/sip';

for (const seed of [1, 2]) {
  test.serial(
    `some thousand hostile messages (seed ${seed}): no crash, no exception, and a good call after each batch`,
    async (t) => {
      const { finding, messages, memory } = await fuzz({ seed, until: (batches) => batches < 20 });
      t.is(finding?.text, undefined);
      t.true(messages > 1000);
      t.true(memory.late < 256, `${memory.late} MB`);
    },
  );
}

/** What fuzzing once found, one file each: its name ends in the way in which it came. */
for (const name of readdirSync(FOUND).filter((file) => !file.endsWith('.md'))) {
  test.serial(`found by fuzzing: ${name}`, async (t) => {
    const engine = await EngineProcess.start(t, { args: ['--verbose', '--no-shedding'] });
    await engine.app(t);
    const data = readFileSync(`${FOUND}/${name}`);
    if (name.endsWith('.control'))
      connect(engine.controlPort, '127.0.0.1')
        .on('error', () => undefined)
        .end(data);
    else {
      const udp = name.endsWith('.udp');
      const wire = await (udp ? udpWire : tcpWire)(engine.port(udp ? 'udp' : 'tcp'));
      t.teardown(() => wire.end());
      wire.send(data);
    }
    await engine.goodCall('udp');
    await engine.goodCall('tcp');
    t.deepEqual(
      engine.errors.filter((line) => /threw|(Type|Range|Reference)Error/.test(line)),
      [],
    );
  });
}
