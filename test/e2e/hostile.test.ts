import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { tcpWire, udpWire } from '../engine/hostile/wire.js';
import { stageExactly } from './support.js';

const FOLDER = 'test/fixtures/rfc4475';

test('an OPTIONS that requires what nobody has gets 420 with the names (RFC 4475 section 3.3.5)', async (t) => {
  const stage = await stageExactly(t, { edge: 'direct', transport: 'tcp' });
  const wire = await tcpWire(stage.sip.port);
  wire.send(readFileSync(`${FOLDER}/bext01.dat`));
  t.is(await wire.next(/^SIP/), 'SIP/2.0 420 Bad Extension');
  wire.end();
});

for (const transport of ['udp', 'tcp'] as const) {
  test(`the 49 messages of RFC 4475 over ${transport} leave callwake unmoved: nothing registered, no fault, and the next call wakes its phone`, async (t) => {
    const stage = await stageExactly(t, { edge: 'direct', transport });
    const phone = await stage.phone({ behaviour: { wakeDelayMs: 50, answerDelayMs: 100 } });
    await phone.background();
    for (const file of readdirSync(FOLDER)) {
      const wire = await (transport === 'udp' ? udpWire : tcpWire)(stage.sip.port);
      wire.send(readFileSync(`${FOLDER}/${file}`));
      await new Promise((resolve) => setTimeout(resolve, 20));
      wire.end();
    }
    t.true((await stage.cucm.ping()).inService);
    const call = stage.cucm.call({ to: '2001' });
    await call.answered;
    await call.hangup();
    t.is(stage.apple.received.length, 1);
    t.deepEqual(
      stage.callwake.log.filter(({ event }) => ['fault', 'crash', 'app ended', 'engine ended'].includes(event)),
      [],
    );
    const registered = stage.callwake.log.filter(({ event }) => event === 'registered').map(({ aor }) => aor);
    t.deepEqual([...new Set(registered)], ['sip:2001@corp.example']);
    t.deepEqual(stage.callwake.errors, []);
  });
}
