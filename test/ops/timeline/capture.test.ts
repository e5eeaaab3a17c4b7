import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type CallMessage, CallMessages } from '../../../src/ops/timeline/call-messages.js';
import { captureOf } from '../../../src/ops/timeline/capture.js';
import { HepClient } from '../../../src/ops/timeline/hep-sender.js';
import { pcapng } from '../../../src/ops/timeline/pcapng.js';
import { TimelineRecorder } from '../../../src/ops/timeline/recorder.js';

const AT = Date.parse('2026-01-05T08:00:00.123Z');
const TOKEN = 'ab'.repeat(32);
const TRUNK = { address: '192.0.2.10', port: 5060 };
const OWN = { address: '192.0.2.1', port: 5070 };
const PHONE = { address: '2001:db8::7', port: 50_000 };
const OWN6 = { address: '2001:db8::1', port: 5061 };

function sip(start: string, callId: string, headers: readonly string[] = [], body = ''): string {
  const method = start.startsWith('SIP/') ? 'INVITE' : start.split(' ')[0];
  return [
    start,
    'Via: SIP/2.0/TCP 192.0.2.10;branch=z9hG4bK1',
    'From: <sip:1001@corp.example>;tag=a',
    'To: <sip:2001@corp.example>',
    `Call-ID: ${callId}`,
    `CSeq: 1 ${method}`,
    ...headers,
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}

const SDP = 'v=0\r\no=- 1 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n';

/** A call on two legs, and what isn't of it. */
function kept(bodies = false, bytes = 1_000_000): CallMessages {
  const all = new CallMessages({ bytes, bodies });
  const add = (ms: number, from: CallMessage['from'], to: CallMessage['to'], text: string, protocol = 'tcp'): void =>
    all.add({ at: AT + ms, text, meta: '', wayOf: () => ({ protocol, from, to }) });
  const session = 'Session-ID: ab30173f7f9855d89ccb3e4b4e5c9a1d;remote=00000000000000000000000000000000';
  add(
    0,
    TRUNK,
    OWN,
    sip('INVITE sip:2001@192.0.2.1 SIP/2.0', 'trunk-1', [session, 'Content-Type: application/sdp'], SDP),
  );
  add(1, OWN, TRUNK, sip('SIP/2.0 100 Trying', 'trunk-1'));
  const target = `INVITE sip:2001@[2001:db8::7]:50000;pn-prid=${TOKEN} SIP/2.0`;
  add(
    700,
    OWN6,
    PHONE,
    sip(target, 'leg-1', ['X-Callwake-Call-UUID: U1', 'Proxy-Authorization: Digest response="x"']),
    'tls',
  );
  add(800, PHONE, OWN6, sip('SIP/2.0 180 Ringing', 'leg-1'), 'tls');
  add(900, TRUNK, OWN, sip('INVITE sip:2002@192.0.2.1 SIP/2.0', 'another'));
  add(950, PHONE, OWN6, sip('REGISTER sip:corp.example SIP/2.0', 'register-1'), 'udp');
  return all;
}

const CALL = { callUuid: 'U1', callId: 'trunk-1' };

function tshark(t: ExecutionContext, file: Buffer, ...args: readonly string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'callwake-capture-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'call.pcapng');
  writeFileSync(path, file);
  const text = execFileSync('tshark', ['-r', path, '-n', ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return text.split('\n').filter((line) => line !== '');
}

test('Wireshark reads a call: messages with addresses, ports and times, pushes between them', (t) => {
  const recorder = new TimelineRecorder({ calls: 1 });
  const event = (ms: number, type: string, fields = {}): void =>
    recorder.record({ callUuid: 'U1', at: AT + ms, ms, type, fields });
  event(0, 'invite-received', { callId: 'trunk-1' });
  event(2, 'push-asked', { device: 'A' });
  event(32, 'push-accepted', { device: 'A', apnsId: 'APNS-1', answerMs: 30 });
  const call = recorder.get('U1');
  if (call === undefined) return t.fail();
  const file = captureOf(call, kept().of(CALL));
  const fields = [
    'frame.time_epoch',
    'ip.src',
    'ipv6.src',
    'ip.dst',
    'ipv6.dst',
    'exported_pdu.src_port',
    'sip.Method',
    'sip.Status-Code',
  ];
  const rows = tshark(
    t,
    file,
    '-Y',
    'sip',
    '-T',
    'fields',
    '-E',
    'separator=/t',
    ...fields.flatMap((field) => ['-e', field]),
  );
  const cells = rows.map((row) => row.split('\t'));
  t.deepEqual(
    cells.map((cell) => cell.slice(-2).join('')),
    ['INVITE', '100', 'INVITE', '180'],
  );
  t.is(Number(cells[0]?.[0]), AT / 1000);
  t.is(Number(cells[2]?.[0]), (AT + 700) / 1000);
  const text = tshark(t, file, '-V').join('\n');
  t.regex(text, /192\.0\.2\.10/);
  t.regex(text, /2001:db8::7/);
  t.regex(text, /5070/);
  t.regex(text, /callwake: 32\.0 ms, apns -> callwake: 200 \(30 ms\).*apnsId=APNS-1/);
  t.notRegex(text, /Malformed/i);
});

test('the legs of a call belong together, by Call-ID, call UUID and Session-ID; others do not', (t) => {
  const all = kept();
  const ids = (call: Parameters<CallMessages['of']>[0]): string[] =>
    all
      .of(call)
      .map(({ text }) => `${/Call-ID: (.+)/.exec(text)?.[1]?.trim()} ${text.split(' SIP/2.0')[0]?.slice(0, 11)}`);
  t.deepEqual(
    ids(CALL).map((id) => id.split(' ')[0]),
    ['trunk-1', 'trunk-1', 'leg-1', 'leg-1'],
  );
  t.is(ids({ callUuid: 'u1' }).length, 2);
  t.is(ids({ callUuid: 'x', sessionId: 'AB30173F7F9855D89CCB3E4B4E5C9A1D;remote=1' }).length, 2);
  t.deepEqual(ids({ callUuid: 'x' }), []);
});

test('tokens, credentials and bodies are not kept, unless bodies are wanted', (t) => {
  const texts = (bodies: boolean): string =>
    kept(bodies)
      .of(CALL)
      .map(({ text }) => text)
      .join('\n');
  const text = texts(false);
  for (const hidden of [TOKEN, 'response="x"', 'm=audio']) t.false(text.includes(hidden), hidden);
  t.regex(text, /pn-prid=token-[0-9a-f]{12}/);
  t.true(text.includes(`Content-Length: 0\r\nX-Body-Left-Out: ${SDP.length}\r\n\r\n`));
  t.true(texts(true).includes('m=audio 4000'));
  t.false(texts(true).includes(TOKEN));
});

test('what is kept is bounded in bytes, the oldest legs go', (t) => {
  const all = new CallMessages({ bytes: 50_000, bodies: false });
  const wayOf = () => ({ protocol: 'udp', from: TRUNK, to: OWN });
  for (let i = 0; i < 1000; i++) {
    const text = sip('INVITE sip:2001@192.0.2.1 SIP/2.0', `call-${i}`);
    all.add({ at: AT + i, text, meta: '', wayOf });
    all.add({ at: AT + i, text: sip('SIP/2.0 100 Trying', `call-${i}`), meta: '', wayOf });
  }
  const left = Array.from({ length: 1000 }, (_, i) => all.of({ callUuid: 'x', callId: `call-${i}` }).length);
  t.is(left[0], 0);
  t.is(left[999], 2);
  const count = left.filter((messages) => messages > 0).length;
  t.true(count > 10 && count < 100, String(count));
  for (let i = 0; i < 10_000; i++) all.add({ at: AT, text: sip('INFO sip:x SIP/2.0', 'call-999'), meta: '', wayOf });
  t.true(all.of({ callUuid: 'x', callId: 'call-999' }).length <= 500);
});

test('a Homer collector gets each message with its leg', async (t) => {
  const collector = createSocket('udp4');
  t.teardown(() => collector.close());
  collector.bind(0, '127.0.0.1');
  await once(collector, 'listening');
  const client = new HepClient(
    { host: '127.0.0.1', port: collector.address().port, agentId: 2001, password: 'homer' },
    (why) => t.fail(why),
  );
  t.teardown(() => client.close());
  const [message] = kept().of(CALL);
  if (message === undefined) return t.fail();
  const got = once(collector, 'message');
  client.send(message, 'trunk-1');
  const chunks = chunksOf((await got)[0]);
  t.deepEqual([...(chunks.get(3) ?? [])], [192, 0, 2, 10]);
  t.deepEqual([...(chunks.get(4) ?? [])], [192, 0, 2, 1]);
  t.is(chunks.get(7)?.readUInt16BE(), 5060);
  t.is(chunks.get(8)?.readUInt16BE(), 5070);
  t.is(chunks.get(9)?.readUInt32BE(), Math.floor(AT / 1000));
  t.is(chunks.get(10)?.readUInt32BE(), 123_000);
  t.is(chunks.get(14)?.toString(), 'homer');
  t.is(chunks.get(15)?.toString(), message.text);
  t.is(chunks.get(17)?.toString(), 'trunk-1');
  t.deepEqual([...(chunks.get(11) ?? [])], [1]);

  const next = once(collector, 'message');
  client.log(AT, '{"text":"callwake -> apns: VoIP push"}', 'session');
  const line = chunksOf((await next)[0]);
  t.deepEqual([...(line.get(11) ?? [])], [100]);
  t.is(line.get(9)?.readUInt32BE(), Math.floor(AT / 1000));
  t.is(line.get(15)?.toString(), '{"text":"callwake -> apns: VoIP push"}');
  t.is(line.get(17)?.toString(), 'session');
});

/** The chunks of a HEP3 packet by their type. */
function chunksOf(packet: Buffer): Map<number, Buffer> {
  const chunks = new Map<number, Buffer>();
  if (packet.subarray(0, 4).toString() !== 'HEP3' || packet.readUInt16BE(4) !== packet.length) return chunks;
  for (let at = 6; at < packet.length; at += packet.readUInt16BE(at + 4)) {
    chunks.set(packet.readUInt16BE(at + 2), packet.subarray(at + 6, at + packet.readUInt16BE(at + 4)));
  }
  return chunks;
}

test('an empty call is a capture file too', (t) => {
  t.deepEqual(tshark(t, pcapng([])), []);
});
