import type { Random } from '../../src/sim/random.js';

/** What breaks parsers: separators, ends, numbers at their limits, other encodings. */
const TOKENS = [
  '\r\n',
  '\r\n\r\n',
  '\r',
  '\n',
  '\0',
  ' ',
  '\t',
  '\r\n ',
  ',',
  ';',
  ':',
  '<',
  '>',
  '"',
  '\\',
  '@',
  '=',
  '%',
  '%00',
  '%GG',
  '[',
  ']',
  '[::]',
  '|',
  '#',
  '..',
  '-1',
  '0',
  '255',
  '256',
  '65535',
  '65536',
  '4294967295',
  '4294967296',
  '99999999999999999999',
  'NaN',
  '1e9',
  'é',
  '\u{1F4A9}',
  '\xff\xfe',
  ';tag=',
  ';branch=z9hG4bK',
  ';rport',
  ';received=::1',
  ';maddr=255.255.255.255',
  ';lr',
  ';transport=sctp',
  ';expires=-5',
  'SIP/2.0',
  'SIP/3.0',
  '*',
  'sips:',
  'tel:+1',
  'Content-Length: 10\r\n',
  'l: 99999\r\n',
  'Via: SIP/2.0/UDP x;branch=z9hG4bKx\r\n',
  'Route: <sip:127.0.0.1;lr>\r\n',
  'Record-Route: <sip:x;lr>\r\n',
  'Require: 100rel\r\n',
  'RSeq: 1\r\n',
  'Contact: *\r\n',
  'Expires: 0\r\n',
  'Session-Expires: 1\r\n',
  'Subscription-State: terminated\r\n',
  'a'.repeat(300),
  ';x'.repeat(200),
  '<'.repeat(100),
  '"'.repeat(101),
  '('.repeat(100),
  'X: y\r\n'.repeat(150),
];

/** A copy with a few changes: bytes, tokens, lines, numbers, pieces of `other`. */
export function mutate(random: Random, data: Buffer, other: Buffer): Buffer {
  let text = data.toString('latin1');
  for (let i = random.below(4); i >= 0; i--) text = change(random, text, other);
  return Buffer.from(text, 'latin1');
}

function change(random: Random, text: string, other: Buffer): string {
  const at = random.below(text.length + 1);
  const end = Math.min(text.length, at + 1 + random.below(20));
  switch (random.below(10)) {
    case 0:
      return `${text.slice(0, at)}${String.fromCharCode(random.below(256))}${text.slice(at + 1)}`;
    case 1:
      return text.slice(0, at) + text.slice(end);
    case 2:
      return text.slice(0, at) + random.pick(TOKENS) + text.slice(at);
    case 3:
      return text.slice(0, at) + random.pick(TOKENS) + text.slice(end);
    case 4:
      return text.slice(0, at) + text.slice(at, end).repeat(1 + random.below(30)) + text.slice(end);
    case 5:
      return text.slice(0, at);
    case 6:
      return onLines(text, (lines) => lines.splice(random.below(lines.length), 1));
    case 7:
      return onLines(text, (lines) => lines.splice(random.below(lines.length), 0, random.pick(lines)));
    case 8:
      return text.replace(/\d+/g, (digits) => (random.chance(0.1) ? random.pick(TOKENS) : digits));
    default: {
      const from = random.below(other.length + 1);
      return text.slice(0, at) + other.toString('latin1', from, from + random.below(200)) + text.slice(end);
    }
  }
}

function onLines(text: string, fn: (lines: string[]) => void): string {
  const lines = text.split('\r\n');
  fn(lines);
  return lines.join('\r\n');
}
