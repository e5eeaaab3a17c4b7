import { Buffer } from 'node:buffer';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { glance, parseMessage, type SipMessage, SipParseError } from '../../../src/engine/message/index.js';
import { glanceKey, serverKey } from '../../../src/engine/transaction/matching.js';
import { Random } from '../../../src/sim/random.js';
import { mutate } from '../../fuzz/mutate.js';

const USUAL = [
  'INVITE sip:2001@192.0.2.1:5060 SIP/2.0',
  'Via: SIP/2.0/UDP cucm.example.com:5062;branch=z9hG4bK3a;rport,SIP/2.0/TCP 192.0.2.9;branch=z9hG4bKold',
  'Via: SIP/2.0/UDP 192.0.2.10',
  'Max-Forwards: 70',
  'From: "Alice, at work" <sip:1001@cucm.example.com>;tag=a1~b2',
  'To: <sip:2001@192.0.2.1;user=phone>',
  'Call-ID: 7c0-b2@192.0.2.2',
  'CSeq: 101 INVITE',
  'Contact: <sip:1001@192.0.2.2:5060>',
  'Content-Length: 0',
];

const bytes = (lines: readonly string[]): Buffer => Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');

/** The usual request with some of its lines replaced. */
function changed(...lines: string[]): Buffer {
  const name = (line: string) => line.slice(0, line.indexOf(':'));
  return bytes(USUAL.map((line) => lines.find((other) => name(other) === name(line)) ?? line));
}

function parsed(data: Buffer): SipMessage | undefined {
  try {
    return parseMessage(data);
  } catch (error) {
    if (error instanceof SipParseError) return undefined;
    throw error;
  }
}

/** Whether a glance shows something; if so, and the message can be parsed, it is what the parser finds. */
function seenRight(data: Buffer): boolean {
  const seen = glance(data);
  const message = seen && parsed(data);
  if (!seen) return false;
  if (!message) return true;
  if (message.kind !== 'request') throw new Error('a response was seen as a request');
  const latin1 = (text: string) => Buffer.from(text, message.encoding).toString('latin1');
  const facts = {
    method: [seen.method, message.method],
    key: [glanceKey(seen), serverKey(message, message.method)],
    rport: [seen.via.rport, message.via.params.has('rport')],
    vias: [1 + seen.vias.length, message.all('via').length],
    from: [seen.from, latin1(message.get('from') ?? '')],
    to: [seen.to, latin1(message.get('to') ?? '')],
    toTag: [seen.toTag, message.toTag],
    callId: [seen.callId, message.callId],
    cseq: [seen.cseq, message.get('cseq')],
  };
  for (const [what, [short, long]] of Object.entries(facts)) {
    if (short !== long) throw new Error(`${what}: ${short} is not ${long}`);
  }
  return true;
}

test('the usual request', (t) => {
  const seen = glance(bytes(USUAL));
  t.like(seen, { method: 'INVITE', toTag: undefined, callId: '7c0-b2@192.0.2.2', cseq: '101 INVITE' });
  t.like(seen?.via, { host: 'cucm.example.com', port: 5062, branch: 'z9hG4bK3a', rport: true });
  t.is(seen?.via.rest, ',SIP/2.0/TCP 192.0.2.9;branch=z9hG4bKold');
  t.deepEqual(seen?.vias, ['SIP/2.0/UDP 192.0.2.10']);
  t.true(seenRight(bytes(USUAL)));
});

test('compact forms, other spellings, IPv6, a To tag', (t) => {
  const compact = bytes([
    'OPTIONS sip:[2001:db8::1] SIP/2.0',
    'v: SIP/2.0/TLS [2001:DB8::2]:5061;rport;branch=z9hG4bK1',
    'f:sip <sip:a@b>;tag=1',
    't : <sip:c@d>;x=y;TAG=7',
    'i: 1',
    'cseq: 1 OPTIONS',
    'l: 0',
  ]);
  t.true(seenRight(compact));
  t.like(glance(compact), { toTag: '7' });
  t.is(glance(compact)?.via.host, '[2001:db8::2]');
});

const ODD: Record<string, Buffer> = {
  'no SIP': Buffer.from('\0\0\0\0'),
  nothing: Buffer.alloc(0),
  'a response': bytes(['SIP/2.0 200 OK', ...USUAL.slice(1)]),
  'headers without an end': Buffer.from(USUAL.join('\r\n')),
  'a folded line': bytes([...USUAL, 'Subject: a', ' b']),
  'two To': bytes([...USUAL, 'To: <sip:b@c>']),
  'two Call-ID': bytes([...USUAL, 'i: 2']),
  'no From': bytes(USUAL.filter((line) => !line.startsWith('From'))),
  'no Via': bytes(USUAL.filter((line) => !line.startsWith('Via'))),
  'a branch of RFC 2543': changed('Via: SIP/2.0/UDP 192.0.2.2;branch=1'),
  'the bare cookie': changed('Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK'),
  'no branch': changed('Via: SIP/2.0/UDP 192.0.2.2;rport'),
  'two branches': changed('Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK1;branch=z9hG4bK2'),
  'a Via with blanks': changed('Via: SIP / 2.0 / UDP 192.0.2.2;branch=z9hG4bK1'),
  'a Via of port 0': changed('Via: SIP/2.0/UDP 192.0.2.2:0;branch=z9hG4bK1'),
  'a branch beyond ASCII': changed('Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK\xe4'),
  'a To without brackets': changed('To: sip:2001@192.0.2.1'),
  'a To whose tag has blanks around it': changed('To: <sip:2001@192.0.2.1>; tag = 1'),
  'a To whose tag is empty': changed('To: <sip:2001@192.0.2.1>;tag='),
  'a lone LF in From': changed('From: <sip:a@b>;tag=1\nTo: <sip:a@b>;tag=2'),
  'a NUL in To': changed('To: <sip:b\0@c>'),
  'a Call-ID with a blank': changed('Call-ID: a b'),
  'the CSeq of another method': changed('CSeq: 101 OPTIONS'),
  'a Request-URI with a blank': bytes(['INVITE sip:a b SIP/2.0', ...USUAL.slice(1)]),
  'another version': bytes(['INVITE sip:a@b SIP/3.0', ...USUAL.slice(1)]),
};
for (const [what, data] of Object.entries(ODD)) {
  test(`left to the parser: ${what}`, (t) => t.is(glance(data), undefined));
}

test('RFC 4475: what a glance shows is what the parser finds', (t) => {
  const folder = 'test/fixtures/rfc4475';
  for (const name of readdirSync(folder)) t.notThrows(() => seenRight(readFileSync(`${folder}/${name}`)), name);
});

const word = fc.stringMatching(/^[a-z0-9.!%*_+`'~-]{1,12}$/);
const param = fc.oneof(
  word,
  fc.tuple(word, word).map(([name, value]) => `${name}=${value}`),
);
const params = fc.array(param, { maxLength: 3 }).map((all) => all.map((one) => `;${one}`).join(''));
const host = fc.constantFrom('192.0.2.2', 'h', 'Host.Example.COM', '[2001:db8::A]', '192.0.2.2:5080', '[::1]:9');
const via = fc
  .tuple(host, params, fc.constantFrom('', ';rport', ';RPort'), word, params)
  .map(([at, before, rport, branch, after]) => `SIP/2.0/UDP ${at}${before}${rport};branch=z9hG4bK${branch}${after}`);
const display = fc.oneof(fc.constant(''), word, fc.constantFrom('"Müller, \xc3\xa0" ', '"a;tag=1" '));
const nameAddr = fc
  .tuple(display, word, params)
  .map(([name, user, more]) => `${name}<sip:${user.replaceAll('%', '')}@h;x>${more}`);
const requests = fc
  .record({
    method: fc.constantFrom('INVITE', 'REGISTER', 'ACK', 'BYE'),
    vias: fc.array(via, { minLength: 1, maxLength: 3 }),
    oneLine: fc.boolean(),
    from: nameAddr,
    to: nameAddr,
    toTag: fc.constantFrom('', ';tag=b'),
    callId: word,
    extra: fc.array(fc.tuple(word, fc.string()), { maxLength: 4 }),
  })
  .map(({ method, vias, oneLine, from, to, toTag, callId, extra }) =>
    bytes([
      `${method} sip:a@b SIP/2.0`,
      ...(oneLine ? [`Via: ${vias.join(',')}`] : vias.map((value) => `v: ${value}`)),
      ...extra.map(([name, value]) => `X-${name}: ${value.replace(/[\r\n]/g, ' ')}`),
      `From: ${from};tag=a`,
      `To: ${to}${toTag}`,
      `Call-ID: ${callId}`,
      `CSeq: 7 ${method}`,
    ]),
  );

test('requests of every kind: what a glance shows is what the parser finds', (t) => {
  let seen = 0;
  fc.assert(
    fc.property(requests, (data) => {
      if (seenRight(data)) seen++;
    }),
    { numRuns: 300 },
  );
  t.true(seen > 150, `${seen} of 300 were seen`);
});

test('changed at random they never do harm, and are still seen right or not at all', (t) => {
  fc.assert(
    fc.property(requests, requests, fc.nat(), (data, other, seed) => {
      seenRight(mutate(new Random(seed), data, other));
    }),
    { numRuns: 500 },
  );
  t.notThrows(() => fc.assert(fc.property(fc.uint8Array(), (data) => glance(Buffer.from(data)) === undefined)));
});
