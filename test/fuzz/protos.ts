import type { Random } from '../../src/sim/random.js';

/**
 * What the PROTOS test suite for SIP (c07-sip) puts into each element of an INVITE in turn: overflows, format strings, signs, repeated
 * and broken separators, malformed UTF-8, escapes of terminals, header lines inside values.
 */
const ANOMALIES: readonly string[] = [
  '',
  ' ',
  '\t\t\t',
  ...[17, 128, 1024, 8192, 20_000].map((length) => 'a'.repeat(length)),
  '%s'.repeat(64),
  '%n'.repeat(64),
  '%.9999999d',
  ...[
    '0',
    '-1',
    '-0',
    '00000000000001',
    '2147483647',
    '2147483648',
    '4294967295',
    '4294967296',
    '18446744073709551616',
  ],
  '9'.repeat(400),
  '1e99',
  '\xc0\xaf',
  '\xed\xa0\x80',
  '\xff\xfe\xfd',
  '\xf0\x28\x8c\x28',
  '\x1b[2J\x1b[1;31m',
  '\x07\x08\x7f',
  '\x00',
  '\\',
  '"',
  '"""',
  '\\"\\"\\',
  '"\\\r\n X: y"',
  '%0d%0aX-Injected:%201',
  '\r\n X-Folded: 1',
  '\r\nX-Injected: 1',
  '\rX-Injected: 1',
  '\nX-Injected: 1',
  '<',
  '>',
  '<<>>',
  '<sip:',
  '<'.repeat(500),
  ','.repeat(500),
  ';'.repeat(500),
  ';a=b'.repeat(300),
  ':'.repeat(300),
  '@'.repeat(300),
  '('.repeat(300),
  '['.repeat(100),
  '[::1',
  '[::1]:',
  '::ffff:127.0.0.1',
  '255.255.255.256',
  '127.0.0.1:99999',
  'sip:sip:sip:a@b',
  'tel:+',
  'SIP/2.0 SIP/2.0',
  'z9hG4bK'.repeat(100),
];

/** The parts of an INVITE, each of which may be replaced. */
const PARTS = {
  method: 'INVITE',
  scheme: 'sip',
  user: 'good',
  host: 'HOST',
  uriParameters: ';transport=udp',
  version: 'SIP/2.0',
  viaProtocol: 'SIP/2.0/UDP',
  viaSentBy: '127.0.0.1:9',
  viaParameters: ';rport',
  branch: 'z9hG4bK',
  display: '"Ada"',
  fromUri: 'sip:ada@127.0.0.1',
  tag: 'tag',
  to: '<sip:good@127.0.0.1>',
  callId: 'call',
  cseq: '1',
  cseqMethod: 'INVITE',
  contact: '<sip:ada@127.0.0.1:9>',
  expires: '60',
  maxForwards: '70',
  contentType: 'application/sdp',
  contentLength: 'LENGTH',
  header: 'Subject',
  value: 'hello',
  route: '<sip:127.0.0.1:9;lr>',
  require: '100rel',
  authorization: 'Digest username="a", realm="b", nonce="c", uri="sip:x", response="d"',
  sdp: 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n',
};

type Part = keyof typeof PARTS;

const NAMES = Object.keys(PARTS) as Part[];

/** How many cases {@link protosCase} knows. */
export const PROTOS_CASES = NAMES.length * ANOMALIES.length * 3;

/** The case of that number: one part replaced by, preceded by or followed by an anomaly. `unique` keeps cases apart as transactions. */
export function protosCase(number: number, unique: string, engine: string): Buffer {
  const name = NAMES[number % NAMES.length] ?? 'value';
  const anomaly = ANOMALIES[Math.floor(number / NAMES.length) % ANOMALIES.length] ?? '';
  const where = Math.floor(number / NAMES.length / ANOMALIES.length) % 3;
  const good = PARTS[name];
  const p = { ...PARTS, [name]: [anomaly, anomaly + good, good + anomaly][where] };
  const lines = [
    `${p.method} ${p.scheme}:${p.user}@${p.host}${p.uriParameters} ${p.version}`,
    `Via: ${p.viaProtocol} ${p.viaSentBy}${p.viaParameters};branch=${p.branch}${unique}`,
    `From: ${p.display} <${p.fromUri}>;tag=${p.tag}`,
    `To: ${p.to}`,
    `Call-ID: ${p.callId}${unique}`,
    `CSeq: ${p.cseq} ${p.cseqMethod}`,
    `Contact: ${p.contact}`,
    `Max-Forwards: ${p.maxForwards}`,
    `Expires: ${p.expires}`,
    ...(name === 'header' || name === 'value' ? [`${p.header}: ${p.value}`] : []),
    ...(name === 'route' ? [`Route: ${p.route}`] : []),
    ...(name === 'require' ? [`Require: ${p.require}`] : []),
    ...(name === 'authorization' ? [`Authorization: ${p.authorization}`] : []),
    `Content-Type: ${p.contentType}`,
    `Content-Length: ${p.contentLength}`,
  ];
  const body = Buffer.from(p.sdp, 'latin1');
  const head = `${lines.join('\r\n')}\r\n\r\n`.replace('LENGTH', String(body.length)).replace('HOST', engine);
  return Buffer.concat([Buffer.from(head, 'latin1'), body]);
}

/** Any of the cases, or a multipart body in multipart bodies, or headers that never end. */
export function protosMessage(random: Random, engine: string): Buffer {
  if (random.chance(0.9)) return protosCase(random.below(PROTOS_CASES), random.word(10), engine);
  const good = protosCase(0, random.word(10), engine).toString('latin1');
  if (random.chance(0.5)) {
    const many = 1 + random.below(400);
    return Buffer.from(`INVITE${good.replace('Expires', `${'X-Much: more\r\n'.repeat(many)}Expires`)}`, 'latin1');
  }
  return Buffer.from(multipart(random, `INVITE${good}`), 'latin1');
}

function multipart(random: Random, message: string): string {
  let body = 'v=0\r\n';
  for (let depth = 1 + random.below(60); depth > 0; depth--) {
    body = `--b${depth}\r\nContent-Type: multipart/mixed;boundary=b${depth - 1}\r\n\r\n${body}\r\n--b${random.chance(0.8) ? depth : 'x'}--\r\n`;
  }
  const [head = ''] = message.split('\r\n\r\n');
  return `${head
    .replace('application/sdp', 'multipart/mixed;boundary=b1')
    .replace(/Content-Length: .*/, `Content-Length: ${body.length}`)}\r\n\r\n${body}`;
}
