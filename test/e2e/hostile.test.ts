import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { Random } from '../../src/sim/random.js';
import { tcpWire, udpWire } from '../engine/hostile/wire.js';
import { hostileStanzas } from '../fuzz/xmpp.js';
import { ComponentServer } from '../messages/xmpp/server.js';
import { stageExactly } from './support.js';

const FOLDER = 'test/fixtures/rfc4475';
const CONFIGURATIONS = 'test/fuzz/corpus/config';

test('an OPTIONS that requires what nobody has gets 420 with the names (RFC 4475 section 3.3.5)', async (t) => {
  const stage = await stageExactly(t, { edge: 'direct', transport: 'tcp' });
  const wire = await tcpWire(stage.sip.port);
  wire.send(readFileSync(`${FOLDER}/bext01.dat`));
  t.is(await wire.next(/^SIP/), 'SIP/2.0 420 Bad Extension');
  wire.end();
});

for (const transport of ['udp', 'tcp'] as const) {
  test(`the 49 messages of RFC 4475 over ${transport} leave callwake unmoved, and so do an XMPP server and configuration files that mean harm: nothing registered, no fault, and the next call wakes its phone`, async (t) => {
    const xmpp = await ComponentServer.start();
    t.teardown(() => xmpp.close());
    const config = { xmpp: { port: xmpp.port, domain: 'push.corp.example', secret: 'secret' } };
    const stage = await stageExactly(t, { edge: 'direct', transport, config });
    // The word is in what callwake says of settings.
    stage.callwake.secrets.forget('secret');
    const phone = await stage.phone({ behaviour: { wakeDelayMs: 50, answerDelayMs: 100 } });
    await phone.background();
    for (const file of readdirSync(FOLDER)) {
      const wire = await (transport === 'udp' ? udpWire : tcpWire)(stage.sip.port);
      wire.send(readFileSync(`${FOLDER}/${file}`));
      await new Promise((resolve) => setTimeout(resolve, 20));
      wire.end();
    }
    await xmpp.until(() => xmpp.got.includes('<handshake>'));
    xmpp.write(hostileStanzas(new Random(1), 40));
    await stage.callwake.logged('xmpp connection lost');
    await xmpp.until(() => xmpp.connections === 2);
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

    const told = new Set<unknown>();
    for (const name of ['long-key', 'mapping-as-key', 'thousands-of-problems']) {
      copyFileSync(`${CONFIGURATIONS}/${name}.yaml`, stage.configFile);
      process.kill(stage.callwake.pid, 'SIGHUP');
      told.add(await stage.callwake.logged('configuration not read again', (line) => !told.has(line)));
    }
    t.true((await stage.cucm.ping()).inService, 'what is no configuration changes nothing');
  });
}
