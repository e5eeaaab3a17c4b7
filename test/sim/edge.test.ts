import { createSocket } from 'node:dgram';
import test from 'ava';
import { type Clock, systemClock } from '../../src/clock/clock.js';
import type { Flow } from '../../src/engine/transport/index.js';
import { parseNameAddr } from '../../src/grammar/name-addr.js';
import { parseUri } from '../../src/grammar/uri.js';
import { ContactTable } from '../../src/sim/edge/contact-table.js';
import { FlowTable } from '../../src/sim/edge/flow-table.js';
import { type EdgeMode, EdgeSimulator } from '../../src/sim/edge/index.js';
import { PhoneSimulator } from '../../src/sim/phone/index.js';
import { FakeClock } from '../support/fake-clock.js';
import { FakeRegistrar } from './support/registrar.js';

const EDGE = { host: '192.0.2.1', port: 5061, transport: 'tcp' };

function udpFlow(port: number): Flow {
  return {
    protocol: 'udp',
    local: { address: '127.0.0.1', port: 5060 },
    remote: { address: '127.0.0.1', port },
  };
}

async function edgeWith(
  t: { teardown(fn: () => Promise<void>): void },
  mode: EdgeMode,
  core: number,
  transport: 'udp' | 'tcp' = 'udp',
  clock: Clock = systemClock,
): Promise<EdgeSimulator> {
  const edge = await new EdgeSimulator({ mode, core: { host: '127.0.0.1', port: core, transport }, clock }).start();
  t.teardown(() => edge.close());
  return edge;
}

function phoneAt(
  t: { teardown(fn: () => Promise<void>): void },
  edge: EdgeSimulator,
  transport: 'udp' | 'tcp' = 'tcp',
): PhoneSimulator {
  const server = { host: '127.0.0.1', port: edge.phones.port, transport };
  const phone = new PhoneSimulator({
    aor: 'sip:2001@corp.example',
    server,
    behaviour: { wakeDelayMs: 0, answerDelayMs: 0 },
  });
  t.teardown(() => phone.close());
  return phone;
}

/** Sends one datagram, gives the first line of the answer. */
async function ask(port: number, text: string): Promise<string> {
  const socket = createSocket('udp4');
  try {
    return await new Promise((resolve, reject) => {
      socket.once('message', (data) => resolve(data.toString().split('\r\n')[0] ?? ''));
      socket.once('error', reject);
      socket.send(text, port, '127.0.0.1');
    });
  } finally {
    socket.close();
  }
}

function request(method: string, uri: string, maxForwards: number, headers: readonly string[] = []): string {
  return [
    `${method} ${uri} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:5099;rport;branch=z9hG4bKtest${maxForwards}`,
    'From: <sip:a@example.com>;tag=1',
    'To: <sip:b@example.com>',
    'Call-ID: test-call',
    `CSeq: 1 ${method}`,
    `Max-Forwards: ${maxForwards}`,
    ...headers,
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}

test('flow tokens: the same for one flow, known as ours when the flow is gone, the oldest forgotten above the limit', (t) => {
  const evicted: string[] = [];
  const table = new FlowTable(2, (token) => evicted.push(token));
  const first = table.tokenOf(udpFlow(1)).token;
  const second = table.tokenOf(udpFlow(2)).token;
  t.deepEqual(table.tokenOf(udpFlow(1)), { token: first, fresh: false });
  t.is(table.flowOf(first)?.remote.port, 1);
  table.tokenOf(udpFlow(3));
  t.is(table.size, 2);
  t.deepEqual(evicted, [second]);
  t.is(table.flowOf(second), undefined);
  t.true(table.issued(second));
  t.false(table.issued('invented'));
  t.false(table.issued(`${second.slice(0, -1)}${second.endsWith('A') ? 'B' : 'A'}`));
});

test('rewritten Contacts: push parameters stay, the phone’s address goes, and it comes back in the answer', (t) => {
  const table = new ContactTable(10);
  const value =
    '<sip:2001@10.0.0.5:4444;transport=tcp;pn-provider=apns;pn-prid=ab12>;+sip.instance="<urn:uuid:1>";expires=60';
  const hidden = table.hide(value, 'flow', EDGE);
  const uri = parseUri(parseNameAddr(hidden).uri);
  t.is(uri.host, '192.0.2.1');
  t.is(uri.params.get('pn-prid'), 'ab12');
  t.is(parseNameAddr(hidden).params.get('+sip.instance'), '"<urn:uuid:1>"');
  t.notRegex(hidden, /10\.0\.0\.5/);
  t.like(table.get(uri.user ?? ''), { target: 'sip:2001@10.0.0.5:4444;transport=tcp', flow: 'flow' });
  t.is(table.reveal(hidden), value);
  t.is(table.hide(value, 'flow', EDGE), hidden);
  t.not(table.hide(value, 'another flow', EDGE), hidden);
  t.is(table.reveal('<sip:x@elsewhere>'), '<sip:x@elsewhere>');
});

test('rewritten Contacts are bounded', (t) => {
  const table = new ContactTable(3);
  for (let i = 0; i < 50; i++) table.hide(`<sip:${i}@10.0.0.5>`, 'flow', EDGE);
  t.is(table.size, 3);
});

test('a stranger’s requests: OPTIONS to the edge 200, Max-Forwards 0 483, no flow 404, core that is not there 503', async (t) => {
  const registrar = await new FakeRegistrar().start();
  const edge = await edgeWith(t, 'path', registrar.port, 'tcp');
  await registrar.close();
  t.is(await ask(edge.phones.port, request('OPTIONS', `sip:127.0.0.1:${edge.phones.port}`, 0)), 'SIP/2.0 200 OK');
  t.regex(await ask(edge.phones.port, request('MESSAGE', 'sip:b@example.com', 0)), /^SIP\/2\.0 483 /);
  t.regex(await ask(edge.core.port, request('MESSAGE', 'sip:b@example.com', 70)), /^SIP\/2\.0 404 /);
  t.regex(await ask(edge.phones.port, request('MESSAGE', 'sip:b@example.com', 70)), /^SIP\/2\.0 503 /);
});

test('a Route or Contact that can’t be read gets 400', async (t) => {
  const edge = await edgeWith(t, 'rewrite', 9);
  t.regex(
    await ask(edge.core.port, request('INFO', 'sip:b@example.com', 70, ['Route: <sip:a b@c>'])),
    /^SIP\/2\.0 400 /,
  );
  t.regex(
    await ask(edge.phones.port, request('REGISTER', 'sip:example.com', 70, ['Contact: <nonsense>'])),
    /^SIP\/2\.0 400 /,
  );
});

for (const mode of ['path', 'rewrite'] as const) {
  test(`edge ${mode}: INVITEs carry Record-Route for both sides, and the phone gets none of the edge’s Routes`, async (t) => {
    const registrar = await new FakeRegistrar().start();
    t.teardown(() => registrar.close());
    const edge = await edgeWith(t, mode, registrar.port);
    const phone = await phoneAt(t, edge).start();
    const call = registrar.call();
    const ok = await call.answered;
    const ports = ok.headers
      .filter(([name]) => name === 'Record-Route')
      .map(([, value]) => parseUri(parseNameAddr(value).uri).port);
    t.deepEqual(ports, [edge.phones.port, edge.core.port]);
    await call.hangup();
    const invite = phone.messages.find(({ message }) => message.kind === 'request' && message.method === 'INVITE');
    t.false(invite?.message.has('Route') ?? true);
    t.deepEqual([...edge.faults, ...phone.faults], []);
  });

  test(`edge ${mode}: a re-registration over the same flow keeps its token or Contact; a new flow gets another`, async (t) => {
    const registrar = await new FakeRegistrar().start();
    t.teardown(() => registrar.close());
    const edge = await edgeWith(t, mode, registrar.port);
    const phone = await phoneAt(t, edge).start();
    const first = registrar.binding;
    await phone.register();
    t.is(registrar.binding?.uri, first?.uri);
    t.deepEqual(registrar.binding?.path, first?.path);
    await phone.sleepSilently();
    await phone.register();
    t.notDeepEqual([registrar.binding?.uri, registrar.binding?.path], [first?.uri, first?.path]);
  });
}

test('cut flows: the phone is unreachable until it registers again', async (t) => {
  const registrar = await new FakeRegistrar().start();
  t.teardown(() => registrar.close());
  const edge = await edgeWith(t, 'path', registrar.port);
  const phone = await phoneAt(t, edge).start();
  edge.cutFlows();
  t.like(await registrar.call().ended, { status: 430 });
  await phone.register();
  const call = registrar.call();
  await call.answered;
  await call.hangup();
  t.deepEqual(phone.faults, []);
});

test('a registrar that forgets Path is told', async (t) => {
  const registrar = await new FakeRegistrar().start();
  t.teardown(() => registrar.close());
  registrar.echoesPath = false;
  const edge = await edgeWith(t, 'path', registrar.port);
  await phoneAt(t, edge).start();
  t.deepEqual(edge.faults, ['REGISTER 2xx without our Path (RFC 3327 section 5.3)']);
});

test('a phone over UDP whose socket is closed: once that shows, its flow is gone', async (t) => {
  const registrar = await new FakeRegistrar().start();
  t.teardown(() => registrar.close());
  const clock = new FakeClock();
  const edge = await edgeWith(t, 'path', registrar.port, 'udp', clock);
  const phone = phoneAt(t, edge, 'udp');
  await phone.start();
  await phone.sleepSilently();
  clock.advance(60_000);
  t.like(await registrar.call().ended, { how: 'failed', status: 430 });
  t.is(edge.events.all('flow-closed').length, 1);
});
