import { createServer, type Socket } from 'node:net';
import test from 'ava';
import { parseServerAddress, parseSipAddress } from '../../src/sim/address.js';
import { runCucmSim } from '../../src/sim/cucm/index.js';
import { EdgeSimulator, runEdgeSim } from '../../src/sim/edge/index.js';
import { PhoneSimulator, runPhoneSim } from '../../src/sim/phone/index.js';
import { FakeRegistrar } from './support/registrar.js';

test('addresses', (t) => {
  t.deepEqual(parseSipAddress('tcp:192.0.2.1:5070'), { transport: 'tcp', host: '192.0.2.1', port: 5070 });
  t.deepEqual(parseSipAddress('192.0.2.1'), { transport: 'udp', host: '192.0.2.1', port: 5060 });
  t.deepEqual(parseSipAddress('udp:[2001:db8::1]:5060'), { transport: 'udp', host: '2001:db8::1', port: 5060 });
  t.deepEqual(parseServerAddress('ws:192.0.2.1'), { transport: 'ws', host: '192.0.2.1', port: 80 });
  t.deepEqual(parseServerAddress('wss:[2001:db8::1]:8443'), { transport: 'wss', host: '2001:db8::1', port: 8443 });
  t.throws(() => parseSipAddress('ws:192.0.2.1'), { message: /no SIP address/ }, 'where nobody can be a peer');
  for (const bad of ['', 'tls:x:1:2', '192.0.2.1:99999', 'a:b']) {
    t.throws(() => parseSipAddress(bad), { message: /is no SIP address such as udp:192\.0\.2\.1:5060/ });
  }
});

test('cucm: calls, prints one JSON line per event, and is done', async (t) => {
  const registrar = await new FakeRegistrar().start();
  t.teardown(() => registrar.close());
  const lines: string[] = [];
  const sim = await runCucmSim({
    trunk: `tcp:127.0.0.1:${registrar.port}`,
    call: '2001',
    count: 2,
    hangupAfterMs: 0,
    write: (line) => lines.push(line),
  });
  await sim.done;
  await sim.close();
  const events = lines.map((line) => JSON.parse(line));
  t.deepEqual(
    events.filter(({ type }) => type !== 'response').map(({ sim: name, type }) => `${name} ${type}`),
    ['cucm listening', 'cucm calling', 'cucm answered', 'cucm ended', 'cucm calling', 'cucm answered', 'cucm ended'],
  );
  t.regex(events[0]?.at, /^\d{4}-\d\d-\d\dT/);
});

test('edge and phone: register, sleep, and never print a push token', async (t) => {
  const registrar = await new FakeRegistrar().start();
  t.teardown(() => registrar.close());
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const edge = await runEdgeSim({ mode: 'path', core: `127.0.0.1:${registrar.port}`, write });
  t.teardown(() => edge.close());
  const phone = await runPhoneSim({
    aor: 'sip:2001@corp.example',
    server: `udp:127.0.0.1:${registrar.port}`,
    voipToken: 'abcdef0123456789',
    sleep: 'background',
    write,
  });
  await phone.close();
  await phone.done;
  t.deepEqual(
    lines.map((line) => JSON.parse(line).type),
    ['listening', 'registering', 'registered', 'registering', 'registered', 'asleep'],
  );
  t.notRegex(lines.join('\n'), /abcdef0123456789/);
});

test('pushes over the phone’s own connection wake it; it connects again when the connection was cut', async (t) => {
  const registrar = await new FakeRegistrar().start();
  t.teardown(() => registrar.close());
  const core = { host: '127.0.0.1', port: registrar.port, transport: 'udp' } as const;
  const edge = await new EdgeSimulator({ mode: 'path', core }).start();
  t.teardown(() => edge.close());
  const hellos: unknown[] = [];
  const sockets: Socket[] = [];
  const apple = createServer((socket) => {
    sockets.push(socket);
    socket.on('data', (data) => {
      for (const line of data.toString().trim().split('\n')) hellos.push(JSON.parse(line));
    });
  });
  await new Promise<void>((resolve) => apple.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise<void>((resolve) => apple.close(() => resolve()));
  });
  const address = apple.address();
  if (address === null || typeof address === 'string') return t.fail('no address');
  const phone = new PhoneSimulator({
    aor: 'sip:2001@corp.example',
    server: { host: '127.0.0.1', port: edge.phones.port, transport: 'tcp' },
    voipToken: 'aa',
    alertToken: 'bb',
    pushes: { host: '127.0.0.1', port: address.port },
    behaviour: { wakeDelayMs: 0, answerDelayMs: 0 },
  });
  t.teardown(() => phone.close());
  await phone.start();
  await phone.background();
  t.deepEqual(hellos, [
    { token: 'aa', topics: ['com.example.phone.voip'], environment: 'production' },
    { token: 'bb', topics: ['com.example.phone'], environment: 'production' },
  ]);
  const registered = phone.events.next('registered');
  const callUuid = '0b2c8a52-54f1-4b4a-9a1f-3f6f0c3f9f10';
  sockets[0]?.write(`${JSON.stringify({ pushType: 'voip', payload: { aps: {}, callwake: { callUuid } } })}\n`);
  await registered;
  t.false(phone.asleep);
  t.like(phone.events.all('pushed')[0], { kind: 'voip', callUuid });

  const again = new Promise((resolve) => apple.once('connection', resolve));
  sockets[0]?.destroy();
  await again;
  const alerted = phone.events.next('pushed');
  sockets[1]?.write(`${JSON.stringify({ pushType: 'alert', payload: { aps: { alert: 'Missed call' } } })}\n`);
  t.is((await alerted).kind, 'alert');
  t.deepEqual(phone.faults, []);
});

test('a phone whose Apple is not there says so at once', async (t) => {
  const phone = new PhoneSimulator({
    aor: 'sip:2001@corp.example',
    server: { host: '127.0.0.1', port: 9, transport: 'udp' },
    pushes: { host: '127.0.0.1', port: 1 },
  });
  await t.throwsAsync(phone.start(), { message: /ECONNREFUSED/ });
  await phone.close();
});
